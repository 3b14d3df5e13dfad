#include "server/timer.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <vector>

#include <doctest/doctest.h>

#include <livy/testing/fake_clock.h>

namespace livy::internal {
namespace {

using std::chrono::seconds;

TEST_CASE("calls are made in the order of their times, and cancelled ones are not") {
  testing::FakeClock clock;
  std::vector<int> calls;
  std::promise<void> done;
  Timer timer(clock);
  timer.After(seconds(3), [&] { done.set_value(); });
  timer.After(seconds(2), [&] { calls.push_back(2); });
  timer.After(seconds(1), [&] { calls.push_back(1); });
  timer.Cancel(timer.After(seconds(1), [&] { calls.push_back(9); }));
  timer.Cancel(12345);
  clock.Advance(seconds(3));
  done.get_future().wait();
  CHECK(calls == std::vector{1, 2});
}

TEST_CASE("nothing is called before its time, and a call may make another") {
  testing::FakeClock clock;
  int calls = 0;
  std::promise<void> first;
  std::promise<void> second;
  Timer timer(clock);
  timer.After(seconds(1), [&] {
    ++calls;
    timer.After(seconds(1), [&] {
      ++calls;
      second.set_value();
    });
    first.set_value();
  });
  clock.Advance(seconds(1));
  first.get_future().wait();
  CHECK(calls == 1);
  clock.Advance(seconds(1));
  second.get_future().wait();
  CHECK(calls == 2);
}

// The system's clock, which tells when somebody begins to wait without an end.
class WatchedClock : public Clock {
 public:
  TimePoint Now() const override { return clock_->Now(); }
  WallTime Wall() const override { return clock_->Wall(); }
  void Sleep(Duration period) override { clock_->Sleep(period); }
  void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                 TimePoint deadline) override {
    if (deadline == TimePoint::max() && !told_.exchange(true)) endless_wait.set_value();
    clock_->WaitUntil(lock, changed, deadline);
  }

  std::promise<void> endless_wait;

 private:
  const std::unique_ptr<Clock> clock_ = MakeSystemClock();
  std::atomic<bool> told_ = false;
};

TEST_CASE("a timer that waits for nothing hears of its first call") {
  WatchedClock clock;
  std::promise<void> called;
  Timer timer(clock);
  clock.endless_wait.get_future().wait();
  timer.After(seconds(0), [&] { called.set_value(); });
  CHECK(called.get_future().wait_for(seconds(5)) == std::future_status::ready);
}

TEST_CASE("a timer that is stopped drops its calls and takes no more") {
  testing::FakeClock clock;
  const auto owned = std::make_shared<int>(0);
  Timer timer(clock);
  timer.After(seconds(1), [owned] { ++*owned; });
  CHECK(owned.use_count() == 2);
  timer.Stop();
  timer.After(seconds(1), [owned] { ++*owned; });
  CHECK(owned.use_count() == 1);
  CHECK(*owned == 0);
}

}  // namespace
}  // namespace livy::internal
