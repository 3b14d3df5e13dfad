#include "server/held_application.h"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <livy/testing/fake_clock.h>

namespace livy::internal {
namespace {

// Tells in which thread it ends.
class EndingApplication : public Application {
 public:
  explicit EndingApplication(std::promise<std::thread::id>& ended) : ended_(ended) {}
  ~EndingApplication() override { ended_.set_value(std::this_thread::get_id()); }

  LogPage Log(int, int) const override { return {}; }
  void ForgetSettings() override {}
  std::string Handle() const override { return ""; }
  void Kill() override {}

 private:
  std::promise<std::thread::id>& ended_;
};

struct Fixture {
  std::promise<std::thread::id> ended = {};
  std::promise<void> gone = {};
  testing::FakeClock clock = {};
  Timer timer{clock};

  std::unique_ptr<Application> Make() { return std::make_unique<EndingApplication>(ended); }
  std::function<void()> Gone() {
    return [this] { gone.set_value(); };
  }
  // After what it has been given before.
  std::thread::id TimerThread() {
    std::promise<std::thread::id> thread;
    timer.After(Clock::Duration::zero(), [&] { thread.set_value(std::this_thread::get_id()); });
    return thread.get_future().get();
  }
};

TEST_CASE("an application ends on the timer's thread when it is dropped, and that is told then") {
  Fixture f;
  HeldApplication held(f.timer);
  CHECK(held.get() == nullptr);
  held.Set(f.Make());
  CHECK(held.get() != nullptr);
  held.Drop(f.Gone());
  CHECK(held.get() == nullptr);
  CHECK(f.ended.get_future().get() == f.TimerThread());
  f.gone.get_future().wait();
}

TEST_CASE(
    "an application that somebody uses ends when that is let go, also on the timer's thread") {
  Fixture f;
  HeldApplication held(f.timer);
  held.Set(f.Make());
  std::shared_ptr<Application> used = held.get();
  held.Drop(f.Gone());
  std::future<std::thread::id> ended = f.ended.get_future();
  const std::thread::id timer_thread = f.TimerThread();
  CHECK(ended.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  used.reset();
  CHECK(ended.get() == timer_thread);
  f.gone.get_future().wait();
}

TEST_CASE("an application ends with what holds it, on the timer's thread") {
  Fixture f;
  {
    HeldApplication held(f.timer);
    held.Set(f.Make());
  }
  CHECK(f.ended.get_future().get() == f.TimerThread());
}

TEST_CASE("where there was no application, it is gone") {
  Fixture f;
  HeldApplication held(f.timer);
  held.Drop(f.Gone());
  f.gone.get_future().wait();
}

}  // namespace
}  // namespace livy::internal
