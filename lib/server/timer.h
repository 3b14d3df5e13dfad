// Timer: calls functions at points in time, on one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include <livy/clock.h>

namespace livy::internal {

// Safe to use from several threads.
class Timer {
 public:
  using Id = std::uint64_t;

  // `clock` outlives the timer.
  explicit Timer(Clock& clock);

  // Stops as Stop() does.
  ~Timer();

  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Calls `run` after `delay`, on the timer's thread and with no lock held. It should be quick:
  // others wait behind it.
  Id After(Clock::Duration delay, std::function<void()> run);

  // Waits for a call in progress; what has not been called is dropped, and so is what comes later.
  // Harmless when repeated. Not to be called by a call.
  void Stop();

  // Does nothing if the call has begun.
  void Cancel(Id id);

 private:
  struct Key {
    Clock::TimePoint at;
    Id id;
    auto operator<=>(const Key&) const = default;
  };

  void Run();

  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Key, std::function<void()>> calls_;      // Guarded by mutex_.
  std::unordered_map<Id, Clock::TimePoint> times_;  // Guarded by mutex_. Of each entry of calls_.
  Id last_id_ = 0;                                  // Guarded by mutex_.
  bool stopping_ = false;                           // Guarded by mutex_.
  std::thread thread_;
};

// One call that is not wanted any more when its owner is gone.
class TimerCall {
 public:
  // `timer` outlives this.
  explicit TimerCall(Timer& timer) : timer_(timer) {}
  ~TimerCall() { timer_.Cancel(id_); }

  TimerCall(const TimerCall&) = delete;
  TimerCall& operator=(const TimerCall&) = delete;

  // As Timer::After(). To be called once.
  void After(Clock::Duration delay, std::function<void()> run) {
    id_ = timer_.After(delay, std::move(run));
  }

 private:
  Timer& timer_;
  std::atomic<Timer::Id> id_ = 0;  // Another thread may let go while After() returns.
};

}  // namespace livy::internal
