// The launcher as the server sees it, over real processes.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <utility>
#include <utime.h>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <livy/launcher.h>
#include <livy/log.h>

#include "fake_spark.h"
#include "launch/properties.h"
#include "scripted_server.h"

namespace livy {
namespace {

using testing::Eventually;
using testing::FakeSpark;
using testing::Recorder;
using testing::Variable;
using enum ApplicationState;

using Lines = std::vector<std::string>;

// A launcher of a script.
struct Fixture {
  explicit Fixture(const std::string& script) : spark(script) {}

  Launcher& launcher() {
    if (launcher_ == nullptr) launcher_ = MakeSparkSubmitLauncher(options, *log).value();
    return *launcher_;
  }

  std::unique_ptr<Application> Launch(const LaunchRequest& request = {}) {
    return launcher().Launch(request, recorder.observer()).value();
  }

  void End() { launcher_.reset(); }

  // Files in the directory for work that hold settings.
  std::size_t PropertiesFiles() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options.work_dir))
      count += entry.path().extension() == ".properties" ? 1 : 0;
    return count;
  }

  FakeSpark spark;
  SparkSubmitOptions options = spark.options();
  std::unique_ptr<LogSink> log = MakeNullLogSink();
  Recorder recorder = {};

 private:
  std::unique_ptr<Launcher> launcher_ = {};
};

TEST_CASE("an application runs, writes, and finishes") {
  Fixture fixture("echo one; echo two; echo problem >&2");
  const std::unique_ptr<Application> application = fixture.Launch();
  const ApplicationStatus status = fixture.recorder.WaitForEnd();
  CHECK(status.state == kFinished);
  CHECK(status.reason == "spark-submit exited with status 0");
  CHECK(status.exit_code == 0);
  CHECK(fixture.recorder.states() == std::vector{kRunning, kFinished});
  const LogPage page = application->Log(0, -1);
  CHECK(page.lines == Lines{"stdout: ", "one", "two", "\nstderr: ", "problem"});
  CHECK(page.total == 5);
  CHECK(application->Log(-1, 1).lines == Lines{"problem"});
  application->Kill();
}

TEST_CASE("the reason says how an application failed") {
  struct Row {
    const char* script;
    const char* reason;
  };
  const Row rows[] = {
      {"exit 1", "spark-submit exited with status 1"},
      {"exit 255", "spark-submit exited with status 255"},
      {"kill -KILL $$", "spark-submit was ended by signal 9 (SIGKILL)"},
      {"kill -SEGV $$", "spark-submit was ended by signal 11 (SIGSEGV)"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.script);
    Fixture fixture(row.script);
    const std::unique_ptr<Application> application = fixture.Launch();
    const ApplicationStatus status = fixture.recorder.WaitForEnd();
    CHECK(status.state == kFailed);
    CHECK(status.reason == row.reason);
  }
}

TEST_CASE("a killed application is killed and not failed") {
  Fixture fixture("echo ready; exec sleep 1000");
  const std::unique_ptr<Application> application = fixture.Launch();
  application->Kill();
  const ApplicationStatus status = fixture.recorder.WaitForEnd();
  CHECK(status.state == kKilled);
  CHECK(status.reason == "spark-submit was ended by signal 15 (SIGTERM) on request");
  application->Kill();
  CHECK(fixture.recorder.states() == std::vector{kRunning, kKilled});
}

TEST_CASE("the log keeps as many lines, and as much of each, as the options say") {
  Fixture fixture("seq 1 1000; echo 123456789 >&2");
  fixture.options.log_lines_max = 3;
  fixture.options.log_line_bytes_max = 5;
  const std::unique_ptr<Application> application = fixture.Launch();
  fixture.recorder.WaitForEnd();
  CHECK(application->Log(0, -1).lines ==
        Lines{"stdout: ", "998", "999", "1000", "\nstderr: ", "12345"});
}

TEST_CASE("spark-submit is called with a file of settings, the class and the driver's jar") {
  Fixture fixture("for a in \"$@\"; do echo \"$a\"; done; echo $SPARK_HOME");
  const Variable other("SPARK_HOME", "/another/spark");
  LaunchRequest request;
  const std::string work = fixture.options.work_dir.string();
  Lines expected = {"stdout: ", "--properties-file", "", "--class", "org.livy.driver.DriverMain"};
  SUBCASE("for itself") {}
  SUBCASE("for another user") {
    request.proxy_user = "ada";
    expected.insert(expected.end(), {"--proxy-user", "ada"});
  }
  SUBCASE("with another class") {
    request.main_class = "com.example.Main";
    expected[4] = "com.example.Main";
  }
  const std::unique_ptr<Application> application = fixture.Launch(request);
  fixture.recorder.WaitForEnd();
  const Lines lines = application->Log(0, -1).lines;
  REQUIRE(lines.size() == expected.size() + 3);
  CHECK(lines[2].starts_with(work + "/livy-conf-"));
  CHECK(lines[2].ends_with(".properties"));
  expected[2] = lines[2];
  CHECK(Lines(lines.begin(), lines.end() - 3) == expected);
  CHECK(lines[expected.size()].starts_with(work + "/livy-driver-"));
  CHECK(lines[expected.size() + 1] == fixture.options.spark_home.string());
}

TEST_CASE("spark-submit is called with a program, its class if it has one, and its arguments") {
  Fixture fixture("for a in \"$@\"; do echo \"$a\"; done");
  LaunchRequest request = {.file = "file:///jobs/pi.py", .args = {"--steps", "a b", "", "d'e\""}};
  Lines expected;
  SUBCASE("a script") {}
  SUBCASE("a class of a jar, for another user") {
    request.main_class = "com.example.Pi";
    request.proxy_user = "ada";
    expected = {"--class", "com.example.Pi", "--proxy-user", "ada"};
  }
  expected.insert(expected.end(),
                  {"file:///jobs/pi.py", "--steps", "a b", "", "d'e\"", "\nstderr: "});
  const std::unique_ptr<Application> application = fixture.Launch(request);
  fixture.recorder.WaitForEnd();
  CHECK(application->Log(3, -1).lines == expected);
}

TEST_CASE("what a program writes to both streams is one, in the order of writing") {
  Fixture fixture("echo one; echo two >&2; echo three; exit 3");
  const std::unique_ptr<Application> application = fixture.Launch({.file = "/jobs/pi.py"});
  CHECK(fixture.recorder.WaitForEnd().exit_code == 3);
  CHECK(application->Log(0, -1).lines == Lines{"stdout: ", "one", "two", "three", "\nstderr: "});
}

TEST_CASE("all that an application writes is handed over before its end is told") {
  Fixture fixture("echo one; echo two >&2; seq 1 1000; printf three");
  fixture.options.log_lines_max = 1;
  std::string written;
  const std::unique_ptr<Application> application = fixture.Launch(
      {.file = "/jobs/pi.py", .output = [&](std::string_view bytes) { written += bytes; }});
  fixture.recorder.WaitForEnd();
  CHECK(written.starts_with("one\ntwo\n1\n2\n"));
  CHECK(written.ends_with("\n1000\nthree"));
}

TEST_CASE("settings are in a private file only, over Spark's defaults, until the end") {
  Fixture fixture(
      "tr '\\0' ' ' < /proc/$$/cmdline; echo; stat -c %a \"$2\"; cat \"$2\"; "
      "echo ready >&2; exec sleep 1000");
  fixture.spark.scratch.Write("spark/conf/spark-defaults.conf",
                              "spark.master local[7]\nspark.ui.enabled false\n");
  const LaunchRequest request{
      .name = "a name",
      .conf = {{"spark.master", "local[2]"}, {"spark.livy.driver.secret", "s3cr3t"}}};
  const std::unique_ptr<Application> application = fixture.Launch(request);
  CHECK(Eventually([&] { return application->Log(-1, 1).lines == Lines{"ready"}; }));
  const Lines lines = application->Log(1, -1).lines;
  REQUIRE(lines.size() == 8);
  CHECK(lines[0].find("--properties-file") != std::string::npos);
  CHECK(lines[0].find("s3cr3t") == std::string::npos);
  CHECK(lines[1] == "600");
  std::string text;
  for (std::size_t i = 2; i < 6; ++i)
    text += lines[i] + "\n";
  CHECK(internal::ParseProperties(text) ==
        internal::Properties{{"spark.app.name", "a name"},
                             {"spark.livy.driver.secret", "s3cr3t"},
                             {"spark.master", "local[2]"},
                             {"spark.ui.enabled", "false"}});
  CHECK(fixture.PropertiesFiles() == 1);
  application->Kill();
  fixture.recorder.WaitForEnd();
  CHECK(fixture.PropertiesFiles() == 0);
}

TEST_CASE("the file of settings goes even if nobody waits for the end") {
  Fixture fixture("exec sleep 1000");
  std::unique_ptr<Application> application = fixture.Launch();
  CHECK(fixture.PropertiesFiles() == 1);
  application->Kill();
  application.reset();
  CHECK(Eventually([&] { return fixture.PropertiesFiles() == 0; }));
  CHECK(Eventually([] { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }));
}

TEST_CASE("files of settings that a killed server left are removed, but not fresh ones") {
  Fixture fixture("exit 0");
  fixture.spark.scratch.Write("work/livy-conf-aaaaaa.properties", "old");
  fixture.spark.scratch.Write("work/livy-conf-bbbbbb.properties", "fresh");
  fixture.spark.scratch.Write("work/other.properties", "not ours");
  for (const char* name : {"livy-conf-aaaaaa.properties", "other.properties"}) {
    const utimbuf old = {.actime = 1000000, .modtime = 1000000};
    REQUIRE(utime((fixture.options.work_dir / name).c_str(), &old) == 0);
  }
  fixture.launcher();
  CHECK_FALSE(std::filesystem::exists(fixture.options.work_dir / "livy-conf-aaaaaa.properties"));
  CHECK(std::filesystem::exists(fixture.options.work_dir / "livy-conf-bbbbbb.properties"));
  CHECK(std::filesystem::exists(fixture.options.work_dir / "other.properties"));
}

TEST_CASE("settings of Hadoop that cannot be read fail a launch, and do no further harm") {
  Fixture fixture("exit 0");
  fixture.spark.scratch.Write("hadoop/yarn-site.xml/is-a-folder", "");
  const Variable hadoop("HADOOP_CONF_DIR", (fixture.spark.scratch.path() / "hadoop").c_str());
  CHECK(fixture.launcher().Launch({.conf = {{"spark.master", "yarn"}}}, {}).error().code ==
        ErrorCode::kUnavailable);
}

TEST_CASE("a launcher says what it is") {
  Fixture fixture("exit 0");
  CHECK(fixture.launcher().Describe() ==
        fmt::format("Spark 3.5.7 in {}, Scala 2.12.18, Java 17.0.15",
                    fixture.options.spark_home.string()));
}

TEST_CASE("a launcher without Spark, Java or a place for files is refused at once") {
  Fixture fixture("exit 0");
  SUBCASE("no Spark") {
    fixture.options.spark_home = "/nowhere";
  }
  SUBCASE("no place") {
    fixture.options.work_dir = "/proc/nowhere/work";
  }
  SUBCASE("no driver") {
    setenv("LIVY_DRIVER_JAR", "/nowhere.jar", 1);
  }
  const auto launcher = MakeSparkSubmitLauncher(fixture.options, *fixture.log);
  REQUIRE_FALSE(launcher);
  CHECK(launcher.error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("a directory for work is found below the user's own") {
  Fixture fixture("exit 0");
  fixture.options.work_dir.clear();
  const std::filesystem::path home = fixture.spark.scratch.path();
  const Variable home_variable("HOME", home.c_str());
  {
    const Variable cache("XDG_CACHE_HOME", nullptr);
    REQUIRE(MakeSparkSubmitLauncher(fixture.options, *fixture.log));
    CHECK(std::filesystem::is_directory(home / ".cache/livy"));
  }
  const Variable cache("XDG_CACHE_HOME", (home / "cache").c_str());
  REQUIRE(MakeSparkSubmitLauncher(fixture.options, *fixture.log));
  CHECK(std::filesystem::is_directory(home / "cache/livy"));
}

TEST_CASE("an application is found by its tag if nobody was told what was launched") {
  Fixture fixture("echo ready; while :; do sleep 1000; done");
  Launcher& launcher = fixture.launcher();
  const auto application =
      launcher.Launch({.tag = "livy-batch-0-abc"}, fixture.recorder.observer()).value();
  // Its environment is nowhere to be read while it begins.
  REQUIRE(Eventually([&] { return application->Log(-1, 1).total > 2; }));
  Recorder found_again;
  CHECK(launcher.HandleFor({.tag = "livy-batch-0-abc"}) == "");
  const auto found = launcher.Recover("livy-batch-0-abc", "", found_again.observer()).value();
  CHECK_FALSE(found->Handle().empty());
  const auto other = launcher.Recover("livy-batch-0-ab", "", found_again.observer());
  REQUIRE_FALSE(other);
  CHECK(other.error() ==
        Error{ErrorCode::kNotFound, "It was being launched when its server died."});
  application->Kill();
  fixture.recorder.WaitForEnd();
}

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

TEST_CASE("a spark-submit that has gone is an error, and leaves no file of settings") {
  Fixture fixture("exit 0");
  fixture.launcher();
  std::filesystem::remove(fixture.options.spark_home / "bin/spark-submit");
  const auto application = fixture.launcher().Launch({}, fixture.recorder.observer());
  REQUIRE_FALSE(application);
  CHECK(application.error().code == ErrorCode::kUnavailable);
  CHECK(fixture.recorder.states().empty());
  CHECK(fixture.PropertiesFiles() == 0);
}

TEST_CASE("applications are launched, read, killed and dropped from several threads") {
  Fixture fixture("echo line; exec sleep 1000");
  Launcher& launcher = fixture.launcher();
  std::vector<std::jthread> threads;
  std::atomic<int> ended = 0;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 8; ++i) {
        Recorder recorder;
        const auto application = launcher.Launch({}, recorder.observer()).value();
        application->Log(-1, 10);
        application->Kill();
        if (i % 2 == 0 && recorder.WaitForEnd().state == kKilled) ++ended;
      }
    });
  }
  threads.clear();  // Joins.
  CHECK(ended == 16);
  CHECK(Eventually([&] { return fixture.PropertiesFiles() == 0; }));
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
  const std::string handle = fixture.launcher().HandleFor(request);
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

TEST_CASE("what would not be launched has no handle before that either") {
  OnKubernetes fixture("exit 0", FailedPod());
  CHECK(fixture.launcher().HandleFor({.conf = fixture.Conf("../x")}) == "");
  CHECK(fixture.launcher().HandleFor({.runtime = "nosuch"}) == "");
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
