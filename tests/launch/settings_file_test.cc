// What becomes of the files of settings that spark-submit reads.
#include "launch/settings_file.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <signal.h>
#include <string>
#include <sys/wait.h>
#include <utility>
#include <utime.h>
#include <vector>

#include <doctest/doctest.h>

#include "launch/process.h"
#include "launch/process_watcher.h"
#include "launch/properties.h"
#include "launcher_fixture.h"

namespace livy {
namespace {

using testing::Eventually;
using testing::Recorder;
using testing::Variable;
using Fixture = testing::LauncherFixture;
using enum ApplicationState;
using Lines = std::vector<std::string>;

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

TEST_CASE("what has ended is reaped by a watcher that goes, and its settings are removed") {
  struct Deaf : internal::ProcessListener {
    void OnOutput(internal::OutputStream, std::string_view) override {}
    void OnEnd(const internal::ProcessEnd&) override {}
  };
  const testing::Scratch scratch;
  Deaf listener;
  auto watcher = internal::ProcessWatcher::Create(std::chrono::minutes(10)).value();
  const auto child = internal::Spawn({.command = {"/bin/sleep", "1000"}}).value();
  // As an adopted one it is the watcher's to wait for until somebody reaps it.
  auto adopted = internal::AdoptProcess(internal::IdentityOf(child.pid)).value();
  kill(child.pid, SIGKILL);
  siginfo_t ended = {};
  CHECK(waitid(P_PID, static_cast<id_t>(child.pid), &ended, WEXITED | WNOWAIT) == 0);
  REQUIRE(watcher->Watch(std::move(adopted), listener,
                         internal::WriteSettings(scratch.path(), {}).value()));
  watcher.reset();
  CHECK(std::filesystem::is_empty(scratch.path()));
  CHECK(waitpid(child.pid, nullptr, WNOHANG) == -1);
}

TEST_CASE("files of settings that a killed server left are removed, but none that is in use") {
  Fixture fixture("echo ready; sleep 1000; true");
  testing::Scratch& scratch = fixture.spark.scratch;
  const std::filesystem::path work = fixture.options.work_dir;
  const auto file = [&](const std::string& letters) {
    return work / ("livy-conf-" + letters + ".properties");
  };
  fixture.launcher();
  scratch.Write("work/livy-conf-left00.properties", "spark.livy.driver.secret=s3cr3t");
  scratch.Write("work/livy-conf-empty0.properties", "");
  scratch.Write("work/livy-conf-empty1.properties", "");
  scratch.Write("work/livy-conf-named0.properties", "read by a process");
  scratch.Write("work/other.properties", "not ours");
  for (const auto& old : {file("empty0"), work / "other.properties"}) {
    const utimbuf time = {.actime = 1000000, .modtime = 1000000};
    REQUIRE(utime(old.c_str(), &time) == 0);
  }
  // Of a server that lives, and with it another one's process that outlived its server.
  const std::unique_ptr<Application> living = fixture.Launch();
  const LaunchRequest reader = {.file = "/a.py", .args = {file("named0").string()}};
  const std::unique_ptr<Application> reading = fixture.Launch(reader);
  REQUIRE(Eventually([&] { return reading->Log(0, -1).total > 2; }));

  REQUIRE(MakeSparkSubmitLauncher(fixture.options, *fixture.log));
  CHECK_FALSE(std::filesystem::exists(file("left00")));
  CHECK_FALSE(std::filesystem::exists(file("empty0")));
  CHECK(std::filesystem::exists(file("empty1")));
  CHECK(std::filesystem::exists(file("named0")));
  CHECK(std::filesystem::exists(work / "other.properties"));
  CHECK(fixture.PropertiesFiles() == 5);  // Those three, and of the two that live.
  for (const auto& application : {living.get(), reading.get()})
    application->Kill();
  CHECK(Eventually([&] { return fixture.PropertiesFiles() == 3; }));
}

TEST_CASE("the file of settings of a process that is found again goes as it would have gone") {
  Fixture fixture("exec sleep 1000");
  Recorder recorder;
  const std::string settings = (fixture.options.work_dir / "livy-conf-aaaaaa.properties").string();
  fixture.spark.scratch.Write("work/livy-conf-aaaaaa.properties", "spark.a=b");
  // As a server that was killed has left it: nobody holds the file.
  const internal::ChildProcess process =
      internal::Spawn({.command = {"/bin/sh", "-c", "sleep 1000; true", "sh", settings}}).value();
  // What it was started with is nowhere to be read while it begins.
  REQUIRE(Eventually(
      [&] { return internal::CommandLineOf(process.pid).find(settings) != settings.npos; }));
  const auto application = fixture.launcher()
                               .Recover("a", internal::IdentityOf(process.pid), recorder.observer())
                               .value();
  CHECK(std::filesystem::exists(settings));
  SUBCASE("when its driver has connected") {
    application->ForgetSettings();
    CHECK_FALSE(std::filesystem::exists(settings));
  }
  application->Kill();
  recorder.WaitForEnd();
  CHECK_FALSE(std::filesystem::exists(settings));
  waitpid(process.pid, nullptr, 0);
}

}  // namespace
}  // namespace livy
