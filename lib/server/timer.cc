#include "server/timer.h"

#include <utility>

namespace livy::internal {

Timer::Timer(Clock& clock) : clock_(clock), thread_([this] { Run(); }) {}

Timer::~Timer() {
  Stop();
}

void Timer::Stop() {
  std::map<Key, std::function<void()>> dropped;  // Destroyed without the lock.
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(calls_);
    times_.clear();
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Timer::Id Timer::After(Clock::Duration delay, std::function<void()> run) {
  const Clock::TimePoint at = clock_.Now() + delay;
  Id id = 0;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return 0;
    id = ++last_id_;
    times_[id] = at;
    const auto added = calls_.emplace(Key{at, id}, std::move(run)).first;
    first = added == calls_.begin();
  }
  if (first) changed_.notify_one();
  return id;
}

void Timer::Cancel(Id id) {
  std::function<void()> dropped;  // Destroyed without the lock: it may own anything.
  const std::lock_guard lock(mutex_);
  const auto time = times_.find(id);
  if (time == times_.end()) return;
  const auto call = calls_.find(Key{time->second, id});
  dropped = std::move(call->second);
  calls_.erase(call);
  times_.erase(time);
}

void Timer::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto next = calls_.begin();
    const Clock::TimePoint due = next == calls_.end() ? Clock::TimePoint::max() : next->first.at;
    if (clock_.Now() < due) {
      clock_.WaitUntil(lock, changed_, due);
      continue;
    }
    std::function<void()> run = std::move(next->second);
    times_.erase(next->first.id);
    calls_.erase(next);
    lock.unlock();
    run();
    run = nullptr;
    lock.lock();
  }
}

}  // namespace livy::internal
