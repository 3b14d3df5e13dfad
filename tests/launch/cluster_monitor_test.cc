// When a cluster is asked, about what, and what it is told, by a clock of the test's.
#include "launch/cluster_monitor.h"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <livy/log.h>
#include <livy/testing/fake_clock.h>

#include "fake_spark.h"

namespace livy::internal {
namespace {

using std::chrono::seconds;
using testing::Eventually;
using testing::FakeClock;
using enum ApplicationState;

// What the cluster knows and was told. The monitor owns the Cluster, the test owns this.
struct World {
  std::mutex mutex;
  std::map<std::string, ClusterReport> by_tag;  // Guarded by mutex.
  std::vector<std::size_t> asked;               // Guarded by mutex. Number of keys.
  std::vector<std::string> killed;              // Guarded by mutex.
  bool is_silent = false;                       // Guarded by mutex.
};

class FakeCluster : public Cluster {
 public:
  explicit FakeCluster(World& world) : world_(world) {}
  Result<Reports> Ask(const std::vector<ClusterKey>& keys) override {
    const std::lock_guard lock(world_.mutex);
    world_.asked.push_back(keys.size());
    if (world_.is_silent) return Error{ErrorCode::kUnavailable, "No answer."};
    Reports reports;
    for (const ClusterKey& key : keys) {
      const auto found = world_.by_tag.find(key.tag);
      reports.push_back(found == world_.by_tag.end() ? std::nullopt : std::optional(found->second));
    }
    return reports;
  }
  Result<void> Kill(const std::string& app_id) override {
    const std::lock_guard lock(world_.mutex);
    world_.killed.push_back(app_id);
    return {};
  }
  std::string Describe() const override { return "a fake"; }

 private:
  World& world_;
};

struct Listener : ClusterListener {
  void OnReport(const std::optional<ClusterReport>& report, Clock::TimePoint) override {
    const std::lock_guard lock(mutex);
    heard.push_back(report ? report->app_id : "unknown");
  }
  void OnSilence(Clock::TimePoint) override {
    const std::lock_guard lock(mutex);
    heard.push_back("silence");
  }
  std::vector<std::string> all() {
    const std::lock_guard lock(mutex);
    return heard;
  }
  std::mutex mutex;
  std::vector<std::string> heard;  // Guarded by mutex.
};

// Listeners are declared before it: its monitor calls them until it goes.
struct Fixture {
  std::size_t asked() {
    const std::lock_guard lock(world.mutex);
    return world.asked.size();
  }
  void Know(const std::string& tag, ApplicationState state) {
    const std::lock_guard lock(world.mutex);
    world.by_tag[tag] = {.app_id = "id of " + tag, .state = state};
  }
  // Lets time pass until the cluster has been asked `count` times in all.
  bool AskedAfter(seconds time, std::size_t count) {
    clock.Advance(time);
    return Eventually([&] { return asked() >= count; });
  }
  std::vector<std::string> killed() {
    const std::lock_guard lock(world.mutex);
    return world.killed;
  }

  World world;
  FakeClock clock;
  std::unique_ptr<LogSink> log = MakeNullLogSink();
  ClusterMonitor monitor{std::make_unique<FakeCluster>(world), {}, clock, *log};
};

TEST_CASE("all applications of a cluster are asked about at once, every interval") {
  Listener first;
  Listener second;
  Fixture f;
  f.monitor.Watch({.tag = "a"}, first);
  const ClusterMonitor::Id id = f.monitor.Watch({.tag = "b"}, second);
  f.Know("b", kRunning);
  CHECK(f.asked() == 0);
  CHECK(f.AskedAfter(seconds(5), 1));
  CHECK(Eventually([&] { return second.all().size() == 1; }));
  CHECK(first.all() == std::vector<std::string>{"unknown"});
  CHECK(second.all() == std::vector<std::string>{"id of b"});
  f.monitor.Forget(id);
  CHECK(f.AskedAfter(seconds(5), 2));
  CHECK(Eventually([&] { return first.all().size() == 2; }));
  CHECK(second.all().size() == 1);
  CHECK(f.world.asked == std::vector<std::size_t>{2, 1});
}

TEST_CASE("news that is expected is asked for soon, and a few times in short intervals") {
  Listener listener;
  Fixture f;
  f.monitor.Watch({.tag = "a"}, listener);
  f.monitor.PollSoon();
  CHECK(f.AskedAfter(seconds(1), 1));
  for (std::size_t count = 2; count < 6; ++count) {
    CHECK(Eventually([&] { return listener.all().size() == count - 1; }));
    CHECK(f.AskedAfter(seconds(1), count));
  }
}

TEST_CASE("a cluster that does not answer is silence, and asked again") {
  Listener listener;
  Fixture f;
  f.world.is_silent = true;
  f.monitor.Watch({.tag = "a"}, listener);
  CHECK(f.AskedAfter(seconds(5), 1));
  CHECK(Eventually([&] { return listener.all().size() == 1; }));
  {
    const std::lock_guard lock(f.world.mutex);
    f.world.is_silent = false;
  }
  CHECK(f.AskedAfter(seconds(5), 2));
  CHECK(Eventually([&] { return listener.all().size() == 2; }));
  CHECK(listener.all() == std::vector<std::string>{"silence", "unknown"});
}

TEST_CASE("an application is ended once the cluster knows it, and until it has ended") {
  Listener listener;
  Fixture f;
  const ClusterMonitor::Id id = f.monitor.Watch({.tag = "a"}, listener);
  f.monitor.Kill(id);
  CHECK(f.AskedAfter(seconds(1), 1));
  CHECK(Eventually([&] { return listener.all().size() == 1; }));
  CHECK(f.killed().empty());
  f.Know("a", kRunning);
  CHECK(f.AskedAfter(seconds(1), 2));
  CHECK(Eventually([&] { return f.killed().size() == 1; }));
  CHECK(f.AskedAfter(seconds(1), 3));
  CHECK(Eventually([&] { return f.killed().size() == 2; }));
  f.Know("a", kKilled);
  CHECK(f.AskedAfter(seconds(1), 4));
  CHECK(Eventually([&] { return listener.all().size() == 4; }));
  CHECK(f.killed() == std::vector<std::string>{"id of a", "id of a"});
}

TEST_CASE("what was given up is ended if it comes late, and is looked for no longer than it says") {
  Listener listener;
  Fixture f;
  const ClusterMonitor::Id id = f.monitor.Watch({.tag = "other"}, listener);
  f.monitor.KillWhenSeen({.tag = "late"});
  f.monitor.KillWhenSeen({.tag = "never"});
  f.monitor.Drop(id);
  CHECK(f.AskedAfter(seconds(1), 1));
  f.Know("late", kStarting);
  std::size_t looks = 1;
  while (looks < 20 && f.killed().empty()) {
    f.clock.Advance(seconds(60));
    ++looks;
    Eventually([&] { return f.asked() >= looks; });
    Eventually([&] { return !f.killed().empty(); });
  }
  CHECK(f.killed() == std::vector<std::string>{"id of late"});
  f.clock.Advance(seconds(600));
  f.Know("never", kRunning);
  f.clock.Advance(seconds(600));
  CHECK(f.killed() == std::vector<std::string>{"id of late"});
}

}  // namespace
}  // namespace livy::internal
