// Deadline: how long a socket is waited for.
#pragma once

#include <chrono>

#include <livy/clock.h>

#include "http/interrupt.h"

namespace livy::internal {

// A point in time by somebody's clock, who outlives it; made without one, it never comes.
class Deadline {
 public:
  Deadline() = default;
  Deadline(const Clock& clock, Clock::TimePoint time) : clock_(&clock), time_(time) {}

  // The same, but that it has come when `interrupt`, which outlives it, is raised.
  Deadline Or(const Interrupt& interrupt) const;

  bool HasPassed() const;

  // The earlier of this one and `period` from now. Never, if this one never comes.
  Deadline Within(Clock::Duration period) const;

  // A part of the time that is left: half of it for 2.
  Deadline Part(int parts) const;

  // Blocks until one of poll()'s `events` has come to `fd`, or an error or the connection's end.
  // Returns what came; 0 at the deadline, or if the system cannot wait.
  short Wait(int fd, short events) const;

 private:
  bool IsInterrupted() const;
  Deadline At(Clock::TimePoint time) const;

  const Clock* clock_ = nullptr;
  Clock::TimePoint time_ = Clock::TimePoint::max();
  const Interrupt* interrupt_ = nullptr;
};

}  // namespace livy::internal
