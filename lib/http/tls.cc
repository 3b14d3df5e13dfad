#include "http/tls.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <sys/socket.h>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

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
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_IGNORE_UNEXPECTED_EOF);
  // An idle connection keeps no record buffers; a write that is tried again may have moved.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

SslPtr MakeSsl(SSL_CTX* context, int fd) {
  SslPtr ssl(SSL_new(context), SSL_free);
  BIO* bio = ssl && SocketMethod() != nullptr ? BIO_new(SocketMethod()) : nullptr;
  if (bio == nullptr) return SslPtr(nullptr, SSL_free);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);
  return ssl;
}

}  // namespace livy::internal
