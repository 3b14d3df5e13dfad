#include "server/timer.h"

#include <chrono>
#include <future>
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

TEST_CASE("by a real clock, a call that is to come first is not late because of a later one") {
  const std::unique_ptr<Clock> clock = MakeSystemClock();
  std::promise<void> soon;
  Timer timer(*clock);
  timer.After(std::chrono::hours(1), [] {});
  timer.After(std::chrono::milliseconds(1), [&] { soon.set_value(); });
  CHECK(soon.get_future().wait_for(seconds(10)) == std::future_status::ready);
}

TEST_CASE("a call is dropped with its owner, and a made one can be let go of by itself") {
  testing::FakeClock clock;
  Timer timer(clock);
  const auto owned = std::make_shared<int>(0);
  {
    TimerCall unwanted(timer);
    unwanted.After(seconds(1), [owned] { ++*owned; });
    CHECK(owned.use_count() == 2);
  }
  CHECK(owned.use_count() == 1);

  std::promise<void> made;
  auto call = std::make_shared<TimerCall>(timer);
  call->After(seconds(1), [&] {
    call.reset();
    made.set_value();
  });
  clock.Advance(seconds(1));
  made.get_future().wait();
  CHECK(*owned == 0);
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
