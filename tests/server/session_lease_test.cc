#include "server/session_lease.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <livy/testing/fake_clock.h>

#include "server/one_session.h"

namespace livy::internal {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Lets time pass, and returns when all that was due has been called.
void Pass(testing::FakeClock& clock, Timer& timer, Clock::Duration time) {
  std::promise<void> passed;
  clock.Advance(time);
  timer.After(Clock::Duration::zero(), [&] { passed.set_value(); });
  passed.get_future().wait();
}

struct Fixture {
  explicit Fixture(const ExpiryLimits& limits)
      : lease(std::make_shared<SessionLease>(limits, clock, timer)) {
    lease->Start([this](const std::string& reason) { reasons.push_back(reason); });
  }
  ~Fixture() { timer.Stop(); }

  // The reasons so far, after this time.
  std::vector<std::string> After(Clock::Duration time) {
    Pass(clock, timer, time);
    return reasons;
  }

  testing::FakeClock clock;
  Timer timer{clock};
  std::shared_ptr<SessionLease> lease;
  std::vector<std::string> reasons;  // Only read when the timer has nothing to do.
};

using Reasons = std::vector<std::string>;

TEST_CASE("a lease that nobody renews is over at its time, and once") {
  Fixture f({.idle = minutes(10), .ttl = hours(8)});
  f.lease->SetWorking(false);
  CHECK(f.After(minutes(10) - seconds(1)).empty());
  CHECK(f.After(seconds(1)) == Reasons{"idle for 10m"});
  CHECK(f.After(hours(9)) == Reasons{"idle for 10m"});
}

TEST_CASE("what renews a lease gives it its whole time again") {
  Fixture f({.idle = minutes(10)});
  f.lease->SetWorking(false);
  for (int i = 0; i < 5; ++i) {
    CHECK(f.After(minutes(9)).empty());
    f.lease->Renew();
  }
  f.lease->Touch();
  CHECK(f.After(minutes(10)) == Reasons{"idle for 10m"});
}

TEST_CASE("work is not idleness, and its end renews the lease") {
  Fixture f({.idle = minutes(10)});
  CHECK(f.After(hours(5)).empty());
  f.lease->SetWorking(false);
  CHECK(f.After(minutes(9)).empty());
  f.lease->SetWorking(true);
  CHECK(f.After(hours(5)).empty());
  f.lease->SetWorking(false);
  CHECK(f.After(minutes(9)).empty());
  CHECK(f.After(minutes(1)) == Reasons{"idle for 10m"});
}

TEST_CASE("the ttl is counted from the start, whatever happens") {
  Fixture f({.ttl = hours(1)});
  CHECK(f.After(minutes(59)).empty());
  f.lease->Renew();
  f.lease->Touch();
  CHECK(f.After(minutes(1)) == Reasons{"ttl of 1h is over"});
}

TEST_CASE("T8: with a heartbeat of 2 s, asking every second keeps a session, and nothing ends it") {
  Fixture f({.heartbeat = seconds(2)});
  for (int i = 0; i < 10; ++i) {
    CHECK(f.After(seconds(1)).empty());
    f.lease->Touch();
  }
  f.lease->Renew();
  CHECK(f.After(seconds(2)) == Reasons{"no heartbeat for 2s"});
}

TEST_CASE("an open request is a heartbeat as long as it lasts, and when it ends") {
  Fixture f({.heartbeat = seconds(2)});
  std::shared_ptr<const void> first = f.lease->Watch();
  std::shared_ptr<const void> second = f.lease->Watch();
  CHECK(f.After(minutes(1)).empty());
  first.reset();
  CHECK(f.After(minutes(1)).empty());
  second.reset();
  CHECK(f.After(seconds(1)).empty());
  CHECK(f.After(seconds(1)) == Reasons{"no heartbeat for 2s"});
}

TEST_CASE("a lease that has ended is never over, and holds nothing of the timer's") {
  Fixture f({.idle = minutes(1), .ttl = minutes(1), .heartbeat = seconds(1)});
  f.lease->End();
  f.lease->SetWorking(false);
  f.lease->Watch();
  CHECK(f.After(hours(1)).empty());
}

struct ExpiringSession : SessionFixture {
  explicit ExpiringSession(SessionRequest request) {
    session = std::make_shared<InteractiveSession>(0, std::move(request), std::nullopt, services);
    session->Start(launcher, {}, {.commands = commands, .ended = [] {}});
  }
  ~ExpiringSession() { timer.Stop(); }

  void Happens(const DriverEvent& event) { REQUIRE(session->OnDriverEvents({event})); }
  bool EndsAfter(Clock::Duration time) {
    Pass(clock, timer, time);
    return session->state() == SessionState::kShuttingDown;
  }

  std::shared_ptr<InteractiveSession> session;
};

TEST_CASE("a session is not idle while it starts or works, and is stopped when it was long idle") {
  ExpiringSession f({.kind = Kind::kSpark, .idle_timeout = "30s"});
  f.session->OnDriverConnected("b1");
  CHECK_FALSE(f.EndsAfter(seconds(80)));
  f.Happens(Idle());
  CHECK_FALSE(f.EndsAfter(seconds(29)));
  f.session->Submit("1", Kind::kSpark).value();
  CHECK_FALSE(f.EndsAfter(hours(2)));
  f.Happens(Started(0));
  f.Happens(Finished(0, "{}"));
  f.Happens(Idle());
  CHECK_FALSE(f.EndsAfter(seconds(29)));
  CHECK(f.session->CancelStatement(0));
  CHECK_FALSE(f.EndsAfter(seconds(29)));
  f.session->Complete("x", Kind::kSpark, 1, [](const auto&) {});
  CHECK_FALSE(f.EndsAfter(seconds(29)));
  CHECK(f.EndsAfter(seconds(1)));
  f.launcher.processes.at(0)->observer({.state = ApplicationState::kKilled});
  CHECK(f.session->View().end_reason == "idle for 30s");
  CHECK(f.session->Log(-1, 1).lines == Reasons{"idle for 30s"});
}

TEST_CASE("looking at a session does not renew its idleness") {
  ExpiringSession f({.idle_timeout = "30s"});
  f.Happens(Idle());
  CHECK_FALSE(f.EndsAfter(seconds(29)));
  f.session->View();
  CHECK(f.session->ReadStatements(0, 10, false));
  f.session->Log(-1, 1);
  f.session->lease().Touch();
  CHECK(f.EndsAfter(seconds(1)));
}

TEST_CASE("a session that starts is ended by its ttl too") {
  ExpiringSession f({.ttl = "30s"});
  CHECK_FALSE(f.EndsAfter(seconds(29)));
  CHECK(f.EndsAfter(seconds(1)));
}

}  // namespace
}  // namespace livy::internal
