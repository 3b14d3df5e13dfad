// Turns: how many threads do the same thing at once, and for how long others wait for them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>

#include <livy/clock.h>
#include <livy/result.h>

namespace livy::internal {

// Unlike a mutex or a semaphore it does not let threads pile up behind those that wait for a store:
// who comes later is refused. Safe to use from several threads.
class Turns {
  using Taken = std::multiset<Clock::TimePoint>;

 public:
  // One turn, until it is destroyed. It does not outlive its Turns.
  class Turn {
   public:
    Turn(Turns& turns, Taken::iterator taken) : turns_(&turns), taken_(taken) {}
    Turn(Turn&& other) noexcept;
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    Turns* turns_;
    Taken::iterator taken_;
  };

  // At most `max` turns at once, at least one. `clock` outlives this.
  Turns(Clock& clock, int max, std::chrono::milliseconds patience)
      : clock_(clock), max_(max), patience_(patience) {}

  // Waits for a turn until `patience` after the longest of those that are taken was taken; then it
  // fails with kUnavailable.
  Result<Turn> Take();

  // Waits for as long as it takes: for what cannot be refused.
  Turn Wait();

 private:
  bool IsFull() const;

  Clock& clock_;
  const int max_;
  const std::chrono::milliseconds patience_;

  std::mutex mutex_;
  std::condition_variable given_back_;
  Taken taken_;  // Guarded by mutex_. When each turn was taken.
};

}  // namespace livy::internal
