// BareServer: says exactly the bytes it is told to, to clients that connect.
#pragma once

#include <functional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <utility>

#include "http/socket.h"

namespace livy::testing {

// Gives its connections, one after the other and counted from 0, to a function on its thread, and
// closes each when that returns.
class BareServer {
 public:
  using Serve = std::function<void(int fd, int count)>;
  explicit BareServer(Serve serve, const std::string& host = "127.0.0.1")
      : listener_(internal::Listen(host, 0).value()) {
    thread_ = std::thread([this, serve = std::move(serve)] {
      const int fd = listener_.sockets.front().fd();
      for (int count = 0;; ++count) {
        pollfd waited = {.fd = fd, .events = POLLIN, .revents = 0};
        if (::poll(&waited, 1, 10000) != 1) return;
        const internal::Socket socket(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket) return;
        serve(socket.fd(), count);
      }
    });
  }
  ~BareServer() {
    ::shutdown(listener_.sockets.front().fd(), SHUT_RDWR);
    thread_.join();
  }
  BareServer(const BareServer&) = delete;
  BareServer& operator=(const BareServer&) = delete;
  int port() const { return listener_.port; }

 private:
  internal::Listeners listener_;
  std::thread thread_;
};

// Reads up to the end of a head, or of the connection.
inline std::string ReadHead(int fd) {
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n") && ::recv(fd, &byte, 1, 0) == 1)
    head += byte;
  return head;
}

inline void Say(int fd, std::string_view text) {
  ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
}

}  // namespace livy::testing
