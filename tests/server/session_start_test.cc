// From a session's creation to its driver's first idleness, or to an early end.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "server/interactive_session.h"
#include "server/one_session.h"

namespace livy::internal {
namespace {

using std::chrono::seconds;

using Fixture = SessionUnderTest;

TEST_CASE("a session is starting until its driver is idle") {
  Fixture f;
  CHECK(f.session->state() == SessionState::kStarting);
  f.Happens({{.what = StateEvent{.state = SessionState::kStarting}}});
  CHECK(f.session->state() == SessionState::kStarting);
  f.BecomeIdle();
  CHECK(f.session->state() == SessionState::kIdle);
}

TEST_CASE("T1, T2: a session is busy from a statement's submission until none is left") {
  Fixture f;
  std::vector<SessionState> states;
  const auto look = [&] {
    const SessionState now = f.session->state();
    if (states.empty() || states.back() != now) states.push_back(now);
  };
  using enum SessionState;
  look();
  const auto happens = [&](DriverEvent event) {
    f.Happens({std::move(event)});
    look();
  };
  happens({.what = StateEvent{.state = kStarting}});
  happens(Idle());
  f.session->Submit("", Kind::kSpark).value();
  look();
  for (const DriverEvent& event : {Started(0), Finished(0, "{}"), Idle()})
    happens(event);
  CHECK(states == std::vector{kStarting, kIdle, kBusy, kIdle});

  states.clear();
  f.session->Submit("1", Kind::kSpark).value();
  f.session->Submit("2", Kind::kSpark).value();
  look();
  for (const DriverEvent& event : {Started(1), Finished(1, "{}"), Started(2), Finished(2, "{}")})
    happens(event);
  happens(Idle());
  CHECK(states == std::vector{kBusy, kIdle});
}

TEST_CASE("statements submitted while a session starts wait, and it is busy once they can run") {
  Fixture f;
  f.session->Submit("1", Kind::kSpark).value();
  f.session->Submit("2", Kind::kSpark).value();
  CHECK(f.session->state() == SessionState::kStarting);
  CHECK(f.StateOf(0) == StatementState::kWaiting);

  f.BecomeIdle();
  CHECK(f.session->state() == SessionState::kBusy);
  f.Happens({Started(0), Finished(0, "{}")});
  f.Happens({Started(1), Finished(1, "{}"), Idle()});
  CHECK(f.session->state() == SessionState::kIdle);
  CHECK(f.StateOf(1) == StatementState::kAvailable);
}

TEST_CASE("statements of a session that is not even launched are sent in order at its launch") {
  SessionFixture f;
  const auto session =
      std::make_shared<InteractiveSession>(0, SessionRequest{}, std::nullopt, f.services);
  session->Submit("a", Kind::kSpark).value();
  session->Submit("b", Kind::kSpark).value();
  session->Submit("c", Kind::kSpark).value();
  CHECK(session->CancelStatement(1));
  CHECK(session->FindStatement(1)->state == StatementState::kCancelled);
  CHECK(session->FindStatement(1)->completed == f.clock.Wall());
  CHECK(f.commands->sent.empty());

  session->Start(f.launcher, {}, {.commands = f.commands, .ended = [] {}});
  REQUIRE(f.commands->sent.size() == 2);
  CHECK(std::get<ExecuteCommand>(f.commands->sent[0]).code == "a");
  CHECK(std::get<ExecuteCommand>(f.commands->sent[1]).code == "c");
}

TEST_CASE("the queue of a session that starts is bounded, and a cancelled statement makes room") {
  Fixture f({.statements_queued_max = 2});
  f.session->Submit("1", Kind::kSpark).value();
  f.session->Submit("2", Kind::kSpark).value();
  CHECK(f.session->Submit("3", Kind::kSpark).error().code == ErrorCode::kResourceExhausted);
  CHECK(f.session->CancelStatement(0));
  CHECK(f.session->CancelStatement(0));
  CHECK(f.session->Submit("3", Kind::kSpark));
  CHECK(f.session->Submit("4", Kind::kSpark).error().code == ErrorCode::kResourceExhausted);
}

TEST_CASE("a session that dies while it starts cancels what waits, and takes nothing more") {
  Fixture f;
  f.session->Submit("1", Kind::kSpark).value();
  int wakes = 0;
  f.session->Await(0, seconds(30), [&] { ++wakes; });
  f.process().observer({.state = ApplicationState::kFailed, .reason = "No memory."});
  CHECK(wakes == 1);
  CHECK(f.StateOf(0) == StatementState::kCancelled);
  CHECK(f.Stored(0)->find(R"("state":"cancelled")") != std::string::npos);
  CHECK(f.session->Submit("2", Kind::kSpark).error().message == "Session is in state dead");
}

TEST_CASE("nothing can be completed while a session starts") {
  Fixture f;
  std::optional<Result<std::vector<std::string>>> answer;
  f.session->Complete("sc.", Kind::kSpark, 3, [&](const auto& found) { answer = found; });
  REQUIRE(answer);
  CHECK(answer->value().empty());
  CHECK(f.commands->sent.empty());
}

TEST_CASE("a session shows and stores its application's id in a cluster, whoever tells it first") {
  Fixture told_by_driver;
  told_by_driver.Happens({{.what = ApplicationEvent{.app_id = "application_1_0001"}}});
  CHECK(told_by_driver.session->View().app_id == "application_1_0001");
  CHECK(told_by_driver.backing.Get("v1/interactive/7")
            .value()
            ->find(R"("appId":"application_1_0001")") != std::string::npos);

  Fixture told_by_launcher;
  told_by_launcher.process().observer(
      {.state = ApplicationState::kRunning, .app_id = "application_1_0002"});
  told_by_launcher.process().observer({.state = ApplicationState::kRunning});
  CHECK(told_by_launcher.session->View().app_id == "application_1_0002");
  CHECK(told_by_launcher.backing.Get("v1/interactive/7")
            .value()
            ->find(R"("appId":"application_1_0002")") != std::string::npos);
}

TEST_CASE("the id that Spark gives where there is no cluster is not shown") {
  for (const char* id : {"local-1795230198268", "app-20261121031056-0000", ""}) {
    CAPTURE(std::string_view(id));
    Fixture f;
    f.Happens({{.what = ApplicationEvent{.app_id = id}}});
    CHECK_FALSE(f.session->View().app_id);
  }
}

}  // namespace
}  // namespace livy::internal
