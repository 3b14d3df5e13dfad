// YARN and standalone masters over HTTP, played by servers of the test's.
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "launch/standalone_cluster.h"
#include "launch/yarn_cluster.h"
#include "scripted_server.h"

namespace livy::internal {
namespace {

using testing::Json;
using testing::NoUrl;
using testing::ScriptedServer;
using enum ApplicationState;
using Texts = std::vector<std::string>;

constexpr std::chrono::seconds kTimeout{10};

std::string YarnApp(std::string_view tag, std::string_view id, std::string_view state,
                    std::string_view final_status, std::string_view more = "") {
  return fmt::format(R"({{"id":"{}","applicationTags":"{}","state":"{}","finalStatus":"{}"{}}})",
                     id, tag, state, final_status, more);
}

TEST_CASE("only what YARN calls finished and succeeded is a success, whatever the pair") {
  const Texts states = {"NEW",     "NEW_SAVING", "SUBMITTED", "ACCEPTED",
                        "RUNNING", "FINISHED",   "FAILED",    "KILLED"};
  const Texts finals = {"UNDEFINED", "SUCCEEDED", "FAILED", "KILLED"};
  const std::map<std::pair<std::string, std::string>, ApplicationState> good = {
      {{"NEW", "UNDEFINED"}, kStarting},       {{"NEW_SAVING", "UNDEFINED"}, kStarting},
      {{"SUBMITTED", "UNDEFINED"}, kStarting}, {{"ACCEPTED", "UNDEFINED"}, kStarting},
      {{"RUNNING", "UNDEFINED"}, kRunning},    {{"RUNNING", "SUCCEEDED"}, kRunning},
      {{"FINISHED", "SUCCEEDED"}, kFinished},  {{"KILLED", "KILLED"}, kKilled}};
  for (const std::string& state : states) {
    for (const std::string& final_status : finals) {
      CAPTURE(state);
      CAPTURE(final_status);
      const auto found = good.find({state, final_status});
      CHECK(YarnState(state, final_status) == (found == good.end() ? kFailed : found->second));
    }
  }
}

TEST_CASE("one question to YARN tells of all applications, by their tags") {
  ScriptedServer server([](const HttpRequest&) {
    return Json(
        R"({"apps":{"app":[)" +
        YarnApp("red,tag-2", "application_1_0002", "RUNNING", "UNDEFINED",
                R"(,"trackingUrl":"http://ui","amContainerLogs":"http://logs","diagnostics":"")") +
        "," +
        YarnApp("tag-3", "application_1_0003", "FINISHED", "FAILED",
                R"(,"trackingUrl":"http://ui3","amContainerLogs":"http://logs3",)"
                R"("diagnostics":"\nUser class threw\nexited with exitCode: 13\n")") +
        "]}}");
  });
  YarnCluster cluster({server.url()}, "ada", kTimeout);
  const Cluster::Reports reports =
      cluster.Ask({{.tag = "tag-1"}, {.tag = "Tag-2"}, {.tag = "tag-3"}}).value();
  REQUIRE(reports.size() == 3);
  CHECK_FALSE(reports[0]);
  CHECK((*reports[1] ==
         ClusterReport{.app_id = "application_1_0002",
                       .state = kRunning,
                       .info = {.driver_log_url = "http://logs", .spark_ui_url = "http://ui"}}));
  CHECK((*reports[2] ==
         ClusterReport{
             .app_id = "application_1_0003",
             .state = kFailed,
             .info = {.spark_ui_url = "http://ui3"},
             .reason = "application_1_0003 ended on YARN as FINISHED, FAILED: User class threw",
             .exit_code = 13,
             .diagnostics = {"", "User class threw", "exited with exitCode: 13"}}));
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].target ==
        "/ws/v1/cluster/apps?applicationTags=tag-1,tag-2,tag-3&user.name=ada");
}

TEST_CASE("YARN without applications answers null, and many are asked for in several questions") {
  ScriptedServer server([](const HttpRequest&) { return Json(R"({"apps":null})"); });
  YarnCluster cluster({server.url()}, "ada", kTimeout);
  const std::vector<ClusterKey> keys(250, ClusterKey{.tag = "tag"});
  CHECK(cluster.Ask(keys).value() == Cluster::Reports(250));
  CHECK(server.requests().size() == 3);
}

TEST_CASE("a ResourceManager on standby, or none, is passed over and not asked first again") {
  ScriptedServer standby([](const HttpRequest&) {
    return HttpResponse{.status = 307, .headers = {{"Location", "http://other/"}}};
  });
  ScriptedServer active([](const HttpRequest&) { return Json(R"({"apps":null})"); });
  YarnCluster cluster({NoUrl(), standby.url(), active.url()}, "ada", kTimeout);
  CHECK(cluster.Ask({{.tag = "a"}}));
  CHECK(cluster.Ask({{.tag = "a"}}));
  CHECK(standby.requests().size() == 1);
  CHECK(active.requests().size() == 2);
  CHECK(cluster.Describe() == "YARN at " + active.url());
}

TEST_CASE("a cluster that answers nonsense, with an error, or not at all has not been asked") {
  ScriptedServer nonsense([](const HttpRequest&) { return Json("<html>"); });
  ScriptedServer error([](const HttpRequest&) { return HttpResponse{.status = 500}; });
  for (const std::string& url : {nonsense.url(), error.url(), NoUrl()}) {
    CAPTURE(url);
    YarnCluster yarn({url}, "ada", kTimeout);
    const auto asked = yarn.Ask({{.tag = "a"}});
    REQUIRE_FALSE(asked);
    CHECK(asked.error().code == ErrorCode::kUnavailable);
    StandaloneCluster standalone({url}, kTimeout);
    CHECK_FALSE(standalone.Ask({{.app_id = "a"}}));
  }
}

TEST_CASE("YARN is told to end an application, and what it refuses is an error") {
  int status = 202;
  ScriptedServer server([&](const HttpRequest&) { return HttpResponse{.status = status}; });
  YarnCluster cluster({server.url()}, "ada", kTimeout);
  CHECK(cluster.Kill({.app_id = "application_1_0002"}));
  const HttpRequest request = server.requests().at(0);
  CHECK(request.method == "PUT");
  CHECK(request.target == "/ws/v1/cluster/apps/application_1_0002/state?user.name=ada");
  CHECK(request.body == R"({"state":"KILLED"})");
  status = 403;
  CHECK(cluster.Kill({.app_id = "application_1_0002"}).error().code ==
        ErrorCode::kPermissionDenied);
}

TEST_CASE("a standalone master tells of drivers by their ids") {
  ScriptedServer standby([](const HttpRequest&) { return Json(R"({"status":"STANDBY"})"); });
  ScriptedServer master([](const HttpRequest&) {
    return Json(R"({"status":"ALIVE","workers":[{"id":"w-1","webuiaddress":"http://w:8081"}],
      "activedrivers":[{"id":"driver-1","state":"RUNNING","worker":"w-1"}],
      "completeddrivers":[{"id":"driver-2","state":"FAILED","worker":"gone"}]})");
  });
  StandaloneCluster cluster({standby.url(), master.url()}, kTimeout);
  const Cluster::Reports reports =
      cluster.Ask({{.app_id = "driver-2"}, {.app_id = ""}, {.app_id = "driver-1"}}).value();
  CHECK((*reports[0] ==
         ClusterReport{.app_id = "driver-2",
                       .state = kFailed,
                       .reason = "driver-2 ended on the standalone cluster as FAILED"}));
  CHECK_FALSE(reports[1]);
  CHECK(reports[2]->state == kRunning);
  CHECK(reports[2]->info.driver_log_url ==
        "http://w:8081/logPage/?driverId=driver-1&logType=stdout");
  CHECK(reports[2]->location.log_host == "http://w:8081");
  CHECK(master.requests()[0].target == "/json/");
}

TEST_CASE("a worker shows a driver's log: its output, and then its errors from a whole line on") {
  int status = 200;
  ScriptedServer worker([&](const HttpRequest& request) {
    const bool is_out = request.target.find("logType=stdout") != std::string::npos;
    return HttpResponse{.status = status,
                        .body = is_out ? "==== Bytes 0-5 of 5 of /w/driver-1/stdout ====\ndone"
                                       : "==== Bytes 7-60 of 60 of /w/driver-1/stderr ====\n"
                                         "ft of a line\njava.lang.OutOfMemoryError\n"};
  });
  StandaloneCluster cluster({NoUrl()}, kTimeout);
  const ClusterReport driver = {.app_id = "driver-1", .location = {.log_host = worker.url()}};
  CHECK(cluster.DriverLog(driver).value() == "done\njava.lang.OutOfMemoryError\n");
  CHECK(worker.requests()[0].target == "/log/?driverId=driver-1&logType=stdout&byteLength=262144");
  status = 500;
  CHECK(cluster.DriverLog(driver).error().code == ErrorCode::kUnavailable);
  CHECK(cluster.DriverLog({.app_id = "driver-1"}).error().code == ErrorCode::kNotFound);
}

TEST_CASE("what a worker writes itself above a driver's errors is left out") {
  ScriptedServer worker([](const HttpRequest&) {
    return HttpResponse{.body =
                            "==== Bytes 0-70 of 70 of /w/driver-1/stderr ====\n"
                            "Launch Command: \"java\" \"-Dspark.a=b\"\n"
                            "========================================\n\nINFO begun\n"};
  });
  StandaloneCluster cluster({NoUrl()}, kTimeout);
  CHECK(cluster.DriverLog({.app_id = "driver-1", .location = {.log_host = worker.url()}}).value() ==
        "INFO begun\nINFO begun\n");
}

TEST_CASE("a worker that has no such log shows none") {
  ScriptedServer worker([](const HttpRequest&) {
    return HttpResponse{.body =
                            "==== Bytes 0-0 of 0 of /w/driver-1/stderr ====\n"
                            "Error: invalid log directory /w/driver-1/"};
  });
  StandaloneCluster cluster({NoUrl()}, kTimeout);
  CHECK(cluster.DriverLog({.app_id = "driver-1", .location = {.log_host = worker.url()}}).value() ==
        "");
}

TEST_CASE("a standalone master ends a driver by the form on its page") {
  ScriptedServer master([](const HttpRequest&) {
    return HttpResponse{.status = 302, .headers = {{"Location", "/"}}};
  });
  StandaloneCluster cluster({master.url()}, kTimeout);
  CHECK(cluster.Kill({.app_id = "driver-1"}));
  CHECK(master.requests()[0].method == "POST");
  CHECK(master.requests()[0].target == "/driver/kill/");
  CHECK(master.requests()[0].body == "id=driver-1&terminate=true");
}

TEST_CASE("a driver's id is found in what spark-submit writes") {
  struct Row {
    const char* line;
    std::optional<std::string> id;
  };
  const Row rows[] = {
      {"INFO ClientEndpoint: Driver successfully submitted as driver-20260102030405-0006",
       "driver-20260102030405-0006"},
      {"  \"submissionId\" : \"driver-20260102030405-12345\",", "driver-20260102030405-12345"},
      {"INFO RestSubmissionClient: Submission successfully created as driver-20260102030405-1. ...",
       "driver-20260102030405-1"},
      {"Ignoring non-Spark config property: driver-20260102030405-1", std::nullopt},
      {"Driver successfully submitted as driver-2026-1", std::nullopt},
      {"Driver successfully submitted as driver-20260102030405-", std::nullopt},
      {"Driver successfully submitted as driver-20260102030405", std::nullopt},
      {"", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.line);
    CHECK(StandaloneIdIn(row.line) == row.id);
  }
}

TEST_CASE("states of standalone drivers are what Spark calls them") {
  CHECK(StandaloneState("SUBMITTED") == kStarting);
  CHECK(StandaloneState("RELAUNCHING") == kStarting);
  CHECK(StandaloneState("RUNNING") == kRunning);
  CHECK(StandaloneState("FINISHED") == kFinished);
  CHECK(StandaloneState("KILLED") == kKilled);
  CHECK(StandaloneState("FAILED") == kFailed);
  CHECK(StandaloneState("ERROR") == kFailed);
}

TEST_CASE("a master's web page is at its usual port") {
  CHECK(WebPagesOf("spark://a:7077,b:7078") == Texts{"http://a:8080", "http://b:8080"});
}

}  // namespace
}  // namespace livy::internal
