// A client's connection to a RestService in the same process.
#pragma once

#include <memory>

#include <livy/connection.h>

#include "http/exchange.h"

namespace livy::internal {

// `handler` is called on the caller's thread, which then waits for the answer.
std::shared_ptr<Connection> MakeInProcessConnection(HttpHandler handler);

}  // namespace livy::internal
