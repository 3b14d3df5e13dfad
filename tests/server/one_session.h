// One session that the test is driver, launcher and timer of.
#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "server/fakes.h"

namespace livy::internal {

constexpr ApplicationStatus kExited = {.state = ApplicationState::kFailed};

struct SessionUnderTest : SessionFixture {
  SessionUnderTest() : SessionUnderTest(ServerLimits{}) {}
  explicit SessionUnderTest(const ServerLimits& limits) {
    services.limits = limits;
    services.settings.statements_retained_max = limits.statements_retained_max;
    session = std::make_shared<InteractiveSession>(7, SessionRequest{.kind = Kind::kSpark},
                                                   std::nullopt, services);
    session->Start(launcher, {.tag = "tag"},
                   {.record = {.id = 7, .app_tag = "tag", .created = clock.Wall()},
                    .commands = commands,
                    .ended = [this] { ++ends; }});
  }

  void Happens(std::vector<DriverEvent> events) {
    for (DriverEvent& event : events)
      event.number = ++last_event;
    REQUIRE(session->OnDriverEvents(events));
  }
  void BecomeIdle() { Happens({{.what = StateEvent{.state = SessionState::kIdle}}}); }

  // Submits statement `id`, which is the next, and lets it end.
  void Run(int id);

  StatementState StateOf(int id) const { return session->FindStatement(id)->state; }
  std::optional<std::string> Stored(int id) const {
    return backing.Get("v1/interactive/7/statements/" + std::to_string(id)).value();
  }
  ManualProcess& process() { return *launcher.processes.at(0); }

  std::shared_ptr<InteractiveSession> session;
  std::int64_t last_event = 0;
  int ends = 0;
};

inline Statement::Time At(int millis) {
  return Statement::Time(std::chrono::milliseconds(millis));
}

inline DriverEvent Started(int id) {
  return {.what = StartedEvent{.id = id, .at = At(10)}};
}
inline DriverEvent Finished(int id, std::string output) {
  return {.what = FinishedEvent{.id = id, .at = At(20), .output_json = std::move(output)}};
}
inline DriverEvent Cancelled(int id) {
  return {.what = FinishedEvent{.id = id, .state = StatementState::kCancelled, .at = At(20)}};
}
inline DriverEvent Idle() {
  return {.what = StateEvent{.state = SessionState::kIdle}};
}

// Returns when the timer has made its calls of that time.
inline void Pass(SessionUnderTest& f, Clock::Duration time) {
  std::promise<void> passed;
  f.timer.After(time, [&] { passed.set_value(); });
  f.clock.Advance(time);
  passed.get_future().wait();
}

inline void SessionUnderTest::Run(int id) {
  REQUIRE(session->Submit("x", Kind::kSpark).value().id == id);
  Happens({Started(id), Finished(id, "{}"), Idle()});
}

}  // namespace livy::internal
