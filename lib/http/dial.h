// Dial: connections to servers.
#pragma once

#include <string>

#include <livy/result.h>

#include "http/deadline.h"
#include "http/socket.h"

namespace livy::internal {

// "host:port", with brackets where the host is an IPv6 address.
std::string AuthorityText(const std::string& host, int port);

// A non-blocking socket that is connected to `host`, a name or an address of IPv4 or IPv6. Tries
// all addresses of a name in the system's order, each for its part of the time. Blocks; looking up
// a name is the system's, which the deadline does not bound. Fails with kUnavailable, and a message
// that begins with "Cannot connect to".
Result<Socket> Dial(const std::string& host, int port, const Deadline& deadline);

}  // namespace livy::internal
