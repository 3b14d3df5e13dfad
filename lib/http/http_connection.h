// Connections whose requests can be broken off.
#pragma once

#include <memory>

#include <livy/connection.h>
#include <livy/result.h>

#include "http/interrupt.h"

namespace livy::internal {

// As MakeHttpConnection(); but requests fail at once when `interrupt`, which outlives the
// connection, is raised, with kDeadlineExceeded as at their timeout.
Result<std::shared_ptr<Connection>> MakeInterruptible(const HttpConnectionOptions& options,
                                                      const Interrupt& interrupt);

}  // namespace livy::internal
