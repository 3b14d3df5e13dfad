// Clock: the only way in which the library reads the time or waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace livy {

// Safe to use from several threads.
class Clock {
 public:
  using Duration = std::chrono::nanoseconds;
  using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
  using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

  virtual ~Clock() = default;

  // The time by which deadlines are measured. Never goes back.
  virtual TimePoint Now() const = 0;

  // The time of day, for what people and clients are shown. May jump.
  virtual WallTime Wall() const = 0;

  // Blocks for `period`; returns at once if it is not positive.
  virtual void Sleep(Duration period) = 0;

  // Blocks until `changed` is notified or Now() has reached `deadline`, whichever is first, and
  // possibly without a cause, as condition variables do. `lock` is held on entry and on return.
  virtual void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                         TimePoint deadline) = 0;
};

std::unique_ptr<Clock> MakeSystemClock();

}  // namespace livy
