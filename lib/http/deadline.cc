#include "http/deadline.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>

namespace livy::internal {

Deadline Deadline::Within(Clock::Duration period) const {
  if (clock_ == nullptr) return {};
  const Clock::Duration left = time_ - clock_->Now();
  return period < left ? Deadline(*clock_, clock_->Now() + period) : *this;
}

Deadline Deadline::Part(int parts) const {
  if (clock_ == nullptr) return {};
  const Clock::TimePoint now = clock_->Now();
  return {*clock_, now + (time_ - now) / parts};
}

short Deadline::Wait(int fd, short events) const {
  // poll() counts milliseconds in an int; a wait that is longer is done in parts.
  constexpr std::chrono::milliseconds kStepMax = std::chrono::hours(1);
  pollfd waited = {.fd = fd, .events = events, .revents = 0};
  while (true) {
    int millis = -1;
    if (clock_ != nullptr) {
      // Rounded up: whoever is told that the time is over must find it so.
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(time_ - clock_->Now());
      if (left.count() <= 0) return 0;
      millis = static_cast<int>(std::min(left, kStepMax).count());
    }
    const int count = ::poll(&waited, 1, millis);
    if (count > 0) return waited.revents;
    if (count < 0 && errno != EINTR) return 0;
  }
}

}  // namespace livy::internal
