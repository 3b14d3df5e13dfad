#include "http/deadline.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <poll.h>

namespace livy::internal {

Deadline Deadline::Or(const Interrupt& interrupt) const {
  Deadline deadline = *this;
  deadline.interrupt_ = &interrupt;
  return deadline;
}

Deadline Deadline::At(Clock::TimePoint time) const {
  Deadline deadline = *this;
  deadline.time_ = time;
  return deadline;
}

bool Deadline::HasPassed() const {
  return (clock_ != nullptr && clock_->Now() >= time_) || IsInterrupted();
}

bool Deadline::IsInterrupted() const {
  if (interrupt_ == nullptr) return false;
  pollfd raised = {.fd = interrupt_->fd(), .events = POLLIN, .revents = 0};
  return ::poll(&raised, 1, 0) > 0;
}

Deadline Deadline::Within(Clock::Duration period) const {
  if (clock_ == nullptr) return *this;
  const Clock::Duration left = time_ - clock_->Now();
  return period < left ? At(clock_->Now() + period) : *this;
}

Deadline Deadline::Part(int parts) const {
  if (clock_ == nullptr) return *this;
  const Clock::TimePoint now = clock_->Now();
  return At(now + (time_ - now) / parts);
}

short Deadline::Wait(int fd, short events) const {
  // poll() counts milliseconds in an int; a wait that is longer is done in parts.
  constexpr std::chrono::milliseconds kStepMax = std::chrono::hours(1);
  // poll() leaves out what has a negative number.
  pollfd waited[] = {
      {.fd = fd, .events = events, .revents = 0},
      {.fd = interrupt_ == nullptr ? -1 : interrupt_->fd(), .events = POLLIN, .revents = 0}};
  while (true) {
    int millis = -1;
    if (clock_ != nullptr) {
      // Rounded up: whoever is told that the time is over must find it so.
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(time_ - clock_->Now());
      if (left.count() <= 0) return 0;
      millis = static_cast<int>(std::min(left, kStepMax).count());
    }
    const int count = ::poll(waited, std::size(waited), millis);
    if (count > 0) return waited[1].revents != 0 ? short{0} : waited[0].revents;
    if (count < 0 && errno != EINTR) return 0;
  }
}

}  // namespace livy::internal
