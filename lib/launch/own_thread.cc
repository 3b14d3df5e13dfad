#include "launch/own_thread.h"

#include <pthread.h>
#include <signal.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {

namespace {

// Of the thread that makes it, and of those that it starts meanwhile.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &usual_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &usual_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t usual_;
};

}  // namespace

Result<std::thread> StartThread(std::function<void()> run) {
  const BlockedSignals blocked;
  try {
    return std::thread(std::move(run));
  } catch (const std::system_error& failure) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("Cannot start a thread: {}.", failure.code().message())};
  }
}

}  // namespace livy::internal
