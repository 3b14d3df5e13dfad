#include <livy/testing/fake_clock.h>

#include <algorithm>

namespace livy::testing {

Clock::TimePoint FakeClock::Now() const {
  return TimePoint(Duration(elapsed_.load()));
}

Clock::WallTime FakeClock::Wall() const {
  // Some day in 2023, so that times look like times.
  const WallTime start{std::chrono::milliseconds(1'700'000'000'000)};
  const Duration shown(elapsed_.load() + wall_shift_.load());
  return start + std::chrono::duration_cast<std::chrono::milliseconds>(shown);
}

void FakeClock::SetWall(Duration by) {
  wall_shift_ += by.count();
}

void FakeClock::Sleep(Duration period) {
  if (period > Duration::zero()) Advance(period);
}

void FakeClock::WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                          TimePoint deadline) {
  if (Now() >= deadline) return;
  {
    const std::lock_guard guard(mutex_);
    waiters_.push_back({lock.mutex(), &changed});
  }
  // Advance() may have passed the deadline before we were registered; after that it cannot get past
  // `lock`, which we hold until the wait has begun.
  if (Now() < deadline) changed.wait(lock);
  const std::lock_guard guard(mutex_);
  const auto mine = std::ranges::find(waiters_, &changed, &Waiter::changed);
  waiters_.erase(mine);
}

void FakeClock::Advance(Duration period) {
  elapsed_ += period.count();
  std::vector<Waiter> waiters;
  {
    const std::lock_guard guard(mutex_);
    waiters = waiters_;
  }
  for (const Waiter& waiter : waiters) {
    const std::lock_guard guard(*waiter.mutex);
    waiter.changed->notify_all();
  }
}

}  // namespace livy::testing
