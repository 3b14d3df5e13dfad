#include "store/redis_stream.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <utility>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace livy::internal {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

constexpr std::size_t kReadBytes = 16384;

Error Unavailable(std::string message) {
  return {ErrorCode::kUnavailable, std::move(message)};
}

Error SystemError(std::string_view what) {
  return Unavailable(fmt::format("{}: {}", what, std::strerror(errno)));
}

Error TlsError(std::string_view what) {
  std::array<char, 256> text = {};
  const unsigned long code = ERR_get_error();
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return Unavailable(
      fmt::format("{}: {}", what, code == 0 ? "the other side has gone" : text.data()));
}

// Blocks until the socket is ready for `events`.
Result<void> Await(int socket, short events, Clock& clock, Clock::TimePoint deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.Now()).count();
    if (left <= 0) return Unavailable("no answer in time");
    pollfd polled = {.fd = socket, .events = events, .revents = 0};
    const int count =
        poll(&polled, 1,
             static_cast<int>(std::min<decltype(left)>(left, std::numeric_limits<int>::max())));
    if (count > 0) return {};
    if (count < 0 && errno != EINTR) return SystemError("waiting failed");
  }
}

Result<Descriptor> Connect(int family, const sockaddr* address, socklen_t size, Clock& clock,
                           Clock::TimePoint deadline) {
  Descriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return SystemError("no socket");
  if (connect(socket.get(), address, size) != 0) {
    if (errno != EINPROGRESS) return SystemError("connecting failed");
    if (Result<void> ready = Await(socket.get(), POLLOUT, clock, deadline); !ready) {
      return ready.error();
    }
    socklen_t length = sizeof(errno);
    int failure = 0;
    getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &length);
    errno = failure;
    if (failure != 0) return SystemError("connecting failed");
  }
  return socket;
}

Result<Descriptor> ConnectUnix(const std::string& path, Clock& clock, Clock::TimePoint deadline) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return Unavailable("the socket's path is too long");
  std::ranges::copy(path, address.sun_path);
  return Connect(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof(address), clock,
                 deadline);
}

Result<Descriptor> ConnectTcp(const RedisStoreOptions& options, Clock& clock,
                              Clock::TimePoint deadline) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure =
      getaddrinfo(options.host.c_str(), fmt::format("{}", options.port).c_str(), &hints, &found);
  if (failure != 0) return Unavailable(gai_strerror(failure));
  const Addresses addresses(found, freeaddrinfo);
  Result<Descriptor> socket = Unavailable("the host has no address");
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    socket = Connect(address->ai_family, address->ai_addr, address->ai_addrlen, clock, deadline);
    if (!socket) continue;
    const int on = 1;
    setsockopt(socket->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(socket->get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    break;
  }
  return socket;
}

// The authorities to believe, and the certificate to show.
bool UseFiles(SSL_CTX* context, const RedisStoreOptions& options) {
  const bool trusts = options.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                                              : SSL_CTX_load_verify_locations(
                                                    context, options.ca_file.c_str(), nullptr) == 1;
  if (!trusts || options.certificate_file.empty()) return trusts;
  return SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) == 1 &&
         SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) == 1;
}

// The certificate must be for the name, or for the address, that was connected to.
bool ExpectHost(SSL* tls, const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> ignored = {};
  if (inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
      inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host.c_str()) == 1;
  }
  return SSL_set1_host(tls, host.c_str()) == 1 && SSL_set_tlsext_host_name(tls, host.c_str()) == 1;
}

}  // namespace

Result<std::unique_ptr<RedisStream>> RedisStream::Open(const RedisStoreOptions& options,
                                                       Clock& clock, Clock::TimePoint deadline) {
  Result<Descriptor> socket = options.unix_socket.empty()
                                  ? ConnectTcp(options, clock, deadline)
                                  : ConnectUnix(options.unix_socket.string(), clock, deadline);
  if (!socket) return socket.error();
  std::unique_ptr<RedisStream> stream(new RedisStream(*std::move(socket), clock));
  if (options.security == RedisSecurity::kTls) {
    if (Result<void> begun = stream->BeginTls(options, deadline); !begun) return begun.error();
  }
  return stream;
}

Result<void> RedisStream::BeginTls(const RedisStoreOptions& options, Clock::TimePoint deadline) {
  ERR_clear_error();
  context_.reset(SSL_CTX_new(TLS_client_method()));
  if (!context_ || !UseFiles(context_.get(), options)) return TlsError("the files for TLS");
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  tls_.reset(SSL_new(context_.get()));
  if (!tls_) return TlsError("TLS");
  // The stream owns both.
  SSL_set_bio(tls_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  if (options.unix_socket.empty() && !ExpectHost(tls_.get(), options.host)) return TlsError("TLS");
  while (true) {
    const int result = SSL_connect(tls_.get());
    if (result == 1) return FlushTls(deadline);
    if (Result<void> served = ServeTls(result, deadline); !served) return served;
  }
}

Result<void> RedisStream::ServeTls(int result, Clock::TimePoint deadline) {
  const int reason = SSL_get_error(tls_.get(), result);
  if (Result<void> flushed = FlushTls(deadline); !flushed) return flushed;
  if (reason != SSL_ERROR_WANT_READ) return TlsError("TLS failed");
  const Result<std::string> bytes = ReceiveRaw(deadline);
  if (!bytes) return bytes.error();
  BIO_write(SSL_get_rbio(tls_.get()), bytes->data(), static_cast<int>(bytes->size()));
  return {};
}

Result<void> RedisStream::FlushTls(Clock::TimePoint deadline) {
  std::array<char, kReadBytes> bytes = {};
  while (true) {
    const int count =
        BIO_read(SSL_get_wbio(tls_.get()), bytes.data(), static_cast<int>(bytes.size()));
    if (count <= 0) return {};
    const std::string_view text(bytes.data(), static_cast<std::size_t>(count));
    if (Result<void> sent = SendRaw(text, deadline); !sent) return sent;
  }
}

Result<void> RedisStream::SendRaw(std::string_view bytes, Clock::TimePoint deadline) {
  while (!bytes.empty()) {
    const ssize_t count = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      if (Result<void> ready = Await(socket_.get(), POLLOUT, clock_, deadline); !ready)
        return ready;
    } else if (errno != EINTR) {
      return SystemError("sending failed");
    }
  }
  return {};
}

Result<std::string> RedisStream::ReceiveRaw(Clock::TimePoint deadline) {
  std::string bytes(kReadBytes, '\0');
  while (true) {
    const ssize_t count = recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (count > 0) {
      bytes.resize(static_cast<std::size_t>(count));
      return bytes;
    }
    if (count == 0) return Unavailable("the connection was closed");
    if (errno == EAGAIN) {
      Result<void> ready = Await(socket_.get(), POLLIN, clock_, deadline);
      if (!ready) return ready.error();
    } else if (errno != EINTR) {
      return SystemError("receiving failed");
    }
  }
}

Result<void> RedisStream::Send(std::string_view bytes, Clock::TimePoint deadline) {
  if (!tls_) return SendRaw(bytes, deadline);
  ERR_clear_error();
  while (!bytes.empty()) {
    std::size_t written = 0;
    const int result = SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written);
    if (result == 1) {
      bytes.remove_prefix(written);
    } else if (Result<void> served = ServeTls(result, deadline); !served) {
      return served;
    }
  }
  return FlushTls(deadline);
}

Result<std::string> RedisStream::Receive(Clock::TimePoint deadline) {
  if (!tls_) return ReceiveRaw(deadline);
  ERR_clear_error();
  std::string bytes(kReadBytes, '\0');
  while (true) {
    std::size_t count = 0;
    const int result = SSL_read_ex(tls_.get(), bytes.data(), bytes.size(), &count);
    if (result == 1) {
      bytes.resize(count);
      return bytes;
    }
    if (Result<void> served = ServeTls(result, deadline); !served) return served.error();
  }
}

}  // namespace livy::internal
