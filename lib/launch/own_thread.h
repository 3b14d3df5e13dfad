// Threads of our own in a process that is somebody else's.
#pragma once

#include <functional>
#include <thread>

#include <livy/result.h>

namespace livy::internal {

// Gets no signals: the host's are for the host's threads. Fails with kUnavailable if the system has
// no threads left.
Result<std::thread> StartThread(std::function<void()> run);

}  // namespace livy::internal
