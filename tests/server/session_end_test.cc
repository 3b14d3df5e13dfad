// How sessions end, and what is told of it.
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "server/end_reason.h"
#include "server/interactive_session.h"
#include "server/one_session.h"

namespace livy::internal {
namespace {

using std::chrono::seconds;
using Fixture = SessionUnderTest;
using Lines = std::vector<std::string>;

TEST_CASE("the last words are the last lines of standard error that say something") {
  CHECK(LastWords({"stdout: ", "out", "\nstderr: "}) == Lines{"out"});
  CHECK(LastWords({"stdout: ", "out", "\nstderr: ", "a", "", "b"}) == Lines{"a", "b"});
  CHECK(LastWords({"stdout: ", "out", "\nstderr: ", "\nYARN Diagnostics: "}) == Lines{"out"});
  CHECK(LastWords({"stdout: ", "of the driver", "\nstderr: ", "of spark-submit",
                   "\nKubernetes Diagnostics: ", "of the pod"}) == Lines{"of the driver"});
  CHECK(LastWords({"stdout: ", "\nstderr: ", "of spark-submit",
                   "\nKubernetes Diagnostics: ", "of the pod"}) == Lines{"of spark-submit"});
  CHECK(LastWords({"a page", "without headers"}) == Lines{"a page", "without headers"});
  CHECK(LastWords({"1", "2", "3", "4", "5", "6"}) == Lines{"2", "3", "4", "5", "6"});
  CHECK(LastWords({"Exception in thread \"main\" X: no memory", "\tat a.B.c(B.java:1)",
                   "\t... 12 more", "26/11/21 08:00:00 WARN Utils: hm",
                   "26/11/21 08:00:00 INFO ShutdownHookManager: bye"}) ==
        Lines{"Exception in thread \"main\" X: no memory"});
}

TEST_CASE("frames of Python say nothing, but what it was doing does") {
  CHECK(LastWords(
            {"Traceback (most recent call last):", "  File \"/jobs/fail.py\", line 2, in <module>",
             "    raise ValueError(1)", "ValueError: 1", "File \"x\" is not there"}) ==
        Lines{"Traceback (most recent call last):", "    raise ValueError(1)", "ValueError: 1",
              "File \"x\" is not there"});
}

TEST_CASE("a last line that is too long is cut between characters") {
  const std::string snow = "\xE2\x98\x83";
  std::string line;
  for (int i = 0; i < 200; ++i)
    line += snow;
  CHECK(LastWords({line}).at(0) == line.substr(0, 498));
  CHECK(LastWords({std::string(500, 'x')}).at(0).size() == 500);
}

TEST_CASE("a session has no reason to have ended before it has") {
  Fixture f;
  f.BecomeIdle();
  CHECK_FALSE(f.session->View().end_reason);
  f.session->Stop("deleted by alice");
  CHECK_FALSE(f.session->View().end_reason);
}

TEST_CASE("who ordered the end is its reason and the log's last line, whatever the process says") {
  Fixture f;
  f.BecomeIdle();
  f.process().lines.push_back("a warning that nobody needs now");
  f.session->Stop("deleted by alice");
  f.session->Stop("deleted by bob");
  f.process().observer({.state = ApplicationState::kKilled,
                        .reason = "spark-submit was ended by signal 15 (SIGTERM) on request"});
  CHECK(f.session->View().end_reason == "deleted by alice");
  CHECK_FALSE(f.session->View().exit_code);
  CHECK(f.session->Log(-1, 1).lines == Lines{"deleted by alice"});
}

TEST_CASE("an end that nobody wanted tells the exit code and the last words") {
  Fixture f;
  f.process().lines.push_back("No space left on device");
  f.process().observer({.state = ApplicationState::kFailed,
                        .reason = "spark-submit exited with status 1",
                        .exit_code = 1});
  CHECK(f.session->View().end_reason ==
        "spark-submit exited with status 1\nNo space left on device");
  CHECK(f.session->View().exit_code == 1);
  CHECK(f.session->Log(-1, 1).lines == Lines{"spark-submit exited with status 1"});
}

TEST_CASE("a driver that exits by its own code leaves the reason to its process") {
  Fixture f;
  f.BecomeIdle();
  f.Happens({{.what = StateEvent{.state = SessionState::kDead, .message = "told to exit"}}});
  CHECK(f.session->state() == SessionState::kShuttingDown);
  f.process().observer({.state = ApplicationState::kFailed,
                        .reason = "spark-submit exited with status 3",
                        .exit_code = 3});
  CHECK(f.session->View().end_reason == "spark-submit exited with status 3");
  CHECK(f.session->View().exit_code == 3);
}

TEST_CASE("a driver that fails gives the reason itself") {
  Fixture f;
  f.Happens({{.what = StateEvent{.state = SessionState::kError, .message = "No\nmaster"}}});
  f.process().observer({.state = ApplicationState::kFailed, .reason = "It exited."});
  CHECK(f.session->View().end_reason == "the driver failed: No master");
}

TEST_CASE("an end without any reason still has words") {
  Fixture f;
  f.process().observer({.state = ApplicationState::kFinished});
  CHECK(f.session->View().end_reason == "the application has ended");
}

TEST_CASE("the connect timeout begins with the launch, which the store then knows") {
  Fixture f;
  f.launcher.waits = true;
  f.commands->is_connected = false;
  const auto session = std::make_shared<InteractiveSession>(8, SessionRequest{.kind = Kind::kSpark},
                                                            std::nullopt, f.services);
  session->Start(f.launcher, {.tag = "late"},
                 {.record = {.id = 8, .app_tag = "late", .created = f.clock.Wall()},
                  .commands = f.commands,
                  .ended = [] {}});
  ManualProcess& process = *f.launcher.processes.at(1);
  Pass(f, seconds(1000));
  CHECK(process.kills == 0);
  CHECK(session->state() == SessionState::kStarting);
  process.handle = "a process";
  process.observer({.state = ApplicationState::kRunning});
  CHECK(f.backing.Get("v1/interactive/8").value()->find("a process") != std::string::npos);
  Pass(f, seconds(89));
  CHECK(process.kills == 0);
  Pass(f, seconds(1));
  CHECK(process.kills == 1);
  process.observer({.state = ApplicationState::kKilled});
}

TEST_CASE("T10: a driver that never calls back is killed at the connect timeout") {
  Fixture f;
  f.commands->is_connected = false;
  Pass(f, seconds(89));
  CHECK(f.process().kills == 0);
  Pass(f, seconds(1));
  CHECK(f.process().kills == 1);
  f.process().lines.push_back("Cannot resolve host");
  f.process().observer({.state = ApplicationState::kKilled});
  CHECK(f.session->state() == SessionState::kDead);
  CHECK(f.session->View().end_reason ==
        "the driver did not connect within 90s\nCannot resolve host");
}

TEST_CASE("T9: a driver that ignores the end request is killed after the shutdown timeout") {
  Fixture f;
  f.BecomeIdle();
  f.session->Stop("stopped by alice");
  Pass(f, seconds(9));
  CHECK(f.process().kills == 0);
  Pass(f, seconds(1));
  CHECK(f.process().kills == 1);
  f.process().observer({.state = ApplicationState::kKilled});
  CHECK(f.session->Log(-1, 2).lines ==
        Lines{"The driver did not end within 10s, and is killed.", "stopped by alice"});
}

TEST_CASE("statements that a session's end cancels say why, and are stored so") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.session->Submit("2", Kind::kSpark).value();
  f.Happens({Started(0)});
  f.session->Stop("idle for 1h");
  f.process().observer({.state = ApplicationState::kKilled});
  constexpr std::string_view kOutput =
      R"({"status":"error","execution_count":0,"ename":"SessionEnded","evalue":"idle for 1h",)"
      R"("traceback":[]})";
  CHECK(f.StateOf(0) == StatementState::kCancelled);
  CHECK(*f.session->FindStatement(0)->output_json == kOutput);
  CHECK(f.Stored(0)->find(kOutput) != std::string::npos);
  CHECK(f.StateOf(1) == StatementState::kCancelled);
}

}  // namespace
}  // namespace livy::internal
