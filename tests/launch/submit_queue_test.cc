// How many launches there may be at once, alone and as the launcher's applications see it.
#include "launch/submit_queue.h"

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <livy/launcher.h>
#include <livy/log.h>

#include "fake_spark.h"

namespace livy {
namespace {

using internal::SubmitQueue;
using testing::Eventually;
using testing::FakeSpark;
using testing::Recorder;
using enum ApplicationState;
using Lines = std::vector<std::string>;

// Notes its turn, and keeps it or not.
struct Waiter : SubmitQueue::Waiter {
  Waiter(std::vector<int>& order, int number, bool keeps = true)
      : order(order), number(number), keeps(keeps) {}
  bool OnTurn(SubmitQueue::Id) override {
    order.push_back(number);
    return keeps;
  }
  std::vector<int>& order;
  int number = 0;
  bool keeps = true;
};

TEST_CASE("those that wait have their turns in the order of coming, as others make room") {
  SubmitQueue queue(2, 10);
  std::vector<int> order;
  std::vector<std::unique_ptr<Waiter>> waiters;
  std::vector<SubmitQueue::Entry> entries;
  for (int i = 0; i < 6; ++i) {
    // Number 3 cannot start, so that 4 comes at once.
    waiters.push_back(std::make_unique<Waiter>(order, i, i != 3));
    entries.push_back(queue.Enter(*waiters.back()).value());
    CHECK(entries.back().may_begin == (i < 2));
  }
  CHECK_FALSE(queue.PlaceOf(entries[1].id));
  CHECK(queue.PlaceOf(entries[2].id)->number == 1);
  CHECK(queue.PlaceOf(entries[5].id)->number == 4);
  CHECK(queue.PlaceOf(entries[5].id)->waiting == 4);
  queue.Release(entries[0].id);
  queue.Release(entries[0].id);
  CHECK(order == std::vector{2});
  queue.Release(entries[1].id);
  CHECK(order == std::vector{2, 3, 4});
  CHECK(queue.Withdraw(entries[5].id));
  CHECK_FALSE(queue.Withdraw(entries[5].id));
  queue.Forget(entries[2].id);
  queue.Forget(entries[4].id);
  CHECK(order == std::vector{2, 3, 4});
  CHECK(queue.Enter(*waiters[0])->may_begin);
}

TEST_CASE("no more may wait than the bound says, and nobody's turn comes once it is closed") {
  SubmitQueue queue(1, 1);
  std::vector<int> order;
  Waiter waiter(order, 1);
  const SubmitQueue::Entry first = queue.Enter(waiter).value();
  REQUIRE(queue.Enter(waiter));
  const Result<SubmitQueue::Entry> third = queue.Enter(waiter);
  REQUIRE_FALSE(third);
  CHECK(third.error().code == ErrorCode::kResourceExhausted);
  queue.Close();
  queue.Release(first.id);
  CHECK(order.empty());
}

// A launcher whose spark-submit ends when the test says so: it waits for the file "go".
struct Fixture {
  explicit Fixture(int submits_max) {
    options.submits_max = submits_max;
    options.submits_waiting_max = 2;
    launcher = MakeSparkSubmitLauncher(options, *log).value();
  }

  void LetGo() { spark.scratch.Write("go", ""); }

  FakeSpark spark{"while [ ! -e \"$SPARK_HOME/../go\" ]; do :; done; echo done"};
  SparkSubmitOptions options = spark.options();
  std::unique_ptr<LogSink> log = MakeNullLogSink();
  std::unique_ptr<Launcher> launcher = {};
};

TEST_CASE("an application that waits says so in its status and its log, and begins in its turn") {
  Fixture fixture(1);
  Recorder first;
  Recorder second;
  Recorder third;
  const auto running = fixture.launcher->Launch({}, first.observer()).value();
  const auto waiting = fixture.launcher->Launch({}, second.observer()).value();
  const auto last = fixture.launcher->Launch({}, third.observer()).value();
  CHECK(second.states() == std::vector{kStarting});
  CHECK(waiting->Log(0, -1).lines ==
        Lines{"stdout: ", "\nstderr: ", "Waiting to be launched: number 1 of 2, 1 at a time."});
  CHECK(waiting->Handle() == "");
  CHECK_FALSE(fixture.launcher->Launch({}, third.observer()));

  fixture.LetGo();
  CHECK(third.WaitForEnd().state == kFinished);
  CHECK(second.states() == std::vector{kStarting, kRunning, kFinished});
  CHECK(third.states() == std::vector{kStarting, kRunning, kFinished});
  CHECK(waiting->Log(0, -1).lines == Lines{"stdout: ", "done", "\nstderr: "});
}

TEST_CASE("an application that waits is killed without a process") {
  Fixture fixture(1);
  Recorder first;
  Recorder second;
  const auto running = fixture.launcher->Launch({}, first.observer()).value();
  const auto waiting = fixture.launcher->Launch({}, second.observer()).value();
  waiting->Kill();
  CHECK(second.states() == std::vector{kStarting, kKilled});
  CHECK(second.WaitForEnd().reason == "ended on request before it was launched");
  running->Kill();
  first.WaitForEnd();
}

TEST_CASE("a driver that has connected is no launch any more") {
  Fixture fixture(1);
  Recorder first;
  Recorder second;
  const auto driver = fixture.launcher->Launch({}, first.observer()).value();
  const auto waiting = fixture.launcher->Launch({}, second.observer()).value();
  driver->ForgetSettings();
  CHECK(second.states() == std::vector{kStarting, kRunning});
  fixture.LetGo();
  second.WaitForEnd();
  first.WaitForEnd();
}

TEST_CASE("an application that cannot be launched when its turn comes has failed") {
  Fixture fixture(1);
  Recorder first;
  Recorder second;
  const auto running = fixture.launcher->Launch({}, first.observer()).value();
  const auto waiting = fixture.launcher->Launch({}, second.observer()).value();
  std::filesystem::remove(fixture.options.spark_home / "bin/spark-submit");
  fixture.LetGo();
  const ApplicationStatus status = second.WaitForEnd();
  CHECK(status.state == kFailed);
  CHECK(status.reason.starts_with("Cannot start"));
}

TEST_CASE("a server that leaves launches nothing that waits") {
  Fixture fixture(1);
  Recorder first;
  Recorder second;
  auto running = fixture.launcher->Launch({}, first.observer()).value();
  const auto waiting = fixture.launcher->Launch({}, second.observer()).value();
  fixture.launcher->StopLaunching();
  running.reset();
  CHECK(second.states() == std::vector{kStarting});
  CHECK(waiting->Handle() == "");
  fixture.LetGo();
  // What was left runs on, and is reaped while the launcher is there.
  CHECK(Eventually([] {
    siginfo_t child = {};
    return waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
  }));
}

TEST_CASE("a launcher may go while applications wait") {
  Fixture fixture(1);
  Recorder first;
  Recorder second;
  const auto running = fixture.launcher->Launch({}, first.observer()).value();
  const auto waiting = fixture.launcher->Launch({}, second.observer()).value();
  fixture.launcher.reset();
  running->Kill();
  first.WaitForEnd();
  CHECK(second.states() == std::vector{kStarting});
}

std::size_t OpenDescriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

TEST_CASE("two thousand launches through a queue leave no process, descriptor or file") {
  FakeSpark spark("exit 0");
  SparkSubmitOptions options = spark.options();
  options.submits_max = 4;
  const std::unique_ptr<LogSink> log = MakeNullLogSink();
  const std::unique_ptr<Launcher> launcher = MakeSparkSubmitLauncher(options, *log).value();
  const std::size_t before = OpenDescriptors();
  constexpr int kThreads = 4;
  constexpr int kLaunches = 500;
  std::atomic<int> finished = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        // Batches of ten, so that there are always more than may run.
        for (int i = 0; i < kLaunches; i += 10) {
          std::vector<std::unique_ptr<Recorder>> recorders;
          std::vector<std::unique_ptr<Application>> applications;
          for (int one = 0; one < 10; ++one) {
            recorders.push_back(std::make_unique<Recorder>());
            applications.push_back(launcher->Launch({}, recorders.back()->observer()).value());
          }
          for (const auto& recorder : recorders)
            finished += recorder->WaitForEnd().state == kFinished ? 1 : 0;
        }
      });
    }
  }
  CHECK(finished == kThreads * kLaunches);
  CHECK(Eventually([&] { return OpenDescriptors() == before; }));
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
  for (const auto& entry : std::filesystem::directory_iterator(options.work_dir))
    CHECK(entry.path().extension() != ".properties");
}

}  // namespace
}  // namespace livy
