#include "http/tls.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "http/certificate.h"

namespace livy::internal {
namespace {

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using MethodPtr = std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)>;

int FdOf(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool IsTransient(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int WriteSocket(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(FdOf(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && IsTransient(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int ReadSocket(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t received = ::recv(FdOf(bio), data, static_cast<std::size_t>(size), 0);
  if (received < 0 && IsTransient(errno)) BIO_set_retry_read(bio);
  if (received == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(received);
}

long ControlSocket(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

BIO_METHOD* SocketMethod() {
  static const MethodPtr method = [] {
    MethodPtr made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "livy socket"),
                   BIO_meth_free);
    if (made) {
      BIO_meth_set_write(made.get(), WriteSocket);
      BIO_meth_set_read(made.get(), ReadSocket);
      BIO_meth_set_ctrl(made.get(), ControlSocket);
    }
    return made;
  }();
  return method.get();
}

std::string LastError() {
  std::array<char, 256> text = {};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

bool UseChain(SSL_CTX* context, const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  if (!bio) return false;
  using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
  const X509Ptr leaf(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr), X509_free);
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) return false;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      return false;
    }
  }
  ERR_clear_error();  // The end of the text is reported as an error.
  return true;
}

bool UseKey(SSL_CTX* context, const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  if (!bio) return false;
  // An empty password, so that OpenSSL does not ask for one on the terminal.
  char none[] = "";
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, none), EVP_PKEY_free);
  return key && SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
         SSL_CTX_check_private_key(context) == 1;
}

// Empty, which is no PEM, if it cannot be read.
std::string ContentOf(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void SetCommonSettings(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle connection keeps no record buffers; a write that is tried again may have moved.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

}  // namespace

Result<SslContextPtr> MakeServerContext(const std::string& certificate_pem,
                                        const std::string& key_pem) {
  SslContextPtr context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return Error{ErrorCode::kInternal, "OpenSSL has no memory."};
  ERR_clear_error();
  if (!UseChain(context.get(), certificate_pem)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("The certificate cannot be used: {}.", LastError())};
  }
  if (!UseKey(context.get(), key_pem)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("The certificate's key cannot be used: {}.", LastError())};
  }
  SetCommonSettings(context.get());
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  return context;
}

Result<SslContextPtr> MakePinningContext() {
  SslContextPtr context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) return Error{ErrorCode::kInternal, "OpenSSL has no memory."};
  SetCommonSettings(context.get());
  return context;
}

Result<SslContextPtr> MakeClientContext(const ClientFiles& files) {
  Result<SslContextPtr> context = MakePinningContext();
  if (!context) return context;
  SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
  const char* authorities = files.authorities.c_str();
  const bool are_known =
      files.authorities.empty()
          ? SSL_CTX_set_default_verify_paths(context->get()) == 1
          : SSL_CTX_load_verify_locations(context->get(), authorities, nullptr) == 1;
  ERR_clear_error();
  if (!are_known) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("The CA file '{}' cannot be used.", files.authorities)};
  }
  if (files.certificate.empty() && files.key.empty()) return context;
  const bool is_usable = UseChain(context->get(), ContentOf(files.certificate)) &&
                         UseKey(context->get(), ContentOf(files.key));
  ERR_clear_error();
  if (is_usable) return context;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("The certificate '{}' with the key '{}' cannot be used.",
                           files.certificate, files.key)};
}

bool ExpectHost(SSL* ssl, const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address = {};
  if (::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
      ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  }
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

std::string PeerFingerprint(SSL* ssl) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl),
                                                                X509_free);
  unsigned char* bytes = nullptr;
  const int size = certificate ? i2d_X509(certificate.get(), &bytes) : 0;
  if (size <= 0) return {};
  const std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return Sha256Hex(der);
}

SslPtr MakeSsl(SSL_CTX* context, int fd) {
  SslPtr ssl(SSL_new(context), SSL_free);
  BIO* bio = ssl && SocketMethod() != nullptr ? BIO_new(SocketMethod()) : nullptr;
  if (bio == nullptr) return SslPtr(nullptr, SSL_free);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);
  if (SSL_is_server(ssl.get()) != 0) {
    SSL_set_accept_state(ssl.get());
  } else {
    SSL_set_connect_state(ssl.get());
  }
  return ssl;
}

}  // namespace livy::internal
