// The launcher over real processes and clusters of the test's.
#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <pthread.h>
#include <signal.h>
#include <string>
#include <sys/wait.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "launcher_fixture.h"
#include "scripted_server.h"

namespace livy {
namespace {

using testing::Eventually;
using testing::Recorder;
using testing::Variable;
using Fixture = testing::LauncherFixture;
using enum ApplicationState;
using Lines = std::vector<std::string>;

// Writes "ready", and succeeds when its gate is opened.
struct Gate {
  explicit Gate(testing::Scratch& scratch) : path(scratch.path() / "gate") {
    scratch.Write("gate", "");
  }
  void Open() const { std::filesystem::remove(path); }

  static constexpr const char* kScript =
      "echo ready; while [ -e \"$LIVY_TEST_GATE\" ]; do sleep 0.01; done";
  const std::filesystem::path path;
  const Variable variable{"LIVY_TEST_GATE", path.c_str()};
};

bool IsReady(const Application& application) {
  return Eventually([&] { return application.Log(0, -1).total > 2; });
}

// As a standalone master tells of drivers.
testing::ScriptedServer::Script Master(const std::string& drivers) {
  return [drivers](const HttpRequest&) {
    return testing::Json(R"({"status":"ALIVE","activedrivers":[)" + drivers + "]}");
  };
}

TEST_CASE("an adopted spark-submit whose driver's id is known is no failure when it has ended") {
  testing::ScriptedServer master(
      Master(R"({"id":"driver-20260102030405-0006","state":"RUNNING"})"));
  Fixture fixture(Gate::kScript);
  const Gate gate(fixture.spark.scratch);
  fixture.options.cluster.times.poll_interval = std::chrono::hours(1);
  fixture.options.cluster.standalone_urls = {master.url()};
  const std::unique_ptr<Application> submitting = fixture.Launch({.tag = "livy-batch-0-abc"});
  Recorder recovered;
  const auto application =
      fixture.launcher()
          .Recover("livy-batch-0-abc",
                   "standalone-cluster;;spark://a:7077;driver-20260102030405-0006;" +
                       submitting->Handle(),
                   recovered.observer())
          .value();
  gate.Open();
  fixture.recorder.WaitForEnd();
  CHECK(Eventually([&] { return recovered.states().size() > 1; }));
  CHECK(recovered.states() == std::vector{kStarting, kRunning});
}

TEST_CASE("what a driver writes in client mode names no driver of the cluster") {
  Fixture fixture("echo Driver successfully submitted as driver-20260102030405-0006");
  const std::unique_ptr<Application> application = fixture.Launch(
      {.conf = {{"spark.master", "spark://a:7077"}, {"spark.submit.deployMode", "client"}},
       .file = "/jobs/pi.py"});
  CHECK(fixture.recorder.WaitForEnd() ==
        ApplicationStatus{
            .state = kFinished, .reason = "spark-submit exited with status 0", .exit_code = 0});
  CHECK(application->Log(0, -1).total == 3);
}

// Of an application in cluster mode on a standalone master, with another setting.
std::map<std::string, std::string> OnWorker(const std::string& key = "spark.a",
                                            const std::string& value = "b") {
  return {{"spark.master", "spark://a:7077"}, {"spark.submit.deployMode", "cluster"}, {key, value}};
}

TEST_CASE("what spark-submit could write of a request and its driver's id are not confused") {
  struct Row {
    LaunchRequest request;
    const char* refused;  // Null: nothing is.
  };
  const std::string id = "submitted as driver-20261121000000-0007";
  const Row rows[] = {
      {{.conf = OnWorker("spark.ui.view.acls", id)}, "spark.ui.view.acls has text like"},
      {{.conf = OnWorker("spark." + id, "")}, "A key of conf has text like"},
      {{.name = id, .conf = OnWorker()}, "name has text like"},
      {{.conf = OnWorker(), .file = "/" + id}, "file has text like"},
      {{.conf = OnWorker(), .main_class = id}, "className has text like"},
      {{.conf = OnWorker(), .args = {"a", id}}, "args has text like"},
      {{.conf = OnWorker(), .proxy_user = id}, "proxyUser has text like"},
      {{.conf = OnWorker("spark.jars", "a%0Adriver%2D2026112100000%30-0007")},
       "spark.jars has text like"},
      {{.conf = OnWorker("spark.b", "driver-${spark.a}")}, "spark.b has '${'"},
      {{.name = "${spark.a}", .conf = OnWorker()}, "name has '${'"},
      {{.conf = OnWorker("spark.b", "driver-2026112100000-0007 100% {$}"), .args = {"${a}"}},
       nullptr},
      {{.conf = {{"spark.master", "spark://a:7077"}, {"spark.b", id + "${spark.a}"}}}, nullptr},
      {{.conf = {{"spark.b", id + "${spark.a}"}}}, nullptr},
  };
  testing::ScriptedServer master(Master(""));
  Fixture fixture("exit 0");
  fixture.options.cluster.standalone_urls = {master.url()};
  for (const Row& row : rows) {
    CAPTURE(row.refused);
    Recorder recorder;
    const auto launched = fixture.launcher().Launch(row.request, recorder.observer());
    REQUIRE(launched.has_value() == (row.refused == nullptr));
    if (launched) {
      recorder.WaitForEnd();
      continue;
    }
    CHECK(launched.error().code == ErrorCode::kInvalidArgument);
    CHECK(launched.error().message.starts_with(row.refused));
  }
}

// A launcher of applications in cluster mode on a Kubernetes of the test's.
struct OnKubernetes : Fixture {
  OnKubernetes(const std::string& script, testing::ScriptedServer::Script api)
      : Fixture(script), server(std::move(api)) {
    options.kubernetes.times.poll_interval = std::chrono::milliseconds(250);
    options.kubernetes.account_dir = "/nowhere";
  }
  std::map<std::string, std::string> Conf(const std::string& name_space) const {
    return {{"spark.master", "k8s://" + server.url()},
            {"spark.submit.deployMode", "cluster"},
            {"spark.kubernetes.namespace", name_space}};
  }
  testing::ScriptedServer server;
};

TEST_CASE("on Kubernetes a driver's end, exit status and log are those of its pod") {
  constexpr const char* kPod =
      R"({"items":[{"metadata":{"name":"d","namespace":"apps","uid":"u","labels":{)"
      R"("spark-app-tag":"livy-batch-1-a","spark-role":"driver","spark-app-selector":"spark-1"}},)"
      R"("spec":{"containers":[{"name":"c"}]},"status":{"phase":"Failed","containerStatuses":[)"
      R"({"name":"c","state":{"terminated":{"exitCode":7,"reason":"Error"}}}]}}]})";
  OnKubernetes fixture("echo submitted", [&](const HttpRequest& request) {
    return HttpResponse{.body = request.target.find("/d/log?") == std::string::npos
                                    ? kPod
                                    : "Traceback\nValueError: no such thing\n"};
  });
  const std::unique_ptr<Application> application = fixture.Launch(
      {.tag = "livy-batch-1-a", .conf = fixture.Conf("apps"), .file = "local:///a.py"});
  const ApplicationStatus status = fixture.recorder.WaitForEnd();
  CHECK(status.state == kFailed);
  CHECK(status.app_id == "spark-1");
  CHECK(status.exit_code == 7);
  CHECK(status.reason ==
        "spark-1 ended on Kubernetes as Failed: container c exited with status 7, Error");
  const Lines log = application->Log(0, -1).lines;
  REQUIRE(log.size() > 7);
  CHECK(Lines(log.begin(), log.begin() + 7) ==
        Lines{"stdout: ", "Traceback", "ValueError: no such thing", "\nstderr: ", "submitted",
              "\nKubernetes Diagnostics: ", "d.apps:"});
  CHECK(application->Handle().starts_with("kubernetes-cluster;;k8s://http://127.0.0.1:"));
  CHECK(application->Handle().ends_with(";apps;"));
}

TEST_CASE("on Kubernetes pods find the driver program where the options say") {
  OnKubernetes fixture("for a in \"$@\"; do echo \"$a\"; done; exec sleep 1000",
                       [](const HttpRequest&) { return testing::Json(R"({"items":[]})"); });
  fixture.options.kubernetes.driver_jar = "local:///opt/driver.jar";
  const std::unique_ptr<Application> application =
      fixture.Launch({.tag = "livy-session-1-a", .conf = fixture.Conf("apps")});
  CHECK(Eventually([&] {
    return std::ranges::count(application->Log(0, -1).lines, "local:///opt/driver.jar") == 1;
  }));
  CHECK(application->Handle().ends_with(";apps;session"));
  application->Kill();
  const ApplicationStatus status = fixture.recorder.WaitForEnd();
  CHECK(status.state == kKilled);
  CHECK(status.reason == "ended on request");
}

// Of a pod that has failed.
testing::ScriptedServer::Script FailedPod() {
  return [](const HttpRequest& request) {
    if (request.target.find("/log?") != std::string::npos) return HttpResponse{.status = 404};
    return testing::Json(
        R"({"items":[{"metadata":{"name":"d","namespace":"apps","uid":"u","labels":{)"
        R"("spark-app-tag":"livy-batch-1-a","spark-role":"driver","spark-app-selector":"spark-1"}},)"
        R"("status":{"phase":"Failed"}}]})");
  };
}

TEST_CASE(
    "what was being launched when its server died is what the cluster says, in cluster mode") {
  OnKubernetes fixture(Gate::kScript, FailedPod());
  const Gate gate(fixture.spark.scratch);
  const LaunchRequest request = {
      .tag = "livy-batch-1-a", .conf = fixture.Conf("apps"), .file = "local:///a.py"};
  const std::string handle = fixture.launcher().HandleFor(request).value();
  CHECK(handle == "kubernetes-cluster;;k8s://" + fixture.server.url() + ";;;apps;");
  Recorder recovered;
  std::unique_ptr<Application> again;
  const auto recover = [&] {
    return fixture.launcher().Recover("livy-batch-1-a", handle, recovered.observer()).value();
  };
  SUBCASE("while spark-submit submits, whose success is not the driver's") {
    // The process of another launch, without the cluster: nobody but this one asks for it.
    const std::unique_ptr<Application> submitting = fixture.Launch({.tag = "livy-batch-1-a"});
    REQUIRE(IsReady(*submitting));
    again = recover();
    CHECK(recovered.states() == std::vector{kStarting});
    gate.Open();
    fixture.recorder.WaitForEnd();
  }
  SUBCASE("after it has submitted") {
    again = recover();
  }
  const ApplicationStatus status = recovered.WaitForEnd();
  CHECK(status.state == kFailed);
  CHECK(status.app_id == "spark-1");
  CHECK(status.reason.starts_with("spark-1 ended on Kubernetes as Failed"));
}

TEST_CASE("what can never be launched is refused before that") {
  OnKubernetes fixture("exit 0", FailedPod());
  const auto is_refused = [&](const LaunchRequest& request) {
    const Result<std::string> handle = fixture.launcher().HandleFor(request);
    return !handle && handle.error().code == ErrorCode::kInvalidArgument;
  };
  CHECK(is_refused({.conf = fixture.Conf("../x")}));
  CHECK(is_refused({.runtime = "nosuch"}));
  const std::string cut("a\0b", 3);
  CHECK(is_refused({.conf = fixture.Conf("apps"), .file = cut}));
  CHECK(is_refused({.conf = fixture.Conf("apps"), .main_class = cut}));
  CHECK(is_refused({.conf = fixture.Conf("apps"), .args = {"a", cut}}));
  CHECK(is_refused({.conf = fixture.Conf("apps"), .proxy_user = cut}));
}

TEST_CASE("a launcher ends at once though its cluster does not answer") {
  OnKubernetes fixture("exit 0", FailedPod());
  testing::SilentServer silent;
  fixture.options.kubernetes.times.request_timeout = std::chrono::minutes(1);
  std::map<std::string, std::string> conf = fixture.Conf("apps");
  conf["spark.master"] = "k8s://" + silent.url();
  std::unique_ptr<Application> application = fixture.Launch({.tag = "a", .conf = conf});
  silent.AwaitRequest();
  application->Kill();
  application.reset();
  const std::unique_ptr<Clock> clock = MakeSystemClock();
  const Clock::TimePoint before = clock->Now();
  fixture.End();
  CHECK(clock->Now() - before < std::chrono::seconds(30));
}

// While this lives no thread can be started, because none would have room for its stack.
class NoThreads {
 public:
  NoThreads() {
    pthread_getattr_default_np(&usual_);
    pthread_attr_t large = usual_;
    pthread_attr_setstacksize(&large, std::size_t{1} << 50);
    pthread_setattr_default_np(&large);
  }
  ~NoThreads() {
    pthread_setattr_default_np(&usual_);
    pthread_attr_destroy(&usual_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t usual_ = {};
};

TEST_CASE("a cluster that nobody can follow for want of threads is not launched on") {
  OnKubernetes fixture("exit 0", FailedPod());
  const LaunchRequest request = {.tag = "livy-batch-1-a", .conf = fixture.Conf("apps")};
  fixture.launcher();
  {
    const NoThreads none;
    const auto refused = fixture.launcher().Launch(request, fixture.recorder.observer());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kUnavailable);
  }
  CHECK(fixture.recorder.states().empty());
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  CHECK(sigismember(&blocked, SIGUSR1) == 0);
  const std::unique_ptr<Application> application = fixture.Launch(request);
  CHECK(fixture.recorder.WaitForEnd().state == kFailed);
  CHECK(Eventually([] { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }));
}

TEST_CASE("what is no namespace of Kubernetes is refused, because paths are made of it") {
  OnKubernetes fixture("exit 0", [](const HttpRequest&) { return HttpResponse{}; });
  const auto refused =
      fixture.launcher().Launch({.conf = fixture.Conf("../x")}, fixture.recorder.observer());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInvalidArgument);
  CHECK(refused.error().message == "spark.kubernetes.namespace = ../x is no namespace.");
}

}  // namespace
}  // namespace livy
