// Deadline: how long a socket is waited for.
#pragma once

#include <chrono>

#include <livy/clock.h>

namespace livy::internal {

// A point in time by somebody's clock, who outlives it; made without one, it never comes.
class Deadline {
 public:
  Deadline() = default;
  Deadline(const Clock& clock, Clock::TimePoint time) : clock_(&clock), time_(time) {}

  bool HasPassed() const { return clock_ != nullptr && clock_->Now() >= time_; }

  // The earlier of this one and `period` from now. Never, if this one never comes.
  Deadline Within(Clock::Duration period) const;

  // A part of the time that is left: half of it for 2.
  Deadline Part(int parts) const;

  // Blocks until one of poll()'s `events` has come to `fd`, or an error or the connection's end.
  // Returns what came; 0 at the deadline, or if the system cannot wait.
  short Wait(int fd, short events) const;

 private:
  const Clock* clock_ = nullptr;
  Clock::TimePoint time_ = Clock::TimePoint::max();
};

}  // namespace livy::internal
