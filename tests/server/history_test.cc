// Sessions that have ended, seen under /history.
#include <future>
#include <string>

#include <doctest/doctest.h>

#include "server/one_session.h"
#include "server/rest_fixture.h"

namespace livy::internal {
namespace {

using std::chrono::hours;

struct HistoryFixture : RestFixture {
  // A session with one statement, which has ended.
  void EndOne() {
    REQUIRE(Send("POST", "/sessions", R"({"kind":"spark"})").status == 201);
    const auto session = sessions->List(0, 1000).entries.back();
    REQUIRE(session->OnDriverEvents({{.number = 1, .what = StateEvent{SessionState::kIdle}}}));
    REQUIRE(session->Submit("1", Kind::kSpark));
    REQUIRE(session->OnDriverEvents({Finished(0, R"({"status":"ok"})")}));
    launcher.processes.back()->observer({.state = ApplicationState::kFailed, .reason = "it broke"});
  }
  // Has everything happened that was due at this time?
  void PassTimer() {
    std::promise<void> passed;
    timer.After(Clock::Duration::zero(), [&] { passed.set_value(); });
    passed.get_future().wait();
  }
};

TEST_CASE(
    "the statements of a session that has ended are in the history, also when it is deleted") {
  HistoryFixture f;
  f.EndOne();
  CHECK(f.Get("/sessions/0/statements").status == 400);
  for (int round = 0; round < 2; ++round) {
    CAPTURE(round);
    const std::string session = f.Get("/history/sessions/0").body;
    CHECK(session.find(R"("state":"dead")") != session.npos);
    CHECK(session.find(R"("endReason":"it broke")") != session.npos);
    CHECK(f.Get("/history/sessions").body ==
          R"({"from":0,"total":1,"sessions":[)" + session + "]}");
    const std::string statement = f.Get("/history/sessions/0/statements/0").body;
    CHECK(statement.find(R"("state":"available","output":{"status":"ok"})") != statement.npos);
    CHECK(f.Get("/history/sessions/0/statements").body ==
          R"({"total_statements":1,"statements":[)" + statement + "]}");
    CHECK(f.Get("/history/sessions/0/statements/1").status == 404);
    CHECK(f.Send("DELETE", "/sessions/0").status == (round == 0 ? 200 : 404));
  }
  CHECK(f.Get("/sessions").body == R"({"from":0,"total":0,"sessions":[]})");
}

TEST_CASE("a session that lives is no history, and neither is one that never was") {
  RestFixture f;
  f.StartIdle();
  CHECK(f.Get("/history/sessions").body == R"({"from":0,"total":0,"sessions":[]})");
  CHECK(f.Get("/history/sessions/0").status == 404);
  CHECK(f.Get("/history/sessions/7/statements").status == 404);
  CHECK(f.Get("/history/sessions/x").status == 400);
}

TEST_CASE("history pages as lists do") {
  HistoryFixture f;
  for (int i = 0; i < 3; ++i)
    f.EndOne();
  const std::string page = f.Get("/history/sessions?from=1&size=1").body;
  CHECK(page.starts_with(R"({"from":1,"total":3,"sessions":[{"id":1,)"));
  CHECK(page.find(R"("id":2)") == page.npos);
}

TEST_CASE("who may not view a session does not see its history") {
  HistoryFixture f;
  CHECK(f.Send("POST", "/sessions", "{}", {{"X-User", "ada"}}).status == 201);
  f.End(0);
  const HttpHeaders bob = {{"X-User", "bob"}};
  CHECK(f.Get("/history/sessions/0", bob).status == 403);
  CHECK(f.Get("/history/sessions/0/statements", bob).status == 403);
  CHECK(f.Get("/history/sessions/0/statements", {{"X-User", "ada"}}).status == 200);
  CHECK(f.Get("/history/sessions", bob).body.find(R"("total":1)") != std::string::npos);
}

TEST_CASE("history goes when its time is over, also from the store") {
  HistoryFixture f;
  f.EndOne();
  REQUIRE(f.Send("DELETE", "/sessions/0").status == 200);
  f.clock.Advance(hours(23));
  f.PassTimer();
  CHECK(f.Get("/history/sessions/0").status == 200);
  f.clock.Advance(hours(1));
  f.PassTimer();
  f.PassTimer();
  CHECK(f.Get("/history/sessions/0").status == 404);
  CHECK(f.backing.Get("v1/interactive/0/statements/0").value() == std::nullopt);
}

TEST_CASE("history goes when it needs too much room, the oldest first") {
  SessionUnderTest f;
  // The code of a session's statement takes room, and so do its settings.
  const auto session = [](int id) {
    return StoredSession{
        .id = id, .request = {.conf = {{"spark.x", std::string(3000, 'x')}}}, .end = StoredEnd{}};
  };
  SessionHistory small({.retain = hours(24), .bytes_max = 15000}, f.store, f.clock, f.timer,
                       *f.log);
  for (const int id : {1, 2, 3}) {
    REQUIRE(f.backing.Apply(
        {{"v1/interactive/" + std::to_string(id) + "/statements/0", std::string(3000, 'x')}}));
    REQUIRE(small.Take(session(id)));
    f.clock.Advance(hours(1));
  }
  for (int round = 0; round < 3; ++round) {
    std::promise<void> passed;
    f.timer.After(Clock::Duration::zero(), [&] { passed.set_value(); });
    passed.get_future().wait();
  }
  CHECK(small.Ids() == std::vector<int>{2, 3});
  CHECK(f.backing.Get("v1/interactive/1").value() == std::nullopt);
  f.timer.Stop();
}

TEST_CASE("without a history what has ended is removed from the store") {
  SessionUnderTest f;
  SessionHistory none({}, f.store, f.clock, f.timer, *f.log);
  REQUIRE(none.Take({.id = 7, .end = StoredEnd{}}));
  CHECK(f.backing.Get("v1/interactive/7").value() == std::nullopt);
  CHECK(none.Ids().empty());
}

}  // namespace
}  // namespace livy::internal
