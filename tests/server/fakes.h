// Stand-ins for what surrounds a session.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <livy/clock.h>
#include <livy/launcher.h>
#include <livy/log.h>
#include <livy/store.h>
#include <livy/testing/fake_clock.h>

#include "core/log_slice.h"
#include "driver_link/driver_link.h"
#include "server/interactive_session.h"
#include "server/session_store.h"
#include "server/store_writer.h"
#include "server/timer.h"

namespace livy::internal {

// An application whose end the test decides.
struct ManualProcess {
  ApplicationObserver observer = {};
  std::vector<std::string> lines = {"stdout: ", "\nstderr: "};
  std::string handle = {};
  std::function<void()> on_handle = {};  // Called when it is asked for its handle.
  int kills = 0;
  int forgets = 0;
};

class ManualApplication : public Application {
 public:
  explicit ManualApplication(std::shared_ptr<ManualProcess> process)
      : process_(std::move(process)) {}

  LogPage Log(int from, int size) const override { return PageOfLog(process_->lines, from, size); }
  void ForgetSettings() override { ++process_->forgets; }
  std::string Handle() const override {
    if (process_->on_handle) process_->on_handle();
    return process_->handle;
  }
  void Kill() override { ++process_->kills; }

 private:
  std::shared_ptr<ManualProcess> process_;
};

class ManualLauncher : public Launcher {
 public:
  Result<std::unique_ptr<Application>> Launch(const LaunchRequest& request,
                                              ApplicationObserver observer) override {
    requests.push_back(request);
    if (failure) return *failure;
    processes.push_back(std::make_shared<ManualProcess>());
    processes.back()->observer = std::move(observer);
    processes.back()->on_handle = on_handle;
    if (waits) {
      processes.back()->observer({.is_waiting = true});
    } else {
      processes.back()->handle = "handle of " + request.tag;
      if (ends_at_once) processes.back()->observer({.state = ApplicationState::kFinished});
      if (before_return) before_return();
    }
    return std::make_unique<ManualApplication>(processes.back());
  }
  Result<std::string> HandleFor(const LaunchRequest& request) const override {
    if (refusal) return *refusal;
    return handle_prefix.empty() ? "" : handle_prefix + request.tag;
  }
  Result<std::unique_ptr<Application>> Recover(const std::string& tag, const std::string& handle,
                                               ApplicationObserver observer) override {
    recovered.push_back(tag + " " + handle);
    if (failure) return *failure;
    processes.push_back(std::make_shared<ManualProcess>());
    processes.back()->observer = std::move(observer);
    processes.back()->handle = handle;
    return std::make_unique<ManualApplication>(processes.back());
  }
  std::string Describe() const override { return "by hand"; }

  std::function<void()> before_return = {};
  std::function<void()> on_handle = {};  // Of what is launched.
  std::optional<Error> failure = {};
  std::optional<Error> refusal = {};  // Of what cannot be launched ever.
  bool ends_at_once = false;
  bool waits = false;              // Whether applications wait for their launch.
  std::string handle_prefix = {};  // Of what is known before the launch; empty: nothing is.
  std::vector<LaunchRequest> requests = {};
  std::vector<std::string> recovered = {};
  std::vector<std::shared_ptr<ManualProcess>> processes = {};
};

class RecordedCommands : public DriverCommands {
 public:
  void Send(const DriverCommand& command) override { sent.push_back(command); }
  bool connected() const override { return is_connected; }

  std::vector<DriverCommand> sent = {};
  bool is_connected = true;
};

// A memory store that counts changes and can be told to fail.
class FailingStore : public Store {
 public:
  Result<void> Apply(const std::vector<StoreChange>& changes) override {
    if (const auto hook = std::exchange(before_change, nullptr)) hook();
    if (failure) return *failure;
    for (const StoreChange& change : changes) {
      if (!change.value || change.value->size() <= value_bytes_max) continue;
      return Error{ErrorCode::kInvalidArgument, change.key + " is too large."};
    }
    if (changes.size() > changes_at_once_max) {
      return Error{ErrorCode::kInvalidArgument, "Those are too many changes."};
    }
    ++changes_made;
    return memory_->Apply(changes);
  }
  Result<std::optional<std::string>> Get(std::string_view key) const override {
    if (key == unreadable) return Error{ErrorCode::kUnavailable, "It does not answer."};
    return memory_->Get(key);
  }
  Result<std::vector<std::string>> Children(std::string_view key) const override {
    return memory_->Children(key);
  }

  std::optional<Error> failure = {};
  std::string unreadable = {};                          // A key.
  std::size_t value_bytes_max = std::string::npos;      // Larger ones are refused for good.
  std::size_t changes_at_once_max = std::string::npos;  // More are refused for good.
  std::atomic<int> changes_made = 0;
  std::function<void()> before_change = {};  // Called once.

 private:
  const std::unique_ptr<Store> memory_ = MakeMemoryStore();
};

// Everything that a session needs, with a clock that stands still.
struct SessionFixture {
  explicit SessionFixture(const ServerLimits& limits = {}) : applications(limits.creations_max) {}

  testing::FakeClock clock = {};
  FailingStore backing = {};
  std::unique_ptr<LogSink> log = MakeNullLogSink();
  StoreWriter writer{{}, backing, clock, *log, StoreThread::kCallers};
  SessionStore store{writer};
  HistoryOptions history_options = {.retain = std::chrono::hours(24), .bytes_max = 1 << 20};
  Timer timer{clock};
  SessionHistory history{history_options, store, clock, timer, *log};
  ApplicationCount applications;
  SessionServices services{.store = store,
                           .history = history,
                           .clock = clock,
                           .timer = timer,
                           .log = *log,
                           .applications = applications,
                           .settings = {}};
  ManualLauncher launcher = {};
  std::shared_ptr<RecordedCommands> commands = std::make_shared<RecordedCommands>();
};

}  // namespace livy::internal
