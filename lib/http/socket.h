// Socket: a file descriptor with an owner. Listening sockets.
#pragma once

#include <string>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include <livy/result.h>

namespace livy::internal {

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { Reset(); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void Reset();

 private:
  int fd_ = -1;
};

struct Listeners {
  std::vector<Socket> sockets = {};  // One for each address of the host; never empty.
  int port = 0;                      // The same for all of them.
};

// Non-blocking sockets that listen on every address of `host`. Fails with kUnavailable if one is
// taken, with kPermissionDenied if the port is the system's, with kInvalidArgument if the host has
// no address here.
Result<Listeners> Listen(const std::string& host, int port);

// "127.0.0.1" or "::1"; IPv4 addresses that came in through IPv6 as IPv4.
std::string AddressText(const sockaddr* address, socklen_t size);

}  // namespace livy::internal
