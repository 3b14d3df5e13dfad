#include <livy/session_handle.h>

#include <algorithm>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "client/fake_server.h"
#include "scratch.h"

namespace livy::testing {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

HttpResponse SessionIn(std::string_view state) {
  return Answer(200, fmt::format(R"({{"id":7,"state":"{}","log":["one","two"]}})", state));
}

SessionHandle Open(const Fixture& fixture) {
  const LivyClient client = fixture.Client();
  SessionHandle session = client.OpenSession(7).value();
  fixture.server->requests.clear();
  return session;
}

// Answers the states in turn, the last one again and again. The first is seen by Open().
FakeServer::Serve InTurn(std::vector<std::string> states) {
  return [states, next = std::size_t{0}](const HttpRequest&, milliseconds) mutable {
    return SessionIn(states[std::min(next++, states.size() - 1)]);
  };
}

TEST_CASE("each call of a session asks what its name says") {
  struct Row {
    std::function<bool(const SessionHandle&)> call;
    const char* method;
    const char* target;
    const char* body;
    HttpResponse answer;
  };
  const Row rows[] = {
      {[](const SessionHandle& session) { return session.Fetch().has_value(); }, "GET",
       "/sessions/7", "", Recorded("B002-get-starting")},
      {[](const SessionHandle& session) { return session.Submit({.code = "1+1"}).has_value(); },
       "POST", "/sessions/7/statements", R"({"code":"1+1"})", Recorded("B112-queued-post")},
      {[](const SessionHandle& session) { return session.Statements().has_value(); }, "GET",
       "/sessions/7/statements", "", Recorded("B007-statements-list-starting")},
      {[](const SessionHandle& session) { return session.Log().has_value(); }, "GET",
       "/sessions/7/log?from=-1&size=100", "", Recorded("B018-log_size_2")},
      {[](const SessionHandle& session) { return session.Log(3, 2)->lines.size() == 2; }, "GET",
       "/sessions/7/log?from=3&size=2", "", Recorded("B021-log_from_3_size_2")},
      {[](const SessionHandle& session) {
         return session.Add(ResourceKind::kPyFile, "hdfs:/\"x\".py").has_value();
       },
       "POST", "/sessions/7/add-pyfile", R"({"uri":"hdfs:/\"x\".py"})", Answer(200, "")},
      {[](const SessionHandle& session) { return session.Stop().has_value(); }, "POST",
       "/sessions/7/stop", "", Recorded("B139-stop")},
      {[](const SessionHandle& session) { return session.Delete().has_value(); }, "DELETE",
       "/sessions/7", "", Recorded("B144-delete")},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string_view(row.target));
    const Fixture fixture([&, opened = false](const HttpRequest&, milliseconds) mutable {
      return std::exchange(opened, true) ? row.answer : SessionIn("idle");
    });
    CHECK(row.call(Open(fixture)));
    REQUIRE(fixture.server->requests.size() == 1);
    const HttpRequest& request = fixture.server->requests[0].http;
    CHECK(request.method == row.method);
    CHECK(request.target == row.target);
    CHECK(request.body == row.body);
  }
}

TEST_CASE("opening a statement asks nothing, and submitting one tells its id") {
  const Fixture fixture([opened = false](const HttpRequest&, milliseconds) mutable {
    return std::exchange(opened, true) ? Recorded("B112-queued-post") : SessionIn("idle");
  });
  const SessionHandle session = Open(fixture);
  const JobHandle opened = session.Open(3);
  CHECK(fixture.server->requests.empty());
  CHECK(opened.session_id() == 7);
  CHECK(opened.id() == 3);
  CHECK(session.Submit({.code = "2+2"})->id() == 28);
}

TEST_CASE("Submit tells a session that is not ready from a statement that is refused") {
  struct Row {
    const char* recorded;
    ErrorCode code;
  };
  const Row rows[] = {
      {"B004-statement-on-starting", ErrorCode::kUnavailable},
      {"B142-stmt-after-stop", ErrorCode::kUnavailable},
      {"B041-stmt-bad-kind", ErrorCode::kInvalidArgument},
      {"S005-shared-no-kind-post", ErrorCode::kInvalidArgument},
      {"B147-stmt-deleted", ErrorCode::kNotFound},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string_view(row.recorded));
    const Fixture fixture([&, opened = false](const HttpRequest&, milliseconds) mutable {
      return std::exchange(opened, true) ? Recorded(row.recorded) : SessionIn("idle");
    });
    CHECK(Open(fixture).Submit({.code = "1"}).error().code == row.code);
  }
}

TEST_CASE("WaitUntilIdle returns the session as soon as it is idle") {
  const Fixture fixture(InTurn({"starting", "not_started", "starting", "busy", "idle"}));
  const Result<Session> session = Open(fixture).WaitUntilIdle(hours(1));
  REQUIRE(session);
  CHECK(session->state == SessionState::kIdle);
  CHECK(fixture.server->requests.size() == 4);
  CHECK(fixture.clock->Now().time_since_epoch() == milliseconds(100 + 200 + 400));
}

TEST_CASE("WaitUntilIdle says with the end of the log that the session has ended") {
  for (const char* state : {"shutting_down", "error", "dead", "killed", "success"}) {
    CAPTURE(std::string_view(state));
    const Fixture fixture(InTurn({"starting", "starting", state}));
    CHECK(Open(fixture).WaitUntilIdle(hours(1)).error() ==
          Error{ErrorCode::kUnavailable,
                fmt::format("Session 7 is {}; its log ends with:\none\ntwo", state)});
  }
}

TEST_CASE("WaitUntilIdle says why the session has ended if the server tells") {
  const Fixture fixture(Answer(200, R"({"id":7,"state":"dead","log":["one"],"runtime":"spark4",)"
                                    R"("endReason":"idle for 1h","exitCode":143})"));
  CHECK(Open(fixture).WaitUntilIdle(hours(1)).error() ==
        Error{ErrorCode::kUnavailable, "Session 7 is dead: idle for 1h"});
  CHECK(Open(fixture).Fetch().value().end_reason == "idle for 1h");
  CHECK(Open(fixture).Fetch().value().exit_code == 143);
  CHECK(Open(fixture).Fetch().value().request.runtime == "spark4");
}

TEST_CASE("a session without a log that ends is reported without one") {
  const Fixture fixture(Answer(200, R"({"id":7,"state":"dead","log":[]})"));
  CHECK(Open(fixture).WaitUntilIdle(hours(1)).error().message == "Session 7 is dead.");
}

TEST_CASE("WaitUntilIdle ends with the session that is deleted meanwhile") {
  const Fixture fixture([asked = 0](const HttpRequest&, milliseconds) mutable {
    return ++asked < 3 ? SessionIn("starting") : Recorded("B145-get-deleted");
  });
  CHECK(Open(fixture).WaitUntilIdle(hours(1)).error().code == ErrorCode::kNotFound);
}

TEST_CASE("WaitUntilIdle gives up at its timeout and says how far the session was") {
  const Fixture fixture(InTurn({"starting"}));
  CHECK(Open(fixture).WaitUntilIdle(seconds(90)).error() ==
        Error{ErrorCode::kDeadlineExceeded, "Session 7 was still starting after 90000 ms."});
  CHECK(fixture.clock->Now().time_since_epoch() <= seconds(90));
}

TEST_CASE("a state that is not known is no reason to stop waiting") {
  const Fixture fixture(InTurn({"starting", "hibernating", "idle"}));
  CHECK(Open(fixture).WaitUntilIdle(hours(1)));
}

TEST_CASE("a local file is sent as a form, whatever is in it and in its name") {
  const Scratch scratch;
  const std::string content = std::string("\0livy-form-0\r\n--livy-form-1", 28);
  const auto file = scratch.Write("a \"b\\.jar", content);
  Fixture fixture(Answer(200, R"({"id":7})"));
  const SessionHandle session = Open(fixture);
  REQUIRE(session.Upload(ResourceKind::kJar, file, seconds(5)));
  const FakeServer::Request& sent = fixture.server->requests.at(0);
  CHECK(sent.http.target == "/sessions/7/upload-jar");
  CHECK(sent.timeout == seconds(5));
  CHECK(FindHeader(sent.http.headers, "Content-Type") ==
        "multipart/form-data; boundary=livy-form-2");
  CHECK(sent.http.body ==
        "--livy-form-2\r\n"
        "Content-Disposition: form-data; name=\"jar\"; filename=\"a \\\"b\\\\.jar\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\n" +
            content + "\r\n--livy-form-2--\r\n");
}

TEST_CASE("a file that cannot be read is not sent") {
  const Scratch scratch;
  Fixture fixture(Answer(200, R"({"id":7})"));
  const SessionHandle session = Open(fixture);
  for (const auto& path : {scratch.path(), scratch.path() / "none"}) {
    const Result<void> sent = session.Upload(ResourceKind::kFile, path);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == ErrorCode::kInvalidArgument);
  }
  CHECK(fixture.server->requests.empty());
}

}  // namespace
}  // namespace livy::testing
