#include "launch/own_thread.h"

#include <pthread.h>
#include <signal.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {

Result<std::thread> StartThread(std::function<void()> run) {
  sigset_t all;
  sigset_t usual;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &usual);
  std::thread thread;
  std::error_code failure;
  try {
    thread = std::thread(std::move(run));
  } catch (const std::system_error& error) {
    failure = error.code();
  }
  pthread_sigmask(SIG_SETMASK, &usual, nullptr);
  if (!failure) return thread;
  return Error{ErrorCode::kUnavailable,
               fmt::format("Cannot start a thread: {}.", failure.message())};
}

}  // namespace livy::internal
