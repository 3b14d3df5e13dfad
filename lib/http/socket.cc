#include "http/socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace livy::internal {
namespace {

constexpr int kBacklog = 4096;
// A port that is free on one address may be taken on the next.
constexpr int kFreePortAttempts = 16;

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Result<AddressList> Resolve(const std::string& host, int port) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  const int status =
      getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &found);
  if (status != 0 || found == nullptr) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("The host '{}' cannot be resolved: {}.", host, gai_strerror(status))};
  }
  return AddressList(found, freeaddrinfo);
}

void SetPort(sockaddr_storage& address, int port) {
  const in_port_t value = htons(static_cast<in_port_t>(port));
  if (address.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(address).sin6_port = value;
  } else {
    reinterpret_cast<sockaddr_in&>(address).sin_port = value;
  }
}

int PortOf(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<sockaddr_in&>(address).sin_port);
}

// 0, or the errno of the call that failed.
int ListenOn(const addrinfo& where, int port, bool is_only_address, Socket& out) {
  Socket socket(::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return errno;
  const int on = 1;
  // Only skips the wait after an earlier server's connections; a port that is served stays taken.
  setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (where.ai_family == AF_INET6) {
    const int v6_only = is_only_address ? 0 : 1;  // "::" alone serves IPv4 too.
    setsockopt(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
  }
  sockaddr_storage address = {};
  std::copy_n(reinterpret_cast<const char*>(where.ai_addr), where.ai_addrlen,
              reinterpret_cast<char*>(&address));
  SetPort(address, port);
  if (::bind(socket.fd(), reinterpret_cast<sockaddr*>(&address), where.ai_addrlen) != 0 ||
      ::listen(socket.fd(), kBacklog) != 0) {
    return errno;
  }
  out = std::move(socket);
  return 0;
}

// Whether an earlier entry of the list is the same address: hosts files name some twice.
bool IsRepeated(const addrinfo* list, const addrinfo* entry) {
  for (const addrinfo* other = list; other != entry; other = other->ai_next) {
    if (other->ai_addrlen == entry->ai_addrlen &&
        std::memcmp(other->ai_addr, entry->ai_addr, entry->ai_addrlen) == 0) {
      return true;
    }
  }
  return false;
}

// 0, or an errno. Addresses that this machine does not have are skipped as long as one is left.
int ListenOnAll(const addrinfo* list, int port, Listeners& listeners) {
  listeners = Listeners{.port = port};
  int skipped = EADDRNOTAVAIL;
  for (const addrinfo* where = list; where != nullptr; where = where->ai_next) {
    if (IsRepeated(list, where)) continue;
    Socket socket;
    const bool is_only = list->ai_next == nullptr;
    const int status = ListenOn(*where, listeners.port, is_only, socket);
    if (status == EADDRNOTAVAIL || status == EAFNOSUPPORT) {
      skipped = status;
      continue;
    }
    if (status != 0) return status;
    if (listeners.port == 0) listeners.port = PortOf(socket.fd());
    listeners.sockets.push_back(std::move(socket));
  }
  return listeners.sockets.empty() ? skipped : 0;
}

}  // namespace

void Socket::Reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<Listeners> Listen(const std::string& host, int port) {
  if (port < 0 || port > 65535) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("There is no port {}.", port)};
  }
  const Result<AddressList> list = Resolve(host, port);
  if (!list) return list.error();
  Listeners listeners;
  int status = EADDRINUSE;
  const int attempts = port == 0 ? kFreePortAttempts : 1;
  for (int attempt = 0; attempt < attempts && status == EADDRINUSE; ++attempt) {
    status = ListenOnAll(list->get(), port, listeners);
  }
  if (status == 0) return listeners;
  const std::string where = fmt::format("Cannot listen on {} port {}", host, port);
  switch (status) {
    case EADDRINUSE:
      return Error{ErrorCode::kUnavailable, where + ": address already in use."};
    case EACCES:
      return Error{ErrorCode::kPermissionDenied, where + ": permission denied."};
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return Error{ErrorCode::kInvalidArgument, where + ": not an address of this machine."};
    default:
      return Error{ErrorCode::kUnavailable,
                   fmt::format("{}: {}.", where, std::generic_category().message(status))};
  }
}

std::string AddressText(const sockaddr* address, socklen_t size) {
  std::array<char, NI_MAXHOST> text = {};
  if (getnameinfo(address, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    return {};
  }
  constexpr std::string_view kMapped = "::ffff:";
  const std::string_view name = text.data();
  const bool is_mapped = name.starts_with(kMapped) && name.find('.') != std::string_view::npos;
  return std::string(is_mapped ? name.substr(kMapped.size()) : name);
}

}  // namespace livy::internal
