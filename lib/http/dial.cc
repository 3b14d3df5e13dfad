#include "http/dial.h"

#include <cerrno>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <fmt/format.h>

namespace livy::internal {
namespace {

// An empty Socket if nobody answers there in time.
Socket DialAddress(const addrinfo& to, const Deadline& deadline) {
  Socket socket(::socket(to.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return {};
  if (::connect(socket.fd(), to.ai_addr, to.ai_addrlen) != 0) {
    if (errno != EINPROGRESS && errno != EINTR) return {};
    if (deadline.Wait(socket.fd(), POLLOUT) == 0) return {};
    int error = 0;
    socklen_t size = sizeof(error);
    if (::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
      return {};
    }
  }
  const int on = 1;
  ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return socket;
}

}  // namespace

std::string AuthorityText(const std::string& host, int port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

Result<Socket> Dial(const std::string& host, int port, const Deadline& deadline) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string failed = "Cannot connect to " + AuthorityText(host, port);
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return Error{ErrorCode::kUnavailable, failed + ": the host is unknown."};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, freeaddrinfo);
  int left = 0;
  for (const addrinfo* to = list.get(); to != nullptr; to = to->ai_next)
    ++left;
  for (const addrinfo* to = list.get(); to != nullptr; to = to->ai_next, --left) {
    if (Socket socket = DialAddress(*to, deadline.Part(left))) return socket;
  }
  return Error{ErrorCode::kUnavailable, failed + "."};
}

}  // namespace livy::internal
