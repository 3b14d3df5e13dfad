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

#include "launcher_fixture.h"

namespace livy {
namespace {

using testing::Eventually;
using testing::Recorder;
using testing::Variable;
using Fixture = testing::LauncherFixture;
using enum ApplicationState;

using Lines = std::vector<std::string>;

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
      {"exit 52", "spark-submit exited with status 52"},
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
  CHECK(launcher.HandleFor({.tag = "livy-batch-0-abc"}).value().empty());
  const auto found = launcher.Recover("livy-batch-0-abc", "", found_again.observer()).value();
  CHECK_FALSE(found->Handle().empty());
  const auto other = launcher.Recover("livy-batch-0-ab", "", found_again.observer());
  REQUIRE_FALSE(other);
  CHECK(other.error() == Error{ErrorCode::kNotFound, "There is no process with its tag."});
  application->Kill();
  fixture.recorder.WaitForEnd();
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

}  // namespace
}  // namespace livy
