#include "launch/process_watcher.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <poll.h>
#include <set>
#include <signal.h>
#include <sstream>
#include <string>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "../scratch.h"
#include "fake_spark.h"
#include "files/private_file.h"
#include "launch/process.h"

namespace livy::internal {
namespace {

using testing::Eventually;

constexpr std::chrono::milliseconds kLongGrace = std::chrono::minutes(10);

class Collector : public ProcessListener {
 public:
  void OnOutput(OutputStream stream, std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    (stream == OutputStream::kOut ? out_ : err_) += bytes;
    changed_.notify_all();
  }
  void OnEnd(const ProcessEnd& end) override {
    const std::lock_guard lock(mutex_);
    end_ = end;
    changed_.notify_all();
  }

  // What it wrote to standard output once that contains `text`, or after ten seconds.
  std::string WaitForOutput(const std::string& text) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10),
                      [&] { return out_.find(text) != std::string::npos; });
    return out_;
  }
  ProcessEnd WaitForEnd() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(10), [&] { return end_.has_value(); }));
    return *end_;
  }
  bool ended() {
    const std::lock_guard lock(mutex_);
    return end_.has_value();
  }
  std::string err() {
    const std::lock_guard lock(mutex_);
    return err_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string out_ = {};
  std::string err_ = {};
  std::optional<ProcessEnd> end_ = {};
};

ChildProcess Shell(const std::string& script) {
  return Spawn({.command = {"/bin/sh", "-c", script}}).value();
}

// All that a program writes to standard output.
std::string OutputOf(const SpawnRequest& request) {
  const auto watcher = ProcessWatcher::Create(kLongGrace).value();
  Collector collector;
  REQUIRE(watcher->Watch(Spawn(request).value(), collector, nullptr));
  collector.WaitForEnd();
  return collector.WaitForOutput("");
}

// Whether the process that has this number now ends within ten seconds.
bool Ends(pid_t process) {
  const Descriptor handle = OpenProcess(process);
  if (!handle.is_open()) return true;
  pollfd waiting = {.fd = handle.get(), .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, 10000) == 1;
}

bool HasNoChildren() {
  return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

std::size_t CountIn(const char* directory) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    count += entry.path().empty() ? 0 : 1;
  return count;
}

TEST_CASE("a program that is missing is an error and not a child") {
  const Result<ChildProcess> child = Spawn({.command = {"/nowhere/program"}});
  REQUIRE_FALSE(child);
  CHECK(child.error() == Error{ErrorCode::kUnavailable,
                               "Cannot start '/nowhere/program': No such file or directory."});
  CHECK(HasNoChildren());
}

TEST_CASE("a child gets none of our files, blocked signals or ignored signals") {
  const Descriptor inheritable(dup(STDERR_FILENO));  // Without O_CLOEXEC.
  REQUIRE(fcntl(inheritable.get(), F_DUPFD, 77) >= 77);
  const Descriptor high(77);
  // The fourth is the one by which the directory is read.
  CHECK(OutputOf({.command = {"/bin/ls", "/proc/self/fd"}}) == "0\n1\n2\n3\n");

  sigset_t blocked;
  sigset_t usual;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &usual);
  const auto old_pipe = signal(SIGPIPE, SIG_IGN);
  const std::string status = OutputOf(
      {.command = {"/bin/sed", "-n", "s/^Sig\\(Blk\\|Ign\\):\\s*//p", "/proc/self/status"}});
  signal(SIGPIPE, old_pipe);
  pthread_sigmask(SIG_SETMASK, &usual, nullptr);
  // Signals 32 and 33 are the C library's own.
  const std::size_t second = status.find('\n') + 1;
  CHECK((std::stoull(status, nullptr, 16) & 0x7fffffff) == 0);
  CHECK((std::stoull(status.substr(second), nullptr, 16) & 0x7fffffff) == 0);
}

TEST_CASE("a child has an empty input, our environment with changes, and a group of its own") {
  const testing::Variable inherited("LIVY_TEST_INHERITED", "inherited");
  const testing::Variable replaced("LIVY_TEST_REPLACED", "old");
  const SpawnRequest request{
      .command = {"/bin/sh", "-c",
                  "cat; echo $LIVY_TEST_INHERITED $LIVY_TEST_REPLACED $LIVY_TEST_NEW; "
                  "test \"$(cut -d' ' -f5 /proc/$$/stat)\" = $$ && echo leader"},
      .environment = {{"LIVY_TEST_REPLACED", "new=1"}, {"LIVY_TEST_NEW", "2"}}};
  CHECK(OutputOf(request) == "inherited new=1 2\nleader\n");
}

TEST_CASE("all output comes before the end, even that of a child that exits at once") {
  const auto watcher = ProcessWatcher::Create(kLongGrace).value();
  for (int i = 0; i < 20; ++i) {
    Collector collector;
    REQUIRE(watcher->Watch(Shell("head -c 60000 /dev/zero; echo end; echo err >&2; exit 3"),
                           collector, nullptr));
    const ProcessEnd end = collector.WaitForEnd();
    CHECK(end.kind == ProcessEnd::Kind::kExited);
    CHECK(end.number == 3);
    CHECK_FALSE(end.kill_requested);
    const std::string out = collector.WaitForOutput("");
    CHECK(out.size() == 60004);
    CHECK(out.ends_with("end\n"));
    CHECK(collector.err() == "err\n");
  }
}

TEST_CASE("a child that was ended by a signal is told by its number") {
  const auto watcher = ProcessWatcher::Create(kLongGrace).value();
  Collector collector;
  REQUIRE(watcher->Watch(Shell("kill -ABRT $$"), collector, nullptr));
  const ProcessEnd end = collector.WaitForEnd();
  CHECK(end.kind == ProcessEnd::Kind::kSignaled);
  CHECK(end.number == SIGABRT);
}

TEST_CASE("a kill is polite at first, and a child may use the grace to end well") {
  const auto watcher = ProcessWatcher::Create(kLongGrace).value();
  Collector collector;
  const auto id = watcher->Watch(Shell("trap 'echo bye; exit 5' TERM; echo ready; "
                                       "while :; do sleep 0.01; done"),
                                 collector, nullptr);
  collector.WaitForOutput("ready");
  watcher->Kill(*id);
  watcher->Kill(*id);
  const ProcessEnd end = collector.WaitForEnd();
  CHECK(end.kill_requested);
  CHECK(end.number == 5);
  CHECK(collector.WaitForOutput("bye") == "ready\nbye\n");
  watcher->Kill(*id);
}

TEST_CASE("a child that ignores SIGTERM is killed after the grace, with its children") {
  const auto watcher = ProcessWatcher::Create(std::chrono::milliseconds(50)).value();
  Collector collector;
  const auto id = watcher->Watch(
      Shell("trap '' TERM; sleep 1000 & echo $!,; echo ready; while :; do sleep 0.01; done"),
      collector, nullptr);
  const pid_t grandchild = std::stoi(collector.WaitForOutput("ready"));
  watcher->Kill(*id);
  const ProcessEnd end = collector.WaitForEnd();
  CHECK(end.kind == ProcessEnd::Kind::kSignaled);
  CHECK(end.number == SIGKILL);
  CHECK(end.kill_requested);
  CHECK(Ends(grandchild));
}

TEST_CASE("a grandchild that ignores SIGTERM does not outlive the leader of its group") {
  const auto watcher = ProcessWatcher::Create(kLongGrace).value();
  Collector collector;
  std::string script = "(trap '' TERM; exec sleep 1000) & echo $!,; ";
  SUBCASE("that exits by itself") {
    script += "echo ready; exit 0";
  }
  SUBCASE("that is killed") {
    script += "echo ready; exec sleep 1000";
  }
  const auto id = watcher->Watch(Shell(script), collector, nullptr);
  const pid_t grandchild = std::stoi(collector.WaitForOutput("ready"));
  watcher->Kill(*id);
  collector.WaitForEnd();
  CHECK(Ends(grandchild));
}

TEST_CASE("an output that somebody else keeps open does not delay the end") {
  const auto watcher = ProcessWatcher::Create(kLongGrace).value();
  Collector collector;
  REQUIRE(watcher->Watch(Shell("setsid sleep 1000 & echo $!,; exit 0"), collector, nullptr));
  CHECK(collector.WaitForEnd().number == 0);
  kill(std::stoi(collector.WaitForOutput(",")), SIGKILL);
}

std::shared_ptr<PrivateFile> SettingsIn(const testing::Scratch& scratch) {
  return std::make_shared<PrivateFile>(
      PrivateFile::CreateHeld(scratch.path(), "settings", "", "secret").value());
}

TEST_CASE("a watcher that goes leaves what runs, and the settings that it has still to read") {
  const testing::Scratch scratch;
  std::shared_ptr<PrivateFile> settings = SettingsIn(scratch);
  const std::filesystem::path file = settings->path();
  Collector collector;
  auto watcher = ProcessWatcher::Create(kLongGrace).value();
  REQUIRE(watcher->Watch(Shell("echo $$,; exec sleep 1000"), collector, std::move(settings)));
  const int pid = std::stoi(collector.WaitForOutput(","));
  watcher.reset();
  CHECK(std::filesystem::exists(file));
  CHECK(PrivateFile::TakeOver(file));  // It is held by nobody.
  CHECK(kill(pid, SIGKILL) == 0);
  CHECK(waitpid(pid, nullptr, 0) == pid);
}

TEST_CASE("settings are removed at the end, and no listener is needed for it") {
  const testing::Scratch scratch;
  const auto watcher = ProcessWatcher::Create(kLongGrace).value();
  std::shared_ptr<PrivateFile> kept = SettingsIn(scratch);
  const std::weak_ptr<PrivateFile> seen = kept;
  Collector collector;
  const auto id = watcher->Watch(Shell("echo ready; exec sleep 1000"), collector, std::move(kept));
  collector.WaitForOutput("ready");
  CHECK_FALSE(seen.expired());
  watcher->Kill(*id);
  watcher->Forget(*id);
  CHECK(Eventually([&] { return seen.expired(); }));
  CHECK(Eventually(HasNoChildren));
  CHECK_FALSE(collector.ended());
}

TEST_CASE("Forget waits for a call in progress, and none follows") {
  class Slow : public ProcessListener {
   public:
    void OnOutput(OutputStream, std::string_view) override {
      ++calls;
      entered = true;
      while (!forgetting)
        std::this_thread::yield();
      for (int i = 0; i < 1000; ++i)
        std::this_thread::yield();
      left = true;
    }
    void OnEnd(const ProcessEnd&) override { ++calls; }

    std::atomic<int> calls = 0;
    std::atomic<bool> entered = false;
    std::atomic<bool> forgetting = false;
    std::atomic<bool> left = false;
  };
  const auto watcher = ProcessWatcher::Create(kLongGrace).value();
  Slow slow;
  const auto id = watcher->Watch(Shell("while :; do echo more; done"), slow, nullptr);
  CHECK(Eventually([&] { return slow.entered.load(); }));
  slow.forgetting = true;
  watcher->Forget(*id);
  CHECK(slow.left);
  const int calls = slow.calls;
  watcher->Kill(*id);
  CHECK(Eventually(HasNoChildren));
  CHECK(slow.calls == calls);
}

TEST_CASE("a host that reaps its children by itself gets an end without a status") {
  const auto watcher = ProcessWatcher::Create(kLongGrace).value();
  Collector collector;
  ChildProcess child = Shell("exec sleep 1000");
  const pid_t process = child.pid;
  REQUIRE(watcher->Watch(std::move(child), collector, nullptr));
  const auto old = signal(SIGCHLD, SIG_IGN);
  kill(process, SIGKILL);
  const ProcessEnd end = collector.WaitForEnd();
  signal(SIGCHLD, old);
  CHECK(end.kind == ProcessEnd::Kind::kUnknown);
}

TEST_CASE("children outlive the watcher") {
  Collector collector;
  auto watcher = ProcessWatcher::Create(kLongGrace).value();
  ChildProcess child = Shell("trap '' PIPE; echo ready; exec sleep 1000");
  const pid_t process = child.pid;
  REQUIRE(watcher->Watch(std::move(child), collector, nullptr));
  collector.WaitForOutput("ready");
  watcher.reset();
  CHECK(waitpid(process, nullptr, WNOHANG) == 0);
  kill(process, SIGKILL);
  CHECK(waitpid(process, nullptr, 0) == process);
}

TEST_CASE("one thread follows two hundred children, and nothing is left of them") {
  constexpr std::size_t kChildren = 200;
  const std::size_t files_before = CountIn("/proc/self/fd");
  const std::size_t threads_before = CountIn("/proc/self/task");
  {
    const auto watcher = ProcessWatcher::Create(kLongGrace).value();
    std::vector<std::unique_ptr<Collector>> collectors;
    std::vector<ProcessWatcher::Id> ids;
    for (std::size_t i = 0; i < kChildren; ++i) {
      collectors.push_back(std::make_unique<Collector>());
      ids.push_back(
          watcher->Watch(Shell("echo ready; exec sleep 1000"), *collectors.back(), nullptr)
              .value());
    }
    for (const auto& collector : collectors)
      CHECK(collector->WaitForOutput("ready") == "ready\n");
    CHECK(CountIn("/proc/self/task") == threads_before + 1);
    for (const ProcessWatcher::Id id : ids)
      watcher->Kill(id);
    for (const auto& collector : collectors)
      CHECK(collector->WaitForEnd().number == SIGTERM);
    CHECK(HasNoChildren());
    // epoll and the eventfd.
    CHECK(Eventually([&] { return CountIn("/proc/self/fd") == files_before + 2; }));
  }
  CHECK(CountIn("/proc/self/fd") == files_before);
  CHECK(CountIn("/proc/self/task") == threads_before);
}

// A process that is nobody's child here, in a group of its own, as one that an earlier server has
// left. Its number is what the shell that started it has written.
pid_t StartOrphan() {
  const testing::Scratch scratch;
  // The shell goes on when the other one has left its group.
  const std::string code = "mkfifo $0; setsid sh -c 'echo $$ >$0; exec sleep 1000' $0 & cat $0";
  return std::stoi(
      OutputOf({.command = {"/bin/sh", "-c", code, (scratch.path() / "fifo").string()}}));
}

TEST_CASE("a process that an earlier server has left is followed and ended like a child") {
  const pid_t process = StartOrphan();
  const std::string identity = IdentityOf(process);
  Result<ChildProcess> adopted = AdoptProcess(identity);
  REQUIRE(adopted);
  const auto watcher = ProcessWatcher::Create(kLongGrace).value();
  Collector collector;
  const auto id = watcher->Watch(*std::move(adopted), collector, nullptr);
  REQUIRE(id);
  CHECK_FALSE(collector.ended());
  watcher->Kill(*id);
  const ProcessEnd end = collector.WaitForEnd();
  CHECK(end.kind == ProcessEnd::Kind::kUnknown);
  CHECK(end.kill_requested);
  CHECK(AdoptProcess(identity).error().code == ErrorCode::kNotFound);
}

// Whether the kernel is Linux 6.`least` or later.
bool IsLinux6(int least) {
  utsname system = {};
  uname(&system);
  int major = 0;
  int minor = 0;
  std::sscanf(system.release, "%d.%d", &major, &minor);
  return major > 6 || (major == 6 && minor >= least);
}

// It tells how processes ended that others reap.
bool KernelTells() {
  return IsLinux6(15);
}

TEST_CASE("what an adopted process has started ends with it, though it does not listen") {
  if (!IsLinux6(9)) return;  // There is no way to name the group then.
  const testing::Scratch scratch;
  const std::string code =
      "mkfifo $0; setsid sh -c '(trap \"\" TERM; exec sleep 1000) & echo $$ $! >$0; "
      "exec sleep 1000' $0 & cat $0";
  std::istringstream numbers(
      OutputOf({.command = {"/bin/sh", "-c", code, (scratch.path() / "fifo").string()}}));
  pid_t process = 0;
  pid_t child = 0;
  numbers >> process >> child;
  const std::string deaf = IdentityOf(child);
  REQUIRE(AdoptProcess(deaf));
  const auto watcher = ProcessWatcher::Create(kLongGrace).value();
  Collector collector;
  const auto id = watcher->Watch(AdoptProcess(IdentityOf(process)).value(), collector, nullptr);
  watcher->Kill(*id);
  collector.WaitForEnd();
  CHECK(Eventually([&] { return !AdoptProcess(deaf); }));
}

TEST_CASE("how an adopted process ended is known once its parent has reaped it") {
  struct Row {
    const char* end;
    ProcessEnd::Kind kind;
    int number;
  };
  const Row rows[] = {{"exit 7", ProcessEnd::Kind::kExited, 7},
                      {"exit 0", ProcessEnd::Kind::kExited, 0},
                      {"kill -KILL $$", ProcessEnd::Kind::kSignaled, SIGKILL}};
  for (const Row& row : rows) {
    CAPTURE(row.end);
    const testing::Scratch scratch;
    const std::filesystem::path gate = scratch.path() / "gate";
    const auto watcher = ProcessWatcher::Create(kLongGrace).value();
    // The parent is another process, and reaps it at once.
    Collector parent;
    REQUIRE(watcher->Watch(
        Shell(fmt::format("mkfifo {0}; setsid sh -c 'echo $$; read go <{0}; {1}' & wait",
                          gate.string(), row.end)),
        parent, nullptr));
    Result<ChildProcess> adopted = AdoptProcess(IdentityOf(std::stoi(parent.WaitForOutput("\n"))));
    REQUIRE(adopted);
    Collector collector;
    REQUIRE(watcher->Watch(*std::move(adopted), collector, nullptr));
    std::ofstream(gate) << "go\n";
    const ProcessEnd end = collector.WaitForEnd();
    CHECK(end.kind == (KernelTells() ? row.kind : ProcessEnd::Kind::kUnknown));
    if (KernelTells()) CHECK(end.number == row.number);
    parent.WaitForEnd();
  }
}

TEST_CASE("an adopted process that nobody reaps has ended all the same, after the grace") {
  const testing::Scratch scratch;
  const std::filesystem::path gate = scratch.path() / "gate";
  const auto watcher = ProcessWatcher::Create(std::chrono::milliseconds(10)).value();
  Collector parent;
  // The parent is replaced by a program that waits for no child.
  const auto parents_id = watcher->Watch(
      Shell(fmt::format(
          "mkfifo {0}; setsid sh -c 'echo $$; read go <{0}; exit 7' & exec tail -f /dev/null",
          gate.string())),
      parent, nullptr);
  Result<ChildProcess> adopted = AdoptProcess(IdentityOf(std::stoi(parent.WaitForOutput("\n"))));
  REQUIRE(adopted);
  Collector collector;
  REQUIRE(watcher->Watch(*std::move(adopted), collector, nullptr));
  std::ofstream(gate) << "go\n";
  CHECK(collector.WaitForEnd().kind == ProcessEnd::Kind::kUnknown);
  watcher->Kill(*parents_id);
  parent.WaitForEnd();
}

TEST_CASE("no process is taken for another that had its number") {
  const pid_t process = StartOrphan();
  const std::string identity = IdentityOf(process);
  std::string earlier = identity;
  earlier[earlier.find(' ') + 1] ^= 1;  // Another time of its start.
  CHECK(AdoptProcess(earlier).error().code == ErrorCode::kNotFound);
  for (const char* bad : {"", "x", "1 2 3", "-5 1 a", "12"}) {
    CAPTURE(bad);
    CHECK(AdoptProcess(bad).error().code == ErrorCode::kInvalidArgument);
  }
  CHECK(IdentityOf(0).empty());
  kill(-process, SIGKILL);
}

}  // namespace
}  // namespace livy::internal
