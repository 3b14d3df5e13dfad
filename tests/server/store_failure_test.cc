// What clients and drivers see of a store that fails.
#include <chrono>
#include <future>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "server/one_session.h"
#include "server/rest_fixture.h"
#include "server/stored_records.h"

namespace livy::internal {
namespace {

const Error kFull = {ErrorCode::kUnavailable, "The disk is full."};
constexpr char kFullReply[] = R"({"msg":"The disk is full."})";

TEST_CASE("what cannot be stored is refused with the reason, and leaves nothing behind") {
  RestFixture f;
  f.StartIdle();
  f.backing.failure = kFull;
  const std::pair<const char*, const char*> creations[] = {
      {"/sessions", R"({"kind":"spark"})"},
      {"/batches", R"({"file":"hdfs:/a.jar"})"},
      {"/sessions/0/statements", R"({"code":"1"})"},
  };
  for (const auto& [target, body] : creations) {
    CAPTURE(target);
    const HttpResponse refused = f.Send("POST", target, body);
    CHECK(refused.status == 503);
    CHECK(refused.body == kFullReply);
    CHECK(FindHeader(refused.headers, "Retry-After") == "1");
  }
  CHECK(f.launcher.requests.size() == 1);
  CHECK(f.Get("/sessions").body.find(R"("total":1)") != std::string::npos);
  CHECK(f.Get("/batches").body.find(R"("total":0)") != std::string::npos);
  CHECK(f.Get("/sessions/0/statements").body == R"({"total_statements":0,"statements":[]})");

  f.backing.failure.reset();
  for (const auto& [target, body] : creations) {
    CAPTURE(target);
    CHECK(f.Send("POST", target, body).status == 201);
  }
}

TEST_CASE("a cancellation that cannot be stored is refused and not begun") {
  SessionUnderTest f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.Happens({Started(0)});
  const std::size_t sent = f.commands->sent.size();
  f.backing.failure = kFull;
  CHECK(f.session->CancelStatement(0).error() == kFull);
  CHECK(f.StateOf(0) == StatementState::kRunning);
  CHECK(f.commands->sent.size() == sent);

  f.backing.failure.reset();
  CHECK(f.session->CancelStatement(0));
  CHECK(f.StateOf(0) == StatementState::kCancelling);
  CHECK(f.commands->sent.size() == sent + 1);
}

TEST_CASE("a deletion that cannot be stored is refused, and can be asked for again") {
  RestFixture f;
  f.StartIdle();
  f.End(0);
  f.backing.failure = kFull;
  CHECK(f.Send("DELETE", "/sessions/0").status == 503);
  CHECK(f.Get("/sessions/0/state").body == R"({"id":0,"state":"dead"})");
  f.backing.failure.reset();
  CHECK(f.Send("DELETE", "/sessions/0").status == 200);
  CHECK(f.Get("/sessions/0").status == 404);
  CHECK(f.store.LoadSession(0)->removal.has_value());
}

TEST_CASE("an end is shown although the store fails, and stored when it does not any more") {
  SessionUnderTest f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.backing.failure = kFull;
  f.process().observer(kExited);
  CHECK(f.session->state() == SessionState::kDead);
  CHECK(f.StateOf(0) == StatementState::kCancelled);
  CHECK(f.Stored(0)->find(R"("state":"waiting")") != std::string::npos);

  f.backing.failure.reset();
  REQUIRE(f.writer.TryOwed());
  CHECK(f.Stored(0)->find(R"("state":"cancelled")") != std::string::npos);
  CHECK(f.store.LoadSession(7)->end->state == SessionState::kDead);
}

TEST_CASE("an end and a removal of many statements are stored in parts that a store takes") {
  SessionUnderTest f;
  f.backing.changes_at_once_max = 250;
  f.BecomeIdle();
  for (int id = 0; id < 600; ++id)
    f.session->Submit("1", Kind::kSpark).value();
  f.process().observer({.state = ApplicationState::kFailed, .reason = "Out of memory."});
  CHECK(f.Stored(599)->find(R"("state":"cancelled")") != std::string::npos);
  REQUIRE(f.services.store.Remove(f.session->id()));
  CHECK(f.Stored(599) == std::nullopt);
}

TEST_CASE("nobody sees an end before it is stored") {
  SessionUnderTest f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  SessionState seen = SessionState::kDead;
  StatementState seen_statement = StatementState::kCancelled;
  f.backing.before_change = [&] {
    seen = f.session->state();
    seen_statement = f.StateOf(0);
    f.session->Stop("too late");
  };
  f.process().observer({.state = ApplicationState::kFailed, .reason = "it broke"});
  CHECK(seen == SessionState::kBusy);
  CHECK(seen_statement == StatementState::kWaiting);
  CHECK(f.session->View().end_reason == "it broke");
  CHECK(f.store.LoadSession(7)->end->reason == "it broke");
}

TEST_CASE("a statement that was submitted while its session ended has an end") {
  SessionUnderTest f;
  f.BecomeIdle();
  f.backing.before_change = [&] { f.session->Submit("1", Kind::kSpark).value(); };
  f.process().observer(kExited);
  CHECK(f.StateOf(0) == StatementState::kCancelled);
}

TEST_CASE("a statement that is stored when its session has ended is told, though the store fails") {
  SessionUnderTest f;
  f.BecomeIdle();
  f.backing.before_change = [&] {
    f.process().observer(kExited);
    f.backing.before_change = [&] { f.backing.failure = kFull; };
  };
  const Result<StatementRecord> submitted = f.session->Submit("1", Kind::kSpark);
  REQUIRE(submitted);
  CHECK(submitted->state == StatementState::kCancelled);
  CHECK(submitted->completed == f.store.LoadSession(7)->end->at);
  CHECK(f.Stored(0));
}

TEST_CASE("who comes after one that a store keeps waiting is refused, and shows nothing") {
  SessionUnderTest f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.session->Submit("2", Kind::kSpark).value();
  std::promise<void> entered;
  std::promise<void> go_on;
  f.backing.before_change = [&] {
    entered.set_value();
    go_on.get_future().wait();
  };
  auto first = std::async(std::launch::async, [&] { return f.session->CancelStatement(0); });
  entered.get_future().wait();
  f.clock.Advance(std::chrono::seconds(1));
  const Error busy = {ErrorCode::kUnavailable, "The store does not answer: others wait for it."};
  CHECK(f.session->CancelStatement(1).error() == busy);
  CHECK(f.session->OnDriverEvents({Finished(1, "{}")}).error() == busy);
  CHECK(f.session->RemoveFromStore().error() == busy);
  CHECK(f.StateOf(1) == StatementState::kWaiting);
  go_on.set_value();
  CHECK(first.get());
  CHECK(f.session->CancelStatement(1));
}

TEST_CASE("ids are not waited for behind one that a store keeps waiting") {
  RestFixture f;
  std::promise<void> entered;
  std::promise<void> go_on;
  f.backing.before_change = [&] {
    entered.set_value();
    go_on.get_future().wait();
  };
  auto first = std::async(std::launch::async, [&] { return f.store.ids().Take(); });
  entered.get_future().wait();
  f.clock.Advance(std::chrono::seconds(1));
  CHECK(f.Send("POST", "/sessions", "{}").status == 503);
  go_on.set_value();
  CHECK(first.get());
  CHECK(f.Send("POST", "/sessions", "{}").status == 201);
}

TEST_CASE("a result that cannot be stored now is not taken, and taken when it comes again") {
  SessionUnderTest f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.backing.failure = kFull;
  CHECK_FALSE(f.session->OnDriverEvents({Finished(0, R"("out")")}));
  CHECK(f.StateOf(0) == StatementState::kWaiting);
  f.backing.failure.reset();
  f.Happens({Finished(0, R"("out")")});
  CHECK(*f.session->FindStatement(0)->output_json == R"("out")");
}

TEST_CASE("an output that the store refuses for good becomes an error that says so") {
  SessionUnderTest f;
  f.BecomeIdle();
  for (int id = 0; id < 3; ++id)
    f.session->Submit("x", Kind::kSpark).value();
  f.backing.value_bytes_max = 500;
  f.Happens({Finished(0, R"("a")"), Finished(1, '"' + std::string(1000, 'b') + '"'),
             Finished(2, R"("c")"), Idle()});
  CHECK(*f.session->FindStatement(0)->output_json == R"("a")");
  CHECK(*f.session->FindStatement(1)->output_json ==
        R"({"status":"error","execution_count":1,"ename":"OutputNotStored",)"
        R"("evalue":"v1/interactive/7/statements/1 is too large.","traceback":[]})");
  CHECK(*f.session->FindStatement(2)->output_json == R"("c")");
  CHECK(f.StateOf(1) == StatementState::kAvailable);
  CHECK(f.session->state() == SessionState::kIdle);
  for (int id = 0; id < 3; ++id) {
    CHECK(*StatementFromStored(*f.Stored(id))->output_json ==
          *f.session->FindStatement(id)->output_json);
  }
}

TEST_CASE("code for whose end the store has no room does not stop its session") {
  SessionUnderTest f;
  f.BecomeIdle();
  const std::string code(400, 'x');
  f.session->Submit(code, Kind::kSpark).value();
  f.backing.value_bytes_max = 450;
  f.Happens({Finished(0, R"("out")"), Idle()});
  CHECK(f.StateOf(0) == StatementState::kAvailable);
  CHECK(f.session->state() == SessionState::kIdle);
  CHECK(*f.session->FindStatement(0)->code == code);
  // Its id is not given again.
  const StatementRecord stored = f.store.LoadStatement(7, 0)->value();
  CHECK(stored.code->empty());
  CHECK(stored.state == StatementState::kAvailable);
}

TEST_CASE("code that the store refuses for good is the client's mistake") {
  RestFixture f;
  f.StartIdle();
  f.backing.value_bytes_max = 500;
  const HttpResponse refused =
      f.Send("POST", "/sessions/0/statements", R"({"code":")" + std::string(1000, 'x') + R"("})");
  CHECK(refused.status == 400);
  CHECK(refused.body == R"({"msg":"v1/interactive/0/statements/0 is too large."})");
}

}  // namespace
}  // namespace livy::internal
