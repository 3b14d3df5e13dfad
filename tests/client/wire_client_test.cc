#include "core/wire_client.h"

#include <string>

#include <doctest/doctest.h>

#include "client/fake_server.h"

namespace livy::internal {
namespace {

using livy::testing::Recorded;
using livy::testing::RecordedRequest;

JsonValue Json(std::string_view text) {
  return ParseJson(text, {.depth_max = kResultDepthMax}).value();
}

JsonValue RecordedJson(std::string_view name) {
  return Json(Recorded(name).body);
}

TEST_CASE("each field of a session request has Livy's name, and unset ones are left out") {
  struct Row {
    SessionRequest request;
    const char* json;
  };
  const Row rows[] = {
      {{}, "{}"},
      {{.kind = Kind::kSpark}, R"({"kind":"spark"})"},
      {{.kind = Kind::kPySpark}, R"({"kind":"pyspark"})"},
      {{.kind = Kind::kSparkR}, R"({"kind":"sparkr"})"},
      {{.kind = Kind::kSql}, R"({"kind":"sql"})"},
      {{.kind = Kind::kShared}, R"({"kind":"shared"})"},
      {{.proxy_user = "ada"}, R"({"proxyUser":"ada"})"},
      {{.jars = {"a.jar", "b.jar"}}, R"({"jars":["a.jar","b.jar"]})"},
      {{.py_files = {"a.py"}}, R"({"pyFiles":["a.py"]})"},
      {{.files = {"a.txt"}}, R"({"files":["a.txt"]})"},
      {{.archives = {"a.zip"}}, R"({"archives":["a.zip"]})"},
      {{.driver_memory = "512m"}, R"({"driverMemory":"512m"})"},
      {{.driver_cores = 2}, R"({"driverCores":2})"},
      {{.executor_memory = "1g"}, R"({"executorMemory":"1g"})"},
      {{.executor_cores = 3}, R"({"executorCores":3})"},
      {{.num_executors = 4}, R"({"numExecutors":4})"},
      {{.queue = "night"}, R"({"queue":"night"})"},
      {{.name = "Grüße \"1\""}, R"({"name":"Grüße \"1\""})"},
      {{.conf = {{"spark.ui.enabled", "false"}}}, R"({"conf":{"spark.ui.enabled":"false"}})"},
      {{.heartbeat_timeout_s = 0}, R"({"heartbeatTimeoutInSecond":0})"},
      {{.ttl = "8h"}, R"({"ttl":"8h"})"},
      {{.idle_timeout = "30m"}, R"({"idleTimeout":"30m"})"},
      {{.runtime = "spark4"}, R"({"runtime":"spark4"})"},
  };
  for (const Row& row : rows)
    CHECK(EncodeSessionRequest(row.request) == row.json);
}

TEST_CASE("a statement request always has its code, and its kind only if it is set") {
  CHECK(EncodeStatementRequest({}) == R"({"code":""})");
  CHECK(EncodeStatementRequest({.code = "1", .rows_max = 5}) == R"({"code":"1","rowsMax":5})");
  CHECK(EncodeStatementRequest({.code = "1 + 1\n"}) == R"({"code":"1 + 1\n"})");
  CHECK(EncodeStatementRequest({.code = "select 1", .kind = Kind::kSql}) ==
        R"({"code":"select 1","kind":"sql"})");
}

TEST_CASE("a session is read as Apache Livy shows it") {
  const Session session = DecodeSession(RecordedJson("B008-get-idle")).value();
  CHECK(session.id == 10);
  CHECK(session.state == SessionState::kIdle);
  CHECK(session.log.size() == 10);
  // Nothing but the kind was asked for: Livy's nulls, zeros and empty lists are unset fields.
  CHECK(session.request == SessionRequest{.kind = Kind::kSpark});
  CHECK_FALSE(session.app_id);
  CHECK_FALSE(session.owner);
  CHECK(session.app_info == AppInfo{});
}

TEST_CASE("what a session was asked for is read back as it was asked") {
  const SessionRequest request = {
      .kind = Kind::kPySpark,
      .proxy_user = "ada",
      .jars = {"a.jar"},
      .py_files = {"a.py"},
      .files = {"a.txt"},
      .archives = {"a.zip"},
      .driver_memory = "512m",
      .driver_cores = 1,
      .executor_memory = "1g",
      .executor_cores = 2,
      .num_executors = 3,
      .queue = "night",
      .name = "s1",
      .conf = {{"a", "b"}},
      .heartbeat_timeout_s = 5,
      .ttl = "8h",
      .idle_timeout = "30m",
      .runtime = "spark4",
  };
  std::string json = EncodeSessionRequest(request);
  json.replace(0, 1,
               R"({"id":7,"appId":"application_1","owner":"bob","state":"busy",)"
               R"("appInfo":{"driverLogUrl":"d","sparkUiUrl":"u","executorLogUrls":"e"},)");
  const Session session = DecodeSession(Json(json)).value();
  CHECK(session.request == request);
  CHECK(session.app_id == "application_1");
  CHECK(session.owner == "bob");
  CHECK(session.state == SessionState::kBusy);
  CHECK(session.app_info ==
        AppInfo{.driver_log_url = "d", .spark_ui_url = "u", .executor_log_urls = "e"});
}

TEST_CASE("a session of another version of Livy is read too") {
  struct Row {
    const char* json;
    Session session;
  };
  const Row rows[] = {
      {R"({"id":1})", {.id = 1}},
      {R"({"id":1,"state":"idle","lanes":[{"id":2}],"kind":"pyspark"})",
       {.id = 1, .state = SessionState::kIdle, .request = {.kind = Kind::kPySpark}}},
      {R"({"id":1,"state":"hibernating","kind":"julia","appInfo":null,"log":null,"conf":null})",
       {.id = 1, .state = SessionState::kBusy}},
      {R"({"id":1,"kind":"scala","conf":{"a":1,"b":true}})",
       {.id = 1, .request = {.kind = Kind::kSpark, .conf = {{"a", "1"}, {"b", "true"}}}}},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string_view(row.json));
    CHECK(DecodeSession(Json(row.json)).value() == row.session);
  }
}

TEST_CASE("what is no session or statement at all is refused, and the error says what came") {
  for (const char* json :
       {"{}", "[]", "null", "7", R"("text")", R"({"id":"x"})", R"({"id":null})"}) {
    CAPTURE(std::string_view(json));
    CHECK(DecodeSession(Json(json)).error().code == ErrorCode::kInternal);
    CHECK(DecodeStatement(Json(json)).error().code == ErrorCode::kInternal);
    CHECK_FALSE(DecodePage<Session>(Json(json)));
    CHECK_FALSE(DecodeStatements(Json(json)));
    CHECK_FALSE(DecodeLogPage(Json(json)));
  }
  CHECK(DecodeSession(Json("[]")).error().message ==
        "The server answered with an array where a session was expected.");
}

TEST_CASE("results of statements are read as Apache Livy sends them") {
  SUBCASE("text") {
    const Statement statement = DecodeStatement(RecordedJson("B046-spark-ok-result")).value();
    CHECK(statement.id == 1);
    CHECK(statement.code == "1+1");
    CHECK(statement.state == StatementState::kAvailable);
    CHECK(statement.progress == 1.0);
    CHECK(statement.output->ok);
    CHECK(statement.output->execution_count == 1);
    CHECK(statement.output->text() == "res1: Int = 2\n");
    CHECK_FALSE(statement.output->json());
    CHECK(*statement.completed - *statement.started == std::chrono::milliseconds(2669));
  }
  SUBCASE("JSON") {
    const Statement statement = DecodeStatement(RecordedJson("S012-shared-sql-result")).value();
    CHECK(statement.output->json() ==
          R"({"schema":{"type":"struct","fields":[{"name":"n","type":"integer",)"
          R"("nullable":false,"metadata":{}}]},"data":[[7]]})");
    CHECK(statement.output->text().empty());
  }
  SUBCASE("failure of the code") {
    const Statement statement =
        DecodeStatement(RecordedJson("B054-spark-compile-error-result")).value();
    CHECK(statement.state == StatementState::kAvailable);
    CHECK_FALSE(statement.output->ok);
    CHECK(statement.output->ename == "Error");
    CHECK(statement.output->evalue == "<console>:23: error: not found: value foo");
    CHECK(statement.output->traceback.size() == 5);
    CHECK(statement.output->traceback[1] == "       ^\n");
  }
  SUBCASE("not begun") {
    const Statement statement = DecodeStatement(RecordedJson("B112-queued-post")).value();
    CHECK(statement.state == StatementState::kWaiting);
    CHECK_FALSE(statement.output);
    CHECK_FALSE(statement.started);
    CHECK_FALSE(statement.completed);
  }
  SUBCASE("cancelled") {
    CHECK(DecodeStatement(RecordedJson("B117-queued-after-cancel")).value().state ==
          StatementState::kCancelled);
    CHECK(DecodeStatement(RecordedJson("B119-running-after-cancel-immediate")).value().state ==
          StatementState::kCancelling);
  }
  SUBCASE("a list") {
    const auto statements = DecodeStatements(RecordedJson("B098-statements_from_0_size_2")).value();
    CHECK(statements.size() == 2);
    CHECK(statements[1].id == 1);
  }
  SUBCASE("a page of a log") {
    const LogPage page = DecodeLogPage(RecordedJson("B021-log_from_3_size_2")).value();
    CHECK(page.from == 3);
    CHECK(page.total == 202);
    CHECK(page.lines.size() == 2);
  }
}

TEST_CASE("a statement of another server is read too") {
  struct Row {
    const char* json;
    StatementState state;
    double progress;
  };
  using enum StatementState;
  const Row rows[] = {
      {R"({"id":0})", kWaiting, 0},
      {R"({"id":0,"state":"error","output":{"status":"error"}})", kAvailable, 0},
      {R"({"id":0,"state":"paused","progress":0.5})", kRunning, 0.5},
      {R"({"id":0,"state":"running","progress":17,"started":null})", kRunning, 1},
      {R"({"id":0,"state":"running","progress":null,"engine":{}})", kRunning, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string_view(row.json));
    const Statement statement = DecodeStatement(Json(row.json)).value();
    CHECK(statement.state == row.state);
    CHECK(statement.progress == row.progress);
  }
}

TEST_CASE("values keep every digit and every kind of member on their way") {
  const std::string data =
      R"({"application/json":{"a":[1,2.50,-0.0,1e300,12345678901234567890,true,null,"\u0000é"],)"
      R"("b":{}},"text/plain":"x"})";
  const std::string json = R"({"status":"ok","execution_count":3,"data":)" + data + "}";
  CHECK(EncodeStatementOutput(DecodeStatementOutput(Json(json))) == json);
}

TEST_CASE(
    "what a statement has printed, and whether its output was cut, is read from our servers") {
  const Statement running =
      DecodeStatement(
          Json(R"({"id":0,"state":"running","output":null,"progress":0.5,"stdout":"a\n"})"))
          .value();
  CHECK(running.printed == "a\n");
  CHECK_FALSE(running.output);

  const std::string failure =
      R"({"status":"error","execution_count":3,"ename":"E","evalue":"no","traceback":[],)"
      R"("stdout":"before","truncated":true})";
  const StatementOutput output = DecodeStatementOutput(Json(failure));
  CHECK(output.stdout_text == "before");
  CHECK(output.truncated);
  CHECK(EncodeStatementOutput(output) == failure);
  const StatementOutput whole = DecodeStatementOutput(Json(R"({"status":"ok","truncated":null})"));
  CHECK_FALSE(whole.truncated);
}

TEST_CASE("a failure is written as it was read") {
  const std::string json =
      R"({"status":"error","execution_count":3,"ename":"E","evalue":"no","traceback":["a\n","b"]})";
  CHECK(EncodeStatementOutput(DecodeStatementOutput(Json(json))) == json);
}

}  // namespace
}  // namespace livy::internal
