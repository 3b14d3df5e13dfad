// RawClient: says exactly the bytes it is told to, over a loopback connection.
#pragma once

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdint>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace livy::testing {

class RawClient {
 public:
  explicit RawClient(int port, int receive_buffer_bytes = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer_bytes > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(int));
    }
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_open_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RawClient() { Close(); }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        is_open_(other.is_open_),
        buffer_(std::move(other.buffer_)) {}
  RawClient& operator=(RawClient&&) = delete;

  bool is_open() const { return is_open_; }
  int fd() const { return fd_; }

  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void CloseWriting() const { ::shutdown(fd_, SHUT_WR); }

  // Returns false once the server does not take it any more.
  bool Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Everything up to and with `mark`; what arrived if the connection ends or 5 s pass before.
  std::string ReadUntil(std::string_view mark) {
    while (buffer_.find(mark) == std::string::npos && Receive()) {
    }
    const std::size_t found = buffer_.find(mark);
    return Take(found == std::string::npos ? buffer_.size() : found + mark.size());
  }

  std::string ReadToEnd() {
    while (Receive()) {
    }
    return Take(buffer_.size());
  }

  // One answer that has a Content-Length.
  std::string ReadAnswer() {
    std::string answer = ReadUntil("\r\n\r\n");
    const std::size_t at = answer.find("Content-Length: ");
    if (at == std::string::npos) return answer;
    const std::size_t size = std::stoul(answer.substr(at + 16));
    while (buffer_.size() < size && Receive()) {
    }
    return answer + Take(std::min(size, buffer_.size()));
  }

  // One request, one answer.
  std::string Ask(std::string_view request) {
    Send(request);
    return ReadAnswer();
  }

  // Whether the server has ended the connection, or does so within 5 s.
  bool IsEnded() {
    while (Receive()) {
    }
    return has_ended_;
  }

 private:
  bool Receive() {
    pollfd waited = {.fd = fd_, .events = POLLIN, .revents = 0};
    constexpr int kPatienceMillis = 5000;
    if (::poll(&waited, 1, kPatienceMillis) != 1) return false;
    std::array<char, 65536> bytes;
    const ssize_t size = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (size > 0) buffer_.append(bytes.data(), static_cast<std::size_t>(size));
    has_ended_ = has_ended_ || size <= 0;
    return size > 0;
  }

  std::string Take(std::size_t size) {
    std::string taken = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return taken;
  }

  int fd_;
  bool is_open_ = false;
  bool has_ended_ = false;
  std::string buffer_ = {};
};

// "GET <target>" with nothing but a host.
inline std::string Get(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}

inline std::string Post(std::string_view target, std::string_view body,
                        std::string_view headers = "") {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

}  // namespace livy::testing
