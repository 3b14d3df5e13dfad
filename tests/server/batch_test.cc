// Batches over REST, with a launcher whose applications do what the test says.
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "server/rest_fixture.h"

namespace livy::internal {
namespace {

using enum ApplicationState;

struct Fixture : RestFixture {
  using RestFixture::RestFixture;

  HttpResponse Submit(std::string body = R"({"file":"hdfs:/pi.py"})", HttpHeaders headers = {}) {
    return Send("POST", "/batches", std::move(body), std::move(headers));
  }
  // What the launcher tells of the application that it launched as number `process`.
  void Tell(std::size_t process, const ApplicationStatus& status) {
    launcher.processes.at(process)->observer(status);
  }
  std::string State(int id) {
    return *ParseJson(Get("/batches/" + std::to_string(id) + "/state").body)
                ->Find("state")
                ->AsString();
  }
  std::optional<std::string> Stored(int id) {
    return backing.Get("v1/batch/" + std::to_string(id)).value();
  }
};

constexpr char kNewBatch[] =
    R"({"id":0,"name":"pi","owner":null,"proxyUser":null,"state":"starting","appId":null,)"
    R"("appInfo":{"driverLogUrl":null,"sparkUiUrl":null,"executorLogUrls":null},)"
    R"("log":["stdout: ","\nstderr: "]})";

TEST_CASE("a batch is created and shown as Livy shows it") {
  Fixture f;
  const HttpResponse created = f.Submit(R"({"file":"hdfs:/pi.py","name":"pi"})");
  CHECK(created.status == 201);
  CHECK(created.body == kNewBatch);
  CHECK(FindHeader(created.headers, "Location") == "/batches/0");
  CHECK(f.Get("/batches/0").body == kNewBatch);
  CHECK(f.Get("/batches/pi").body == kNewBatch);
  CHECK(f.Get("/batches").body ==
        std::string(R"({"from":0,"total":1,"sessions":[)") + kNewBatch + "]}");
  CHECK(f.Get("/batches/0/state").body == R"({"id":0,"state":"starting"})");
  CHECK(f.Get("/batches/0/log").body ==
        R"({"id":0,"from":0,"total":2,"log":["stdout: ","\nstderr: "]})");
  CHECK(f.Get("/sessions").body == R"({"from":0,"total":0,"sessions":[]})");
}

TEST_CASE("a batch is launched with all that its request asks for") {
  Fixture f;
  f.Submit(R"({"file":"hdfs:/pi.jar","className":"com.example.Pi","args":["a b","",7,true],
               "proxyUser":"ada","jars":["hdfs:/a.jar"],"pyFiles":["hdfs:/b.py"],
               "files":["hdfs:/c"],"archives":["hdfs:/d.zip"],"driverMemory":"1g",
               "driverCores":2,"executorMemory":"3g","executorCores":4,"numExecutors":5,
               "queue":"q","name":"pi",
               "conf":{"spark.app.name":"x","spark.x":"y","livy.x":"z","spark.jars":"hdfs:/e.jar"}})",
           {{"X-User", "root"}});
  REQUIRE(f.launcher.requests.size() == 1);
  const LaunchRequest& launch = f.launcher.requests[0];
  CHECK(launch.tag.starts_with("livy-batch-0-"));
  CHECK(launch.tag.size() == std::string("livy-batch-0-").size() + 8);
  CHECK(launch.name == "pi");
  CHECK(launch.file == "hdfs:/pi.jar");
  CHECK(launch.main_class == "com.example.Pi");
  CHECK(launch.args == std::vector<std::string>{"a b", "", "7", "true"});
  CHECK(launch.proxy_user == "ada");
  CHECK(launch.conf ==
        std::map<std::string, std::string>{{"spark.master", "local[*]"},
                                           {"spark.app.name", "pi"},
                                           {"spark.x", "y"},
                                           {"spark.jars", "hdfs:/a.jar,hdfs:/e.jar"},
                                           {"spark.submit.pyFiles", "hdfs:/b.py"},
                                           {"spark.files", "hdfs:/c"},
                                           {"spark.yarn.dist.archives", "hdfs:/d.zip"},
                                           {"spark.driver.memory", "1g"},
                                           {"spark.driver.cores", "2"},
                                           {"spark.executor.memory", "3g"},
                                           {"spark.executor.cores", "4"},
                                           {"spark.executor.instances", "5"},
                                           {"spark.yarn.queue", "q"}});
}

TEST_CASE("a batch without a name leaves its name to Spark") {
  Fixture f;
  f.Submit();
  CHECK(f.launcher.requests.at(0).name.empty());
  CHECK_FALSE(f.launcher.requests.at(0).conf.contains("spark.app.name"));
  CHECK_FALSE(f.launcher.requests.at(0).main_class);
}

TEST_CASE("a batch that cannot be is refused with Livy's words, and nothing is left of it") {
  struct Row {
    const char* body;
    const char* answer;
  };
  Fixture f;
  f.Submit(R"({"file":"hdfs:/pi.py","name":"taken"})");
  const Row rows[] = {
      {"", R"("No content to map due to end-of-input")"},
      {"{}", R"({"msg":"Rejected, Reason: requirement failed: File is required."})"},
      {R"({"file":""})", R"({"msg":"Rejected, Reason: requirement failed: File is required."})"},
      {R"({"file":"pi.py"})",
       R"({"msg":"Rejected, Reason: requirement failed: Path 'pi.py' is not absolute."})"},
      {R"({"file":"/etc/passwd"})",
       R"({"msg":"Rejected, Reason: requirement failed: Local path /etc/passwd cannot be added to user sessions."})"},
      {R"({"file":"hdfs:/p","jars":["x"]})",
       R"({"msg":"Rejected, Reason: requirement failed: Path 'x' is not absolute."})"},
      {R"({"file":"hdfs:/p","conf":{"spark.submit.deployMode":"cluster"}})",
       R"({"msg":"Rejected, Reason: Blacklisted configuration values in session config: spark.submit.deployMode"})"},
      {R"({"file":"hdfs:/p","name":"12"})",
       R"({"msg":"Rejected, Reason: Invalid session name: 12"})"},
      {R"({"file":"hdfs:/p","name":"taken"})",
       R"({"msg":"Rejected, Reason: Duplicate session name: Some(taken) for session 8"})"},
      {R"({"file":"hdfs:/p","args":"x"})",
       R"("Field \"args\": expected a list of strings, got a string")"},
      {R"({"file":"hdfs:/p","args":["a","b\u0000c"]})", R"("Field \"args\": a zero byte at 1")"},
      {R"({"file":"hdfs:/p","driverCores":"many"})",
       R"("Field \"driverCores\": expected a 32-bit integer, got a string")"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const HttpResponse answer = f.Submit(row.body);
    CHECK(answer.status == 400);
    CHECK(answer.body == row.answer);
  }
  for (const char* unknown : {"kind", "ttl", "idleTimeout", "heartbeatTimeoutInSecond", "foo"}) {
    const HttpResponse answer =
        f.Submit(std::string(R"({"file":"hdfs:/p",")") + unknown + R"(":null})");
    CHECK(answer.status == 400);
    CHECK(answer.body.starts_with(std::string(R"("Unrecognized field \")") + unknown));
  }
  CHECK(f.launcher.requests.size() == 1);
  CHECK(f.Get("/batches").body.find(R"("total":1)") != std::string::npos);
  CHECK(f.backing.Children("v1/batch").value() == std::vector<std::string>{"0", "state"});
  CHECK(f.Submit().body.starts_with(R"({"id":9,)"));
}

TEST_CASE("null in a batch's request counts as left out") {
  Fixture f;
  CHECK(f.Submit(R"({"file":"hdfs:/p","conf":null,"args":null,"jars":null,"name":null})").status ==
        201);
}

TEST_CASE("a batch that cannot be stored is not launched") {
  Fixture f;
  f.backing.failure = Error{ErrorCode::kUnavailable, "The disk is full."};
  CHECK(f.Submit(R"({"file":"hdfs:/p","name":"n"})").status == 503);
  f.backing.failure.reset();
  CHECK(f.launcher.requests.empty());
  CHECK(f.Submit(R"({"file":"hdfs:/p","name":"n"})").status == 201);
}

TEST_CASE("a batch ends as its application does") {
  struct Row {
    ApplicationState state;
    const char* shown;
  };
  const Row rows[] = {{kFinished, "success"}, {kFailed, "dead"}, {kKilled, "killed"}};
  for (const Row& row : rows) {
    CAPTURE(row.shown);
    Fixture f;
    f.Submit();
    f.Tell(0, {.state = kRunning});
    CHECK(f.State(0) == "running");
    f.Tell(0, {.state = row.state});
    CHECK(f.State(0) == row.shown);
    f.Tell(0, {.state = kFailed});
    f.Tell(0, {.state = kRunning});
    CHECK(f.State(0) == row.shown);
  }
}

TEST_CASE("a failed batch says why, and what it wrote only to those who may see") {
  Fixture f;
  f.Submit(R"({"file":"hdfs:/p"})", {{"X-User", "ada"}});
  f.launcher.processes.at(0)->lines = {"stdout: ", "26/11/21 03:27:06 INFO Spark: x",
                                       "ValueError: no", "\nstderr: "};
  f.Tell(0, {.state = kFailed, .reason = "spark-submit exited with status 3", .exit_code = 3});
  CHECK(
      f.Get("/batches/0", {{"X-User", "ada"}})
          .body.ends_with(
              R"("log":["stdout: ","26/11/21 03:27:06 INFO Spark: x","ValueError: no","\nstderr: "],)"
              R"("endReason":"spark-submit exited with status 3\nValueError: no","exitCode":3})"));
  const std::string hidden =
      R"("log":[],"endReason":"spark-submit exited with status 3","exitCode":3})";
  CHECK(f.Get("/batches/0", {{"X-User", "bob"}}).body.ends_with(hidden));
  CHECK(f.Get("/batches", {{"X-User", "bob"}}).body.ends_with(hidden + "]}"));
}

TEST_CASE("a batch that cannot be launched is dead, and its log says why") {
  Fixture f;
  f.launcher.failure = Error{ErrorCode::kUnavailable, "Cannot start 'spark-submit'."};
  CHECK(f.Submit().status == 201);
  CHECK(f.State(0) == "dead");
  CHECK(
      f.Get("/batches/0/log").body ==
      R"({"id":0,"from":0,"total":3,"log":["stdout: ","\nstderr: ","Cannot start 'spark-submit'."]})");
  f.launcher.failure.reset();
  CHECK(f.Submit().status == 201);
}

TEST_CASE("a batch shows what its cluster tells of the application, and stores its id") {
  Fixture f;
  f.Submit();
  f.Tell(0, {.state = kStarting, .app_id = "application_1_0001"});
  CHECK(f.State(0) == "starting");
  CHECK(f.Stored(0)->find(R"("appId":"application_1_0001")") != std::string::npos);
  f.Tell(0, {.state = kRunning,
             .info = {.driver_log_url = "http://log", .spark_ui_url = "http://ui"}});
  CHECK(
      f.Get("/batches/0")
          .body.find(
              R"("state":"running","appId":"application_1_0001","appInfo":{"driverLogUrl":"http://log","sparkUiUrl":"http://ui",)") !=
      std::string::npos);
}

TEST_CASE("deleting a batch kills its application, and answers when that has ended, once") {
  Fixture f;
  f.Submit();
  f.Tell(0, {.state = kRunning});
  const auto first = f.Start({.method = "DELETE", .target = "/batches/0"});
  const auto second = f.Start({.method = "DELETE", .target = "/batches/0"});
  CHECK_FALSE(first->response);
  CHECK(f.launcher.processes.at(0)->kills == 1);
  CHECK(f.State(0) == "running");
  f.Tell(0, {.state = kKilled});
  CHECK(first->response.value().body == R"({"msg":"deleted"})");
  CHECK(second->response.value().body == R"({"msg":"Session 0 already stopped."})");
  CHECK(f.Get("/batches/0").body == R"({"msg":"Session '0' not found."})");
  CHECK(f.backing.Children("v1/batch").value() == std::vector<std::string>{"state"});
  CHECK(f.Submit().body.starts_with(R"({"id":1,)"));
  f.Tell(1, {.state = kFinished});
  CHECK(f.Send("DELETE", "/batches/1").body == R"({"msg":"deleted"})");
}

TEST_CASE("stopping a batch kills its application, and leaves it listed") {
  Fixture f;
  f.Submit(R"({"file":"hdfs:/p"})", {{"X-User", "ada"}});
  const HttpHeaders ada = {{"X-User", "ada"}};
  CHECK(f.Send("POST", "/batches/0/stop", "", {{"X-User", "bob"}}).status == 403);
  const auto stop = f.Start({.method = "POST", .target = "/batches/0/stop", .headers = ada});
  CHECK_FALSE(stop->response);
  f.Tell(0, {.state = kKilled, .reason = "spark-submit was ended by signal 15"});
  CHECK(stop->response.value().status == 204);
  CHECK(f.Get("/batches/0").body.find(R"("state":"killed")") != std::string::npos);
  CHECK(f.Get("/batches/0").body.find(R"("endReason":"stopped by ada")") != std::string::npos);
  CHECK(f.Send("POST", "/batches/0/stop", "", ada).status == 204);
}

TEST_CASE("a client that waits for a batch is answered when it has ended") {
  Fixture f;
  f.Submit();
  const auto view = f.Start({.target = "/batches/0?wait=30s"});
  const auto state = f.Start({.target = "/batches/0/state?wait=30s"});
  const auto left = f.Start({.target = "/batches/0?wait=30s"});
  REQUIRE(left->gone);
  left->gone();
  f.Tell(0, {.state = kRunning});
  CHECK_FALSE(view->response);
  f.Tell(0, {.state = kFinished, .reason = "done", .exit_code = 0});
  REQUIRE(view->response);
  CHECK(view->response->body.find(R"("state":"success")") != std::string::npos);
  CHECK(FindHeader(view->response->headers, "Livy-Wait") == "30000ms");
  CHECK(state->response.value().body == R"({"id":0,"state":"success"})");
  CHECK_FALSE(left->response);
  CHECK(f.Get("/batches/0/state?wait=30s").body == R"({"id":0,"state":"success"})");
}

TEST_CASE("who may not see or touch a batch is told so, and nothing else") {
  Fixture f;
  const HttpHeaders bob = {{"X-User", "bob"}};
  f.Submit(R"({"file":"hdfs:/p"})", {{"X-User", "ada"}});
  CHECK(f.Get("/batches/0", bob).body.find(R"("log":[])") != std::string::npos);
  CHECK(f.Get("/batches/0/state", bob).status == 200);
  CHECK(f.Get("/batches/0/log", bob).status == 403);
  CHECK(f.Get("/batches/0/log", bob).body == "{}");
  CHECK(f.Send("DELETE", "/batches/0", "", bob).status == 403);
  CHECK(f.Get("/batches/0/log?doAs=ada", {{"X-User", "root"}}).status == 200);
  CHECK(f.Submit(R"({"file":"hdfs:/p","proxyUser":"ada"})", bob).body ==
        R"({"msg":"User 'bob' not allowed to impersonate 'Some(ada)'."})");
  CHECK(f.launcher.requests.size() == 1);
}

TEST_CASE("sessions and batches count together for the limit of applications") {
  Fixture f({.creations_max = 2});
  CHECK(f.Send("POST", "/sessions", "{}").status == 201);
  CHECK(f.Submit().status == 201);
  const std::string refused = R"({"msg":"Rejected, too many sessions are being created!"})";
  CHECK(f.Submit("not even JSON").body == refused);
  CHECK(f.Send("POST", "/sessions", "{}").body == refused);
  f.Tell(1, {.state = kFinished});
  CHECK(f.Submit().status == 201);
}

TEST_CASE("no more batches are listed than may be") {
  Fixture f({.batches_max = 1});
  f.Submit();
  f.Tell(0, {.state = kFinished});
  const HttpResponse refused = f.Submit();
  CHECK(refused.status == 429);
  CHECK(refused.body == R"({"msg":"There are 1 batches already."})");
}

TEST_CASE("a batch that has ended is forgotten after the retain time") {
  Fixture f;
  f.Submit(R"({"file":"hdfs:/p","name":"n"})");
  f.Tell(0, {.state = kFinished});
  std::promise<void> passed;
  f.timer.After(std::chrono::minutes(10), [&] { passed.set_value(); });
  CHECK(f.Get("/batches/n").status == 200);
  f.clock.Advance(std::chrono::minutes(10));
  passed.get_future().wait();
  CHECK(f.Get("/batches/n").status == 404);
  CHECK_FALSE(f.Stored(0));
  CHECK(f.Submit(R"({"file":"hdfs:/p","name":"n"})").status == 201);
}

TEST_CASE("paths of batches that are none, and methods") {
  struct Row {
    const char* method;
    const char* target;
    int status;
    const char* body;
  };
  Fixture f;
  f.Submit();
  const Row rows[] = {
      {"GET", "/batches/7", 404, R"({"msg":"Session '7' not found."})"},
      {"GET", "/batches/99999999999", 400, R"({"msg":"For input string: \"99999999999\""})"},
      {"GET", "/batches?from=x", 400, R"({"msg":"For input string: \"x\""})"},
      {"GET", "/batches/0/log?from=abc", 400, R"({"msg":"For input string: \"abc\""})"},
      {"GET", "/batches/0?wait=x", 400, R"({"msg":"Invalid time string: x"})"},
      {"GET", "/batches/0/", 404, ""},
      {"GET", "/batches/0/statements", 404, ""},
      {"POST", "/batches/0", 405, ""},
      {"PUT", "/batches/0", 405, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    const HttpResponse answer = f.Send(row.method, row.target, "{}");
    CHECK(answer.status == row.status);
    CHECK(answer.body == row.body);
  }
}

}  // namespace
}  // namespace livy::internal
