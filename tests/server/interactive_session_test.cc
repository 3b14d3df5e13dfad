#include "server/interactive_session.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "server/one_session.h"

namespace livy::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Fixture = SessionUnderTest;

// Of the statements that are still kept.
std::vector<int> IdsOf(const InteractiveSession& session) {
  std::vector<int> ids;
  const StatementSlice all = session.ReadStatements(0, 1000, false).value();
  for (const StatementRecord& statement : all.statements)
    ids.push_back(statement.id);
  return ids;
}

TEST_CASE("a statement is stored and sent before it is answered, and ends with its output") {
  Fixture f;
  f.BecomeIdle();

  const StatementRecord submitted = f.session->Submit("1 + 1", Kind::kSql).value();

  CHECK(submitted.id == 0);
  CHECK(submitted.state == StatementState::kWaiting);
  CHECK(f.Stored(0) == R"({"id":0,"code":"1 + 1","state":"waiting","output":null,"progress":0.0,)"
                       R"("started":0,"completed":0,"kind":"sql"})");
  REQUIRE(f.commands->sent.size() == 1);
  CHECK(std::get<ExecuteCommand>(f.commands->sent[0]).code == "1 + 1");
  CHECK(f.session->state() == SessionState::kBusy);

  f.Happens({Started(0)});
  CHECK(f.StateOf(0) == StatementState::kRunning);
  f.Happens({Finished(0, R"({"status":"ok"})"), Idle()});
  const StatementRecord done = f.session->FindStatement(0).value();
  CHECK(done.state == StatementState::kAvailable);
  CHECK(*done.output_json == R"({"status":"ok"})");
  CHECK(done.started == At(10));
  CHECK(done.completed == At(20));
  CHECK(f.session->state() == SessionState::kIdle);
  CHECK(f.Stored(0)->find(R"("state":"available")") != std::string::npos);
}

TEST_CASE("a session is not idle while a statement is on its way to the driver") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.session->Submit("2", Kind::kSpark).value();

  f.Happens({Started(0), Finished(0, "{}"), Idle()});
  CHECK(f.session->state() == SessionState::kBusy);
  f.Happens({Started(1), Finished(1, "{}"), Idle()});
  CHECK(f.session->state() == SessionState::kIdle);
}

TEST_CASE("a statement that cannot be stored is refused, not sent, and its id is not used again") {
  Fixture f;
  f.BecomeIdle();
  f.backing.failure = Error{ErrorCode::kUnavailable, "The disk is full."};

  const Result<StatementRecord> refused = f.session->Submit("1", Kind::kSpark);

  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "The disk is full.");
  CHECK(f.commands->sent.empty());
  CHECK(f.session->FindStatement(0) == std::nullopt);
  CHECK(f.session->state() == SessionState::kIdle);
  f.backing.failure.reset();
  CHECK(f.session->Submit("1", Kind::kSpark).value().id == 1);
}

TEST_CASE("an event that cannot be stored changes nothing, so that the driver sends it again") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.backing.failure = Error{ErrorCode::kUnavailable, "The disk is full."};

  CHECK_FALSE(f.session->OnDriverEvents({Started(0), Finished(0, "{}")}));
  CHECK(f.StateOf(0) == StatementState::kWaiting);

  f.backing.failure.reset();
  CHECK(f.session->OnDriverEvents({Started(0), Finished(0, "{}")}));
  CHECK(f.StateOf(0) == StatementState::kAvailable);
}

TEST_CASE(
    "cancelling a waiting statement takes effect at once, a running one when it has stopped") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.session->Submit("2", Kind::kSpark).value();
  f.Happens({Started(0)});

  CHECK(f.session->CancelStatement(0));
  CHECK(f.session->CancelStatement(1));
  CHECK(f.StateOf(0) == StatementState::kCancelling);
  CHECK(f.StateOf(1) == StatementState::kCancelled);
  CHECK(std::get<CancelCommand>(f.commands->sent.at(2)).id == 0);
  CHECK(std::get<CancelCommand>(f.commands->sent.at(3)).id == 1);

  f.Happens({Finished(0, R"({"status":"error"})"), Cancelled(1), Idle()});
  CHECK(f.StateOf(0) == StatementState::kCancelled);
  CHECK(*f.session->FindStatement(0)->output_json == R"({"status":"error"})");
  CHECK(f.session->FindStatement(1)->completed == At(20));
  CHECK(f.session->state() == SessionState::kIdle);
}

TEST_CASE("cancelling what is unknown or final is harmless") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.Happens({Started(0), Finished(0, "{}"), Idle()});
  CHECK(f.session->CancelStatement(0));
  CHECK(f.session->CancelStatement(99));
  CHECK(f.commands->sent.size() == 1);
  CHECK(f.StateOf(0) == StatementState::kAvailable);
}

TEST_CASE("a statement cancelled here while its driver took it stays cancelled") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  CHECK(f.session->CancelStatement(0));
  f.Happens({Started(0), Finished(0, R"({"status":"ok"})"), Idle()});
  CHECK(f.StateOf(0) == StatementState::kCancelled);
}

TEST_CASE("only the newest statements are kept, and none that has not ended is dropped") {
  Fixture f({.statements_retained_max = 2});
  f.BecomeIdle();
  for (int id = 0; id < 4; ++id)
    f.session->Submit("x", Kind::kSpark).value();
  CHECK(IdsOf(*f.session) == std::vector<int>{0, 1, 2, 3});
  for (int id = 0; id < 4; ++id)
    f.Happens({Started(id), Finished(id, "{}")});
  CHECK(IdsOf(*f.session) == std::vector<int>{2, 3});
  CHECK(f.Stored(1) == std::nullopt);
  CHECK(f.Stored(2) != std::nullopt);
}

TEST_CASE(
    "T3: of two retained statements the older makes room, here by the session's own setting") {
  SessionFixture f;
  const auto session = std::make_shared<InteractiveSession>(
      0, SessionRequest{.conf = {{"livy.rsc.retained-statements", "2"}}}, std::nullopt, f.services);
  session->Start(f.launcher, {}, {.commands = f.commands, .ended = [] {}});
  const std::vector<std::vector<int>> kept = {{0}, {0, 1}, {1, 2}, {2, 3}};
  for (int id = 0; id < 4; ++id) {
    CHECK(session->Submit("x", Kind::kSpark).value().id == id);
    REQUIRE(session->OnDriverEvents({Started(id), Finished(id, "{}"), Idle()}));
    CHECK(IdsOf(*session) == kept[static_cast<std::size_t>(id)]);
  }
}

TEST_CASE("a long queue costs no result: who waits for a statement sees it when it has ended") {
  Fixture f({.statements_retained_max = 2});
  f.BecomeIdle();
  for (int id = 0; id < 10; ++id)
    f.session->Submit("x", Kind::kSpark).value();
  std::vector<bool> seen;
  for (int id = 0; id < 3; ++id) {
    f.session->Await(id, seconds(30),
                     [&, id] { seen.push_back(f.session->FindStatement(id).has_value()); });
  }
  std::vector<DriverEvent> events;
  for (int id = 0; id < 3; ++id) {
    events.push_back(Started(id));
    events.push_back(Finished(id, "{}"));
  }
  f.Happens(events);
  CHECK(seen == std::vector<bool>{true, true, true});
  CHECK(IdsOf(*f.session) == std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("the code of waiting statements is bounded, but one alone may be longer") {
  Fixture f({.statements_queued_bytes_max = 10});
  f.BecomeIdle();
  const auto is_refused = [&] {
    const Result<StatementRecord> second = f.session->Submit("1", Kind::kSpark);
    return !second && second.error().code == ErrorCode::kResourceExhausted;
  };
  f.backing.before_change = [&] { CHECK(is_refused()); };  // While the first is being stored.
  CHECK(f.session->Submit("twelve bytes", Kind::kSpark));
  CHECK(is_refused());
  f.Happens({Started(0), Finished(0, "{}")});
  CHECK(f.session->Submit("1", Kind::kSpark));
}

TEST_CASE("completions under way are bounded") {
  Fixture f({.completions_max = 1});
  f.BecomeIdle();
  int refused = 0;
  const auto count = [&](const Result<std::vector<std::string>>& answer) {
    refused += !answer && answer.error().code == ErrorCode::kResourceExhausted ? 1 : 0;
  };
  f.session->Complete("a", Kind::kSpark, 1, count);
  CHECK(refused == 0);
  f.session->Complete("b", Kind::kSpark, 1, count);
  CHECK(refused == 1);
  CHECK(f.commands->sent.size() == 1);
}

TEST_CASE("too many waiting statements are refused until one has ended") {
  Fixture f({.statements_queued_max = 2});
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.session->Submit("2", Kind::kSpark).value();
  const Result<StatementRecord> third = f.session->Submit("3", Kind::kSpark);
  REQUIRE_FALSE(third);
  CHECK(third.error().code == ErrorCode::kResourceExhausted);
  f.Happens({Started(0), Finished(0, "{}")});
  CHECK(f.session->Submit("3", Kind::kSpark));
}

TEST_CASE("statements are listed in pages by id, in either order") {
  Fixture f;
  f.BecomeIdle();
  for (int id = 0; id < 5; ++id)
    f.session->Submit("x", Kind::kSpark).value();
  const auto ids = [&](std::int64_t from, std::int64_t size, bool descending) {
    std::vector<int> found;
    const StatementSlice page = f.session->ReadStatements(from, size, descending).value();
    CHECK(page.total == 5);
    for (const StatementRecord& statement : page.statements)
      found.push_back(statement.id);
    return found;
  };
  constexpr std::int64_t kAll = 2147483647;
  CHECK(ids(0, kAll, false) == std::vector{0, 1, 2, 3, 4});
  CHECK(ids(1, 2, false) == std::vector{1, 2});
  CHECK(ids(0, 2, true) == std::vector{4, 3});
  CHECK(ids(3, kAll, true) == std::vector{1, 0});
  CHECK(ids(-1, 2, false) == std::vector{0});
  CHECK(ids(9, 2, false).empty());
  CHECK(ids(0, -1, false).empty());
}

TEST_CASE("a launch that fails leaves a dead session that says why") {
  SessionFixture f;
  f.launcher.failure = Error{ErrorCode::kUnavailable, "There is no Java in /nowhere."};
  int ends = 0;
  const auto session =
      std::make_shared<InteractiveSession>(0, SessionRequest{}, std::nullopt, f.services);
  session->Start(f.launcher, {}, {.commands = f.commands, .ended = [&] { ++ends; }});
  CHECK(session->state() == SessionState::kDead);
  CHECK(session->Log(-1, 10).lines ==
        std::vector<std::string>{"stdout: ", "\nstderr: ", "There is no Java in /nowhere."});
  CHECK(ends == 1);
}

TEST_CASE("a driver that exits ends the session with its statements, and the log says why") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("System.exit(3)", Kind::kSpark).value();
  f.session->Submit("2", Kind::kSpark).value();
  f.Happens({Started(0)});
  f.process().observer({.state = ApplicationState::kFailed, .reason = "It exited with status 3."});
  CHECK(f.session->state() == SessionState::kDead);
  CHECK(f.StateOf(0) == StatementState::kCancelled);
  CHECK(f.StateOf(1) == StatementState::kCancelled);
  CHECK(f.session->Log(-1, 1).lines == std::vector<std::string>{"It exited with status 3."});
  CHECK(f.ends == 1);
  f.process().observer(kExited);
  CHECK(f.ends == 1);
}

TEST_CASE("the log is what the application wrote and then why the session ended, in pages") {
  Fixture f;
  f.process().lines.push_back("a");
  f.process().observer({.state = ApplicationState::kFailed, .reason = "b"});
  using Lines = std::vector<std::string>;
  const auto lines = [&](int from, int size) { return f.session->Log(from, size).lines; };
  CHECK(lines(0, -1) == Lines{"stdout: ", "\nstderr: ", "a", "b"});
  CHECK(lines(-1, 1) == Lines{"b"});
  CHECK(lines(-1, 2) == Lines{"a", "b"});
  CHECK(lines(1, 2) == Lines{"\nstderr: ", "a"});
  CHECK(lines(3, 2147483647) == Lines{"b"});
  CHECK(lines(4, 9).empty());
  CHECK(f.session->Log(-1, 0).from == 4);
  CHECK(f.session->Log(9, 9).from == 9);
  CHECK(f.session->Log(9, 9).total == 4);
}

TEST_CASE("an application killed in the cluster makes the session killed, a stop makes it dead") {
  Fixture killed;
  killed.process().observer({.state = ApplicationState::kKilled});
  CHECK(killed.session->state() == SessionState::kKilled);

  Fixture stopped;
  stopped.session->Stop("Enough.");
  stopped.process().observer({.state = ApplicationState::kKilled});
  CHECK(stopped.session->state() == SessionState::kDead);
}

TEST_CASE("stopping asks the driver before it kills it") {
  Fixture f;
  f.BecomeIdle();
  f.session->Stop("Enough.");
  CHECK(f.session->state() == SessionState::kShuttingDown);
  CHECK(std::holds_alternative<StopCommand>(f.commands->sent.at(0)));
  CHECK(f.process().kills == 0);
}

TEST_CASE("a session without a connected driver is killed at once when it is stopped") {
  Fixture f;
  f.commands->is_connected = false;
  f.session->Stop("Enough.");
  CHECK(f.process().kills == 1);
  f.session->Stop("Enough.");
  CHECK(f.process().kills == 1);
}

TEST_CASE("a driver that has connected is left alone, and has no more need of its settings") {
  Fixture f;
  f.session->OnDriverConnected("b1");
  CHECK(f.process().forgets == 1);
  std::promise<void> passed;
  f.timer.After(seconds(90), [&] { passed.set_value(); });
  f.clock.Advance(seconds(90));
  passed.get_future().wait();
  CHECK(f.process().kills == 0);
}

TEST_CASE("who waits for a statement is woken when it is final, at the timeout, or at the end") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.session->Submit("2", Kind::kSpark).value();
  f.session->Submit("3", Kind::kSpark).value();
  int first = 0;
  int third = 0;
  std::promise<void> second;
  f.session->Await(0, seconds(30), [&] { ++first; });
  f.session->Await(1, seconds(5), [&] { second.set_value(); });
  f.session->Await(2, seconds(30), [&] { ++third; });

  f.Happens({Started(0)});
  CHECK(first == 0);
  f.Happens({Finished(0, "{}")});
  CHECK(first == 1);
  f.clock.Advance(seconds(5));
  second.get_future().wait();
  CHECK(third == 0);
  f.process().observer(kExited);
  CHECK(third == 1);
  CHECK(first == 1);
}

TEST_CASE("what is already so is not waited for, and nobody who left is woken") {
  Fixture f;
  int wakes = 0;
  CHECK(f.session->Await(99, seconds(30), [&] { ++wakes; }) == 0);
  CHECK(wakes == 1);
  const WaitList::Token token =
      f.session->Await(WaitList::kIdleOrEnded, seconds(30), [&] { ++wakes; });
  f.session->StopAwaiting(token);
  f.BecomeIdle();
  CHECK(wakes == 1);
  f.session->Await(WaitList::kIdleOrEnded, seconds(30), [&] { ++wakes; });
  CHECK(wakes == 2);
}

TEST_CASE("a completion is answered by the driver, or fails when the session ends") {
  Fixture f;
  f.BecomeIdle();
  std::vector<Result<std::vector<std::string>>> answers;
  const auto keep = [&](const Result<std::vector<std::string>>& a) { answers.push_back(a); };
  f.session->Complete("sc.par", Kind::kSpark, 6, keep);
  f.session->Complete("sc.", Kind::kSpark, 3, keep);
  CHECK(std::get<CompleteCommand>(f.commands->sent.at(0)).cursor == 6);
  f.Happens({{.what = CompletionEvent{.id = 0, .candidates = {"parallelize"}}}});
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].value() == std::vector<std::string>{"parallelize"});
  f.process().observer(kExited);
  REQUIRE(answers.size() == 2);
  CHECK(answers[1].error().code == ErrorCode::kUnavailable);
}

TEST_CASE("progress never goes back and is complete only at the end") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.Happens({Started(0), {.what = ProgressEvent{.id = 0, .progress = 0.5}}});
  f.Happens({{.what = ProgressEvent{.id = 0, .progress = 0.25}}});
  CHECK(f.session->FindStatement(0)->progress == 0.5);
  f.Happens({Finished(0, "{}")});
  CHECK(f.session->FindStatement(0)->progress == 1);
}

}  // namespace
}  // namespace livy::internal
