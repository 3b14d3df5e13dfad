#include "http/pinned_client.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "http/certificate.h"
#include "http/socket.h"
#include "http/tls.h"

namespace livy::internal {
namespace {

constexpr std::size_t kLineBytesMax = 64 << 20;  // A line of events is as long as one output.
constexpr int kHeadersMax = 200;

using Sink = std::function<bool(std::string_view)>;

Error Broken() {
  return {ErrorCode::kUnavailable, "The connection to the server is broken."};
}

Result<Socket> Dial(const std::string& host, int port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return Error{ErrorCode::kUnavailable, fmt::format("The host '{}' is unknown.", host)};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, freeaddrinfo);
  for (const addrinfo* to = list.get(); to != nullptr; to = to->ai_next) {
    Socket socket(::socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket || ::connect(socket.fd(), to->ai_addr, to->ai_addrlen) != 0) continue;
    const int on = 1;
    ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return socket;
  }
  return Error{ErrorCode::kUnavailable, fmt::format("Cannot connect to {}:{}.", host, port)};
}

std::string FingerprintOf(SSL* ssl) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl),
                                                                X509_free);
  unsigned char* bytes = nullptr;
  const int size = certificate ? i2d_X509(certificate.get(), &bytes) : 0;
  if (size <= 0) return {};
  const std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return Sha256Hex(der);
}

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text, int base) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

class OpensslPinnedClient : public PinnedClient {
 public:
  OpensslPinnedClient(Socket socket, SslContextPtr context, SslPtr ssl, std::string host)
      : socket_(std::move(socket)),
        context_(std::move(context)),
        ssl_(std::move(ssl)),
        host_(std::move(host)) {}

  Result<HttpResponse> Send(const HttpRequest& request) override {
    Result<HttpResponse> response = Ask(request);
    if (!response) return response;
    const bool is_whole = ReadBody(*response, request.method == "HEAD", [&](std::string_view part) {
      response->body += part;
      return true;
    });
    if (!is_whole) return Broken();
    return response;
  }

  Result<void> ReadLines(const HttpRequest& request,
                         const std::function<bool(std::string_view line)>& line) override {
    const Result<HttpResponse> response = Ask(request);
    if (!response) return response.error();
    if (response->status != 200) {
      Shutdown();
      return Error{ErrorCode::kUnavailable,
                   fmt::format("The server answered with status {}.", response->status)};
    }
    std::string partial;
    bool is_enough = false;
    const bool is_whole = ReadBody(*response, false, [&](std::string_view part) {
      partial += part;
      std::size_t begin = 0;
      for (std::size_t end = 0; (end = partial.find('\n', begin)) != std::string::npos;
           begin = end + 1) {
        is_enough = !line(std::string_view(partial).substr(begin, end - begin));
        if (is_enough) return false;
      }
      partial.erase(0, begin);
      return partial.size() <= kLineBytesMax;
    });
    if (is_enough) {
      Shutdown();
      return {};
    }
    if (!is_whole) return Broken();
    return {};
  }

  void Shutdown() override { ::shutdown(socket_.fd(), SHUT_RDWR); }

 private:
  // Sends the request and reads the answer's head.
  Result<HttpResponse> Ask(const HttpRequest& request) {
    std::string bytes =
        fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.target, host_);
    for (const HttpHeader& header : request.headers) {
      bytes += fmt::format("{}: {}\r\n", header.name, header.value);
    }
    bytes += fmt::format("Content-Length: {}\r\n\r\n", request.body.size());
    bytes += request.body;
    ERR_clear_error();
    if (SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0) return Broken();

    const std::optional<std::string> status_line = ReadLine();
    if (!status_line || !status_line->starts_with("HTTP/1.1 ")) return Broken();
    HttpResponse response = {
        .status = ParseNumber<int>(std::string_view(*status_line).substr(9), 10).value_or(0)};
    for (int i = 0; i < kHeadersMax; ++i) {
      const std::optional<std::string> text = ReadLine();
      if (!text) return Broken();
      if (text->empty()) return response;
      const std::size_t colon = text->find(": ");
      if (colon == std::string::npos) return Broken();
      response.headers.push_back({text->substr(0, colon), text->substr(colon + 2)});
    }
    return Broken();
  }

  // Returns false if the body is cut off or `sink` wants no more.
  bool ReadBody(const HttpResponse& head, bool is_head, const Sink& sink) {
    if (is_head || head.status == 204 || head.status == 304) return true;
    if (const auto length = FindHeader(head.headers, "Content-Length")) {
      const auto size = ParseNumber<std::size_t>(*length, 10);
      return size && ReadBytes(*size, sink);
    }
    if (!FindHeader(head.headers, "Transfer-Encoding")) {
      while (true) {
        if (!buffer_.empty() && !sink(std::exchange(buffer_, {}))) return false;
        if (!Fill()) return true;
      }
    }
    while (true) {
      const std::optional<std::string> line = ReadLine();
      const auto size = line ? ParseNumber<std::size_t>(*line, 16) : std::nullopt;
      if (!size || !ReadBytes(*size, sink)) return false;
      if (!ReadLine()) return false;
      if (*size == 0) return true;
    }
  }

  bool ReadBytes(std::size_t size, const Sink& sink) {
    while (size > 0) {
      if (buffer_.empty() && !Fill()) return false;
      const std::size_t part = std::min(size, buffer_.size());
      if (!sink(std::string_view(buffer_).substr(0, part))) return false;
      buffer_.erase(0, part);
      size -= part;
    }
    return true;
  }

  std::optional<std::string> ReadLine() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
      constexpr std::size_t kHeadLineBytesMax = 65536;
      if (buffer_.size() > kHeadLineBytesMax || !Fill()) return std::nullopt;
    }
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return line;
  }

  bool Fill() {
    std::array<char, 16384> bytes;
    ERR_clear_error();
    const int size = SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (size > 0) buffer_.append(bytes.data(), static_cast<std::size_t>(size));
    return size > 0;
  }

  const Socket socket_;
  const SslContextPtr context_;
  const SslPtr ssl_;
  const std::string host_;
  std::string buffer_ = {};
};

}  // namespace

Result<std::unique_ptr<PinnedClient>> PinnedClient::Connect(const std::string& host, int port,
                                                            const std::string& fingerprint) {
  Result<Socket> socket = Dial(host, port);
  if (!socket) return socket.error();
  SslContextPtr context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) return Error{ErrorCode::kInternal, "OpenSSL has no memory."};
  SslPtr ssl = MakeSsl(context.get(), socket->fd());
  ERR_clear_error();
  if (!ssl || SSL_connect(ssl.get()) != 1) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("{}:{} does not speak TLS with us.", host, port)};
  }
  if (FingerprintOf(ssl.get()) != fingerprint) {
    return Error{ErrorCode::kPermissionDenied,
                 fmt::format("The certificate of {}:{} is not the expected one.", host, port)};
  }
  return std::unique_ptr<PinnedClient>(std::make_unique<OpensslPinnedClient>(
      *std::move(socket), std::move(context), std::move(ssl), fmt::format("{}:{}", host, port)));
}

}  // namespace livy::internal
