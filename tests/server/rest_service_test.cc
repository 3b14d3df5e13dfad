#include "server/rest_service.h"

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "server/rest_fixture.h"

namespace livy::internal {
namespace {

using Fixture = RestFixture;

constexpr char kNewSession[] =
    R"({"id":0,"name":"s","appId":null,"owner":null,"proxyUser":null,"state":"starting",)"
    R"("kind":"pyspark","appInfo":{"driverLogUrl":null,"sparkUiUrl":null,"executorLogUrls":null},)"
    R"("log":["stdout: ","\nstderr: "],"ttl":"10h","idleTimeout":null,"driverMemory":"512m",)"
    R"("driverCores":0,"executorMemory":null,"executorCores":0,"conf":{"my.key":"v"},)"
    R"("archives":[],"files":[],"heartbeatTimeoutInSecond":0,"jars":[],"numExecutors":1,)"
    R"("pyFiles":[],"queue":"default"})";

TEST_CASE("a session is created and shown as Livy shows it") {
  Fixture f;
  const HttpResponse created =
      f.Send("POST", "/sessions",
             R"({"kind":"pyspark","name":"s","ttl":"10h","driverMemory":"512m",
                 "numExecutors":1,"queue":"default","conf":{"my.key":"v"}})");
  CHECK(created.status == 201);
  CHECK(created.body == kNewSession);
  CHECK(FindHeader(created.headers, "Location") == "/sessions/0");
  CHECK(FindHeader(created.headers, "Content-Type") == "application/json;charset=utf-8");
  CHECK(FindHeader(created.headers, "X-Frame-Options") == "SAMEORIGIN");
  CHECK(f.Get("/sessions/0").body == kNewSession);
  CHECK(f.Get("/sessions/s").body == kNewSession);
  CHECK(f.Get("/sessions").body ==
        std::string(R"({"from":0,"total":1,"sessions":[)") + kNewSession + "]}");
  CHECK(f.Get("/sessions/0/state").body == R"({"id":0,"state":"starting"})");
  CHECK(f.Get("/sessions/0/log").body ==
        R"({"id":0,"from":0,"total":2,"log":["stdout: ","\nstderr: "]})");
}

TEST_CASE("the driver is launched with the request's settings and its own secret") {
  Fixture f;
  f.Send("POST", "/sessions", R"({"name":"mine","conf":{"spark.app.name":"x"}})");
  const LaunchRequest& launch = f.launcher.requests.at(0);
  CHECK(launch.tag.starts_with("livy-session-0-"));
  CHECK(launch.name == "mine");
  CHECK(launch.conf.at("spark.app.name") == "mine");
  CHECK(launch.conf.at("spark.master") == "local[*]");
  CHECK(launch.conf.at("spark.livy.driver.session") == "0");
  CHECK(launch.conf.at("spark.livy.driver.kind") == "shared");
  CHECK(launch.conf.at("spark.livy.driver.secret").size() == 64);
  CHECK(launch.conf.at("spark.livy.driver.fingerprint").size() == 64);
  CHECK(launch.conf.at("spark.livy.driver.servers").starts_with("127.0.0.1:"));
}

TEST_CASE("livy.rsc settings of a request are for its session, and none of Spark's") {
  Fixture f;
  const HttpResponse created =
      f.Send("POST", "/sessions",
             R"({"conf":{"livy.rsc.sql.num-rows":"5","livy.rsc.job-cancel.timeout":"2s",
                  "livy.rsc.server.idle-timeout":"1m","livy.rsc.other":"x","spark.x":"y"}})");
  CHECK(created.body.find(R"("livy.rsc.other":"x")") != std::string::npos);
  const std::map<std::string, std::string>& conf = f.launcher.requests.at(0).conf;
  CHECK(conf.at("spark.livy.driver.sqlRowsMax") == "5");
  CHECK(conf.at("spark.livy.driver.cancelMillis") == "2000");
  CHECK(conf.at("spark.livy.driver.serverLostMillis") == "60000");
  CHECK(conf.at("spark.x") == "y");
  for (const auto& [key, value] : conf)
    CHECK_FALSE(key.starts_with("livy."));
  const HttpResponse refused =
      f.Send("POST", "/sessions", R"({"conf":{"livy.rsc.sql.num-rows":"all"}})");
  CHECK(refused.status == 400);
  CHECK(refused.body == R"({"msg":"Rejected, Reason: livy.rsc.sql.num-rows = all: )"
                        R"(it must be a number from 1 to 1000000."})");
  CHECK(f.launcher.requests.size() == 1);
}

TEST_CASE("what cannot be served is refused with Livy's status and form") {
  Fixture f;
  f.Send("POST", "/sessions", R"({"name":"taken"})");
  struct Row {
    const char* method;
    const char* target;
    const char* body;
    int status;
    const char* answer;
  };
  const Row rows[] = {
      {"GET", "/sessions?from=abc", "", 400, R"({"msg":"For input string: \"abc\""})"},
      {"GET", "/sessions?size=", "", 400, R"({"msg":"For input string: \"\""})"},
      {"GET", "/sessions?from=99999999999", "", 400,
       R"({"msg":"For input string: \"99999999999\""})"},
      {"GET", "/sessions/7", "", 404, R"({"msg":"Session '7' not found."})"},
      {"GET", "/sessions/-1", "", 404, R"({"msg":"Session '-1' not found."})"},
      {"GET", "/sessions/n%20x", "", 404, R"({"msg":"Session 'n x' not found."})"},
      {"GET", "/sessions/99999999999", "", 400, R"({"msg":"For input string: \"99999999999\""})"},
      {"GET", "/sessions/0/", "", 404, ""},
      {"PUT", "/sessions", "{}", 405, ""},
      {"POST", "/sessions/7/statements", "{}", 404, R"({"msg":"Session '7' not found."})"},
      {"POST", "/sessions", "", 400, R"("No content to map due to end-of-input")"},
      {"POST", "/sessions", R"({"kind":"cobol"})", 400, R"("Invalid kind: cobol")"},
      {"POST", "/sessions", R"({"name":"123"})", 400,
       R"({"msg":"Rejected, Reason: Invalid session name: 123"})"},
      {"POST", "/sessions", R"({"name":"taken"})", 400,
       R"({"msg":"Rejected, Reason: Duplicate session name: Some(taken) for session 2"})"},
      {"POST", "/sessions", R"({"ttl":"abc"})", 400,
       R"({"msg":"Rejected, Reason: Invalid time string: abc"})"},
      {"POST", "/sessions", R"({"jars":["x.jar"]})", 400,
       R"({"msg":"Rejected, Reason: requirement failed: Path 'x.jar' is not absolute."})"},
      {"GET", "/sessions/0/statements/0", "", 404, R"("Statement not found")"},
      {"GET", "/sessions/0/statements/x", "", 400, R"({"msg":"For input string: \"x\""})"},
      {"GET", "/sessions/0/statements?from=x", "", 400, R"({"msg":"For input string: \"x\""})"},
      {"GET", "/sessions/0/statements/0?wait=x", "", 400, R"({"msg":"Invalid time string: x"})"},
      {"POST", "/sessions/0/statements", R"({"code":"1","kind":"cobol"})", 400,
       R"("Invalid kind: cobol")"},
      {"POST", "/sessions/0/statements", R"({"code":"1"})", 400,
       R"("Code type should be specified if session kind is shared")"},  // T4
      {"POST", "/sessions/0/statements", "{}", 400, R"("Field \"code\" is required")"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.method);
    CAPTURE(row.target);
    CAPTURE(row.body);
    const HttpResponse answer = f.Send(row.method, row.target, row.body);
    CHECK(answer.status == row.status);
    CHECK(answer.body == row.answer);
    CHECK(FindHeader(answer.headers, "Content-Type") == "application/json;charset=utf-8");
  }
  CHECK(f.launcher.requests.size() == 1);
}

TEST_CASE("a wrong method is told which ones are right") {
  Fixture f;
  const HttpResponse answer = f.Send("OPTIONS", "/sessions");
  CHECK(answer.status == 405);
  const auto allow = FindHeader(answer.headers, "Allow");
  REQUIRE(allow);
  for (const char* method : {"GET", "HEAD", "POST"}) {
    CHECK(allow->find(method) != std::string_view::npos);
  }
}

TEST_CASE("ids are consumed by refused requests that were JSON, and by no others") {
  Fixture f;
  f.Send("POST", "/sessions", "{");
  f.Send("POST", "/sessions", R"({"name":"1"})");
  CHECK(f.Send("POST", "/sessions", "{}").body.starts_with(R"({"id":1,)"));
}

TEST_CASE("a session that cannot be stored is not started") {
  Fixture f;
  f.backing.failure = Error{ErrorCode::kUnavailable, "The disk is full."};
  const HttpResponse refused = f.Send("POST", "/sessions", R"({"name":"n"})");
  CHECK(refused.status == 503);
  CHECK(refused.body == R"({"msg":"The disk is full."})");
  CHECK(f.launcher.requests.empty());
  f.backing.failure.reset();
  CHECK(f.Send("POST", "/sessions", R"({"name":"n"})").status == 201);
}

TEST_CASE("what can never be launched is refused with the launcher's reason, and nothing is left") {
  Fixture f({.creations_max = 1});
  const std::pair<const char*, const char*> requests[] = {
      {"/sessions", R"({"name":"n"})"}, {"/batches", R"({"name":"n","file":"hdfs:/p"})"}};
  for (const auto& [collection, body] : requests) {
    CAPTURE(collection);
    f.launcher.refusal = Error{ErrorCode::kInvalidArgument, "spark.b has '${'."};
    const HttpResponse refused = f.Send("POST", collection, body);
    CHECK(refused.status == 400);
    CHECK(refused.body == R"({"msg":"Rejected, Reason: spark.b has '${'."})");
    CHECK(f.Get(collection).body.find(R"("total":0)") != std::string::npos);
    f.launcher.refusal.reset();
    CHECK(f.Send("POST", collection, body).status == 201);
    f.End(f.launcher.processes.size() - 1);
  }
  CHECK(f.launcher.requests.size() == 2);
}

TEST_CASE("no more sessions than allowed run at once") {
  Fixture f({.creations_max = 1});
  CHECK(f.Send("POST", "/sessions", "{}").status == 201);
  const HttpResponse refused = f.Send("POST", "/sessions", "not even JSON");
  CHECK(refused.status == 400);
  CHECK(refused.body == R"({"msg":"Rejected, too many sessions are being created!"})");
  f.End(0);
  CHECK(f.Send("POST", "/sessions", "{}").status == 201);
}

TEST_CASE("of two requests at once only one has the last place, and who is refused leaves it") {
  Fixture f({.creations_max = 1});
  HttpResponse second;
  f.access.on_next_proxy = [&] { second = f.Send("POST", "/batches", R"({"file":"hdfs:/p"})"); };
  CHECK(f.Send("POST", "/sessions", R"({"conf":{"spark.master":"local"},"name":"1"})").status ==
        400);
  CHECK(second.body == R"({"msg":"Rejected, too many sessions are being created!"})");
  CHECK(f.Send("POST", "/sessions", "not even JSON").status == 400);
  CHECK(f.Send("POST", "/batches", R"({"file":"hdfs:/p"})").status == 201);
}

TEST_CASE("pages of sessions are cut as Livy cuts them") {
  Fixture f;
  for (int i = 0; i < 5; ++i)
    f.Send("POST", "/sessions", "{}");
  const auto ids = [&](const std::string& query) {
    const JsonValue page = ParseJson(f.Get("/sessions" + query).body).value();
    std::string found;
    for (const JsonValue& session : page.Find("sessions")->items()) {
      found += session.Find("id")->text();
    }
    return found;
  };
  CHECK(ids("") == "01234");
  CHECK(ids("?from=1&size=2") == "12");
  CHECK(ids("?from=-1&size=2") == "0");
  CHECK(ids("?from=9") == "");
  CHECK(ids("?size=0") == "");
  CHECK(ids("?size=-1") == "");
  CHECK(ids("?from=2147483647&size=2147483647") == "");
}

TEST_CASE("a statement goes its way over REST") {
  Fixture f;
  f.StartIdle();
  const HttpResponse posted = f.Send("POST", "/sessions/0/statements", R"({"code":"1+1"})");
  CHECK(posted.status == 201);
  CHECK(FindHeader(posted.headers, "Location") == "/sessions/0/statements/0");
  CHECK(posted.body == R"({"id":0,"code":"1+1","state":"waiting","output":null,"progress":0.0,)"
                       R"("started":0,"completed":0})");
  const Statement::Time at(std::chrono::milliseconds(5));
  f.Happens(
      {{.number = 2, .what = StartedEvent{.id = 0, .at = at}},
       {.number = 3, .what = FinishedEvent{.id = 0, .at = at, .output_json = R"({"x":1.50})"}}});
  constexpr char kDone[] =
      R"({"id":0,"code":"1+1","state":"available","output":{"x":1.50},"progress":1.0,)"
      R"("started":5,"completed":5})";
  CHECK(f.Get("/sessions/0/statements/0").body == kDone);
  CHECK(f.Get("/sessions/0/statements").body ==
        std::string(R"({"total_statements":1,"statements":[)") + kDone + "]}");
  CHECK(f.Send("POST", "/sessions/0/statements/0/cancel").body == R"({"msg":"canceled"})");
}

TEST_CASE("a client that asks to wait is answered when the statement is final") {
  Fixture f;
  f.StartIdle();
  f.Send("POST", "/sessions/0/statements", R"({"code":"1"})");
  const auto waiting = f.Start({.target = "/sessions/0/statements/0?wait=30s"});
  const auto left = f.Start({.target = "/sessions/0/statements/0?wait=30s"});
  CHECK_FALSE(waiting->response);
  REQUIRE(left->gone);
  left->gone();
  const Statement::Time at(std::chrono::milliseconds(5));
  f.Happens({{.number = 2, .what = StartedEvent{.id = 0, .at = at}}});
  CHECK_FALSE(waiting->response);
  f.Happens({{.number = 3, .what = FinishedEvent{.id = 0, .at = at, .output_json = "{}"}}});
  REQUIRE(waiting->response);
  CHECK(waiting->response->body.find(R"("state":"available")") != std::string::npos);
  CHECK(FindHeader(waiting->response->headers, "Livy-Wait") == "30000ms");
  CHECK_FALSE(left->response);
}

TEST_CASE("a client that waits for a session is answered when it is idle or has ended") {
  Fixture f;
  f.Send("POST", "/sessions", "{}");
  const auto idle = f.Start({.target = "/sessions/0?wait=9000000000s"});
  CHECK_FALSE(idle->response);
  f.Happens({{.number = 1, .what = StateEvent{.state = SessionState::kIdle}}});
  REQUIRE(idle->response);
  CHECK(FindHeader(idle->response->headers, "Livy-Wait") == "60000ms");

  f.Send("POST", "/sessions", "{}");
  const auto ended = f.Start({.target = "/sessions/1/state?wait=30s"});
  f.End(1);
  REQUIRE(ended->response);
  CHECK(ended->response->body == R"({"id":1,"state":"dead"})");
}

TEST_CASE("nobody waits for a statement that cannot be") {
  Fixture f;
  f.StartIdle();
  for (const char* id : {"-1", "-2", "99"}) {
    CAPTURE(id);
    const HttpResponse answer = f.Get(std::string("/sessions/0/statements/") + id + "?wait=30s");
    CHECK(answer.status == 404);
  }
}

TEST_CASE("deleting answers when the driver has ended, and once") {
  Fixture f;
  f.StartIdle();
  const auto first = f.Start({.method = "DELETE", .target = "/sessions/0"});
  const auto second = f.Start({.method = "DELETE", .target = "/sessions/0"});
  CHECK_FALSE(first->response);
  CHECK(f.Get("/sessions/0/state").body == R"({"id":0,"state":"shutting_down"})");
  f.End(0);
  CHECK(first->response.value().body == R"({"msg":"deleted"})");
  CHECK(second->response.value().status == 404);
  CHECK(second->response.value().body == R"({"msg":"Session 0 already stopped."})");
  CHECK(f.Get("/sessions/0").status == 404);
  CHECK(f.store.LoadSession(0)->removal.has_value());
}

TEST_CASE("a stopped session stays listed as dead and takes nothing more") {
  Fixture f;
  f.StartIdle();
  const auto stop = f.Start({.method = "POST", .target = "/sessions/0/stop"});
  f.End(0);
  CHECK(stop->response.value().status == 204);
  CHECK(f.Get("/sessions/0/state").body == R"({"id":0,"state":"dead"})");
  CHECK(f.Get("/sessions/0/statements").body ==
        R"({"msg":"requirement failed: Session isn't active."})");
  CHECK(f.Send("POST", "/sessions/0/statements", R"({"code":"1"})").body ==
        R"("java.lang.IllegalStateException: Session is in state dead")");
  CHECK(f.Send("POST", "/sessions/0/stop").status == 204);
  CHECK(f.Send("DELETE", "/sessions/0").body == R"({"msg":"deleted"})");
}

TEST_CASE(
    "a session that has ended says why, and what its driver wrote only to those who may see") {
  Fixture f;
  const HttpHeaders ada = {{"X-User", "ada"}};
  f.Send("POST", "/sessions", "{}", ada);
  f.Send("POST", "/sessions", "{}", ada);
  CHECK(f.Get("/sessions/0").body.find("endReason") == std::string::npos);
  f.launcher.processes.at(0)->lines.push_back("no memory");
  f.launcher.processes.at(0)->observer(
      {.state = ApplicationState::kFailed, .reason = "It exited.", .exit_code = 1});
  constexpr char kWhole[] = R"("queue":null,"endReason":"It exited.\nno memory","exitCode":1})";
  constexpr char kShort[] = R"("queue":null,"endReason":"It exited.","exitCode":1})";
  CHECK(f.Get("/sessions/0", ada).body.ends_with(kWhole));
  CHECK(f.Get("/sessions/0", {{"X-User", "bob"}}).body.ends_with(kShort));
  CHECK(f.Get("/sessions", {{"X-User", "bob"}}).body.find(kShort) != std::string::npos);

  f.Start({.method = "POST", .target = "/sessions/1/stop", .headers = ada});
  f.End(1);
  CHECK(f.Get("/sessions/1").body.ends_with(R"("endReason":"stopped by ada"})"));
}

TEST_CASE("POST can stand for another method") {
  Fixture f;
  f.StartIdle();
  const auto exchange = f.Start({.method = "POST",
                                 .target = "/sessions/0",
                                 .headers = {{"X-HTTP-Method-Override", "delete"}}});
  f.End(0);
  CHECK(exchange->response.value().body == R"({"msg":"deleted"})");
  CHECK(f.Send("POST", "/sessions?_method=GET").body == R"({"from":0,"total":0,"sessions":[]})");
}

TEST_CASE("an unknown API version is refused, others are not looked at") {
  Fixture f;
  CHECK(f.Get("/sessions", {{"Accept", "application/vnd.livy.v0.2+json"}}).status == 406);
  CHECK(f.Get("/sessions", {{"Accept", "application/vnd.livy.v0.2+json"}}).body ==
        R"({"msg":"No value found for '0.2'"})");
  CHECK(f.Get("/sessions", {{"Accept", "application/vnd.livy.v0.1+json"}}).status == 200);
  CHECK(f.Get("/version", {{"Accept", "application/vnd.livy.v0.2+json"}}).status == 200);
}

TEST_CASE("who may not see or touch a session is told so, and nothing else") {
  Fixture f;
  const HttpHeaders ada = {{"X-User", "ada"}};
  const HttpHeaders bob = {{"X-User", "bob"}};
  const HttpHeaders guest = {{"X-User", "guest"}};
  const HttpHeaders root = {{"X-User", "root"}};
  CHECK(f.Send("POST", "/sessions", "{}", ada).body.find(R"("owner":"ada")") != std::string::npos);

  CHECK(f.Get("/sessions/0", bob).body.find(R"("log":[])") != std::string::npos);
  CHECK(f.Get("/sessions", bob).body.find(R"("log":[])") != std::string::npos);
  CHECK(f.Get("/sessions/0", guest).body.find("stdout: ") != std::string::npos);
  CHECK(f.Get("/sessions/0/log", bob).status == 403);
  CHECK(f.Get("/sessions/0/log", bob).body == "{}");
  CHECK(f.Get("/sessions/0/log", guest).status == 200);
  CHECK(f.Send("DELETE", "/sessions/0", "", guest).status == 403);
  CHECK(f.Get("/sessions/0/log?doAs=ada", root).status == 200);
  CHECK(f.Get("/sessions/0/log?doAs=ada", bob).body ==
        R"({"msg":"User 'bob' not allowed to impersonate 'Some(ada)'."})");
  CHECK(f.Get("/sessions", {{"X-User", "nobody"}}).status == 403);
  CHECK(f.Get("/sessions", {{"X-User", ""}}).status == 401);
}

TEST_CASE("the proxy user is whom the query names, else whom the body names") {
  Fixture f;
  const HttpHeaders root = {{"X-User", "root"}};
  f.Send("POST", "/sessions?doAs=ada", R"({"proxyUser":"bob"})", root);
  f.Send("POST", "/sessions", R"({"proxyUser":"bob"})", root);
  CHECK(f.launcher.requests.at(0).proxy_user == "ada");
  CHECK(f.launcher.requests.at(1).proxy_user == "bob");
  CHECK(f.Send("POST", "/sessions", R"({"proxyUser":"bob"})", {{"X-User", "ada"}}).status == 403);
}

TEST_CASE("T8: requests for a session are its heartbeat, and one that waits is for as long") {
  Fixture f;
  const auto pass = [&](std::chrono::seconds time) {
    std::promise<void> passed;
    f.clock.Advance(time);
    f.timer.After(Clock::Duration::zero(), [&] { passed.set_value(); });
    passed.get_future().wait();
    return *ParseJson(f.Get("/sessions").body)
                ->Find("sessions")
                ->items()[0]
                .Find("state")
                ->AsString();
  };
  using std::chrono::seconds;
  f.StartIdle(R"({"kind":"spark","heartbeatTimeoutInSecond":2})");
  f.Send("POST", "/sessions/0/statements", R"({"code":"1"})");
  for (const char* path : {"", "/state", "/log", "/statements", "/statements/0"}) {
    CAPTURE(std::string_view(path));
    CHECK(pass(seconds(1)) == "busy");
    f.Get(std::string("/sessions/0") + path);
  }
  const auto waiting = f.Start({.target = "/sessions/0/statements/0?wait=50s"});
  CHECK(pass(seconds(49)) == "busy");
  waiting->gone();
  CHECK(pass(seconds(1)) == "busy");
  f.Get("/sessions/0/log", {{"X-User", "bob"}});  // Refused, so it is none.
  CHECK(pass(seconds(1)) == "shutting_down");
  f.End(0);
  CHECK(f.Get("/sessions/0").body.find(R"("endReason":"no heartbeat for 2s")") !=
        std::string::npos);
  CHECK(pass(std::chrono::minutes(9)) == "dead");
}

TEST_CASE("an ended session is forgotten after the retain time") {
  Fixture f;
  f.Send("POST", "/sessions", R"({"name":"n"})");
  f.End(0);
  std::promise<void> passed;
  f.timer.After(std::chrono::minutes(10), [&] { passed.set_value(); });
  CHECK(f.Get("/sessions/0").status == 200);
  f.clock.Advance(std::chrono::minutes(10));
  passed.get_future().wait();
  CHECK(f.Get("/sessions/0").status == 404);
  CHECK(f.Send("POST", "/sessions", R"({"name":"n"})").status == 201);
}

}  // namespace
}  // namespace livy::internal
