// An application must not be destroyed by its own observer's call: see ApplicationObserver.
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

#include "server/batch_session.h"
#include "server/fakes.h"

namespace livy::internal {
namespace {

// What a test sees of an application and of its observer.
struct Watched {
  ApplicationObserver observer = {};
  std::atomic<std::thread::id> telling = {};  // In which thread the observer is being called.
  std::function<void()> when_used = {};       // Called once, when its log or handle is asked for.
  std::promise<bool> destroyed = {};          // Whether that was the observer's call.

  void Tell(const ApplicationStatus& status) {
    telling = std::this_thread::get_id();
    observer(status);
    telling = std::thread::id();
  }
};

class WatchedApplication : public Application {
 public:
  explicit WatchedApplication(Watched& watched) : watched_(watched) {}
  ~WatchedApplication() override {
    watched_.destroyed.set_value(watched_.telling == std::this_thread::get_id());
  }

  LogPage Log(int, int) const override {
    if (const auto call = std::exchange(watched_.when_used, nullptr)) call();
    return {};
  }
  void ForgetSettings() override {}
  std::string Handle() const override {
    if (const auto call = std::exchange(watched_.when_used, nullptr)) call();
    return "handle";
  }
  void Kill() override {}

 private:
  Watched& watched_;
};

class WatchedLauncher : public Launcher {
 public:
  explicit WatchedLauncher(Watched& watched) : watched_(watched) {}

  Result<std::unique_ptr<Application>> Launch(const LaunchRequest&,
                                              ApplicationObserver observer) override {
    watched_.observer = std::move(observer);
    return std::make_unique<WatchedApplication>(watched_);
  }
  Result<std::unique_ptr<Application>> Recover(const std::string&, const std::string&,
                                               ApplicationObserver) override {
    return Error{ErrorCode::kNotFound, "It has ended."};
  }
  std::string Describe() const override { return "watched"; }

 private:
  Watched& watched_;
};

struct Fixture : SessionFixture {
  ~Fixture() { timer.Stop(); }

  // As the roster drops what is removed, while another thread goes on.
  template <typename Entry>
  void DropOnTimer(Entry& entry) {
    std::promise<void> dropped;
    timer.After(Clock::Duration::zero(), [&] {
      entry.DropApplication([] {});
      dropped.set_value();
    });
    dropped.get_future().wait();
  }

  bool WentInObserver() { return watched.destroyed.get_future().get(); }

  Watched watched = {};
  WatchedLauncher watched_launcher{watched};
};

TEST_CASE("an application outlives the call that tells of its end, though its batch is dropped") {
  Fixture f;
  BatchStore store(f.writer);
  BatchServices services = {.store = store,
                            .clock = f.clock,
                            .timer = f.timer,
                            .log = *f.log,
                            .applications = f.applications};
  const auto batch = std::make_shared<BatchSession>(StoredBatch{.id = 1}, services);
  SUBCASE("when it has ended") {
    batch->Start(f.watched_launcher, {}, [&] { f.DropOnTimer(*batch); });
    f.watched.Tell({.state = ApplicationState::kFailed});
  }
  SUBCASE("while what is known of it is stored") {
    batch->Start(f.watched_launcher, {}, [] {});
    f.backing.before_change = [&] { f.DropOnTimer(*batch); };
    f.watched.Tell({.state = ApplicationState::kRunning, .app_id = "application_1_0001"});
  }
  SUBCASE("while its handle is asked for") {
    batch->Start(f.watched_launcher, {}, [] {});
    f.watched.when_used = [&] { f.DropOnTimer(*batch); };
    f.watched.Tell({.state = ApplicationState::kRunning});
  }
  SUBCASE("while its last words are looked for") {
    batch->Start(f.watched_launcher, {}, [] {});
    f.watched.when_used = [&] { f.DropOnTimer(*batch); };
    f.watched.Tell({.state = ApplicationState::kFailed});
  }
  CHECK_FALSE(f.WentInObserver());
}

TEST_CASE("an application outlives the call that tells of its end, though its session is dropped") {
  Fixture f;
  const auto session =
      std::make_shared<InteractiveSession>(1, SessionRequest{}, std::nullopt, f.services);
  const auto start = [&](std::function<void()> ended) {
    session->Start(f.watched_launcher, {},
                   {.record = {.id = 1}, .commands = f.commands, .ended = std::move(ended)});
  };
  SUBCASE("when it has ended") {
    start([&] { f.DropOnTimer(*session); });
    f.watched.Tell({.state = ApplicationState::kFailed});
  }
  SUBCASE("while what is known of it is stored") {
    start([] {});
    f.backing.before_change = [&] { f.DropOnTimer(*session); };
    f.watched.Tell({.state = ApplicationState::kRunning, .app_id = "application_1_0001"});
  }
  SUBCASE("while its handle is asked for") {
    start([] {});
    f.watched.when_used = [&] { f.DropOnTimer(*session); };
    f.watched.Tell({.state = ApplicationState::kRunning});
  }
  SUBCASE("while its last words are looked for") {
    start([] {});
    f.watched.when_used = [&] { f.DropOnTimer(*session); };
    f.watched.Tell({.state = ApplicationState::kFailed});
  }
  CHECK_FALSE(f.WentInObserver());
}

}  // namespace
}  // namespace livy::internal
