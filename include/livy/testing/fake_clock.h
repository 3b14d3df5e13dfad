// FakeClock: time that moves only when a test says so.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include <livy/clock.h>

namespace livy::testing {

// Safe to use from several threads.
class FakeClock : public Clock {
 public:
  TimePoint Now() const override;
  WallTime Wall() const override;

  // Moves the time by `period` and returns: nobody else needs to.
  void Sleep(Duration period) override;

  // Returns when `changed` is notified or Advance() has reached `deadline`.
  void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                 TimePoint deadline) override;

  // Moves the time on and wakes everybody who waits.
  void Advance(Duration period);

  // Sets the time of day on, or back if `by` is negative, as somebody does who sets the machine's
  // clock: Now() and those who wait do not notice.
  void SetWall(Duration by);

 private:
  struct Waiter {
    std::mutex* mutex;
    std::condition_variable* changed;
  };

  std::atomic<Duration::rep> elapsed_{0};
  std::atomic<Duration::rep> wall_shift_{0};
  std::mutex mutex_;
  std::vector<Waiter> waiters_;  // Guarded by mutex_.
};

}  // namespace livy::testing
