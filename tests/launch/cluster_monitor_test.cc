// When a cluster is asked, about what, and what it is told, by a clock of the test's.
#include "launch/cluster_monitor.h"

#include <atomic>
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
  std::string silent_place = {};                // Guarded by mutex.
  std::atomic<bool> is_stuck = false;           // Answers are not given before BreakOff().
  std::atomic<bool> is_asked = false;           // While it is stuck.
  std::atomic<bool> is_broken_off = false;
  int logs = 0;                // Guarded by mutex. Asked for.
  bool is_silent = false;      // Guarded by mutex.
  bool has_logs = false;       // Guarded by mutex.
  bool refuses_kills = false;  // Guarded by mutex.
  FakeClock clock;
};

class FakeCluster : public Cluster {
 public:
  explicit FakeCluster(World& world) : world_(world) {}
  Result<Reports> Ask(const std::vector<ClusterKey>& keys) override {
    if (world_.is_stuck) {
      world_.is_asked = true;
      world_.is_asked.notify_all();
      world_.is_broken_off.wait(false);
      return Error{ErrorCode::kUnavailable, "Broken off."};
    }
    const std::lock_guard lock(world_.mutex);
    world_.asked.push_back(keys.size());
    if (world_.is_silent) return Error{ErrorCode::kUnavailable, "No answer."};
    if (!keys[0].place.empty() && keys[0].place == world_.silent_place)
      return Error{ErrorCode::kPermissionDenied, "Not you."};
    Reports reports;
    for (const ClusterKey& key : keys) {
      const auto found = world_.by_tag.find(key.tag);
      reports.push_back(found == world_.by_tag.end() ? std::nullopt : std::optional(found->second));
    }
    return reports;
  }
  Result<void> Kill(const ClusterReport& application) override {
    const std::lock_guard lock(world_.mutex);
    world_.killed.push_back(application.app_id);
    if (world_.refuses_kills) return Error{ErrorCode::kPermissionDenied, "Not you."};
    return {};
  }
  Result<std::string> DriverLog(const ClusterReport& application) override {
    const std::lock_guard lock(world_.mutex);
    ++world_.logs;
    if (application.app_id == "id of refused") return Error{ErrorCode::kUnavailable, "Status 500."};
    if (application.location.log_host.starts_with("silent")) {
      world_.clock.Advance(MonitorLimits().log_timeout);
      return Error{ErrorCode::kUnavailable, "No answer."};
    }
    if (world_.has_logs) return "written by " + application.app_id;
    return Error{ErrorCode::kNotFound, "No log."};
  }
  void BreakOff() override {
    world_.is_broken_off = true;
    world_.is_broken_off.notify_all();
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
  void OnSilence(const std::string& why, Clock::TimePoint) override {
    const std::lock_guard lock(mutex);
    heard.push_back(why);
  }
  void OnDriverLog(const std::string& text) override {
    const std::lock_guard lock(mutex);
    heard.push_back(text);
  }
  std::vector<std::string> all() {
    const std::lock_guard lock(mutex);
    return heard;
  }
  std::mutex mutex;
  std::vector<std::string> heard;  // Guarded by mutex.
};

// Counts what is written.
class CountingLog : public LogSink {
 public:
  CountingLog(std::atomic<int>& warnings, std::atomic<int>& news)
      : warnings_(warnings), news_(news) {}
  void Write(LogLevel level, std::string_view, std::string_view) override {
    ++(level == LogLevel::kWarning ? warnings_ : news_);
  }

 private:
  std::atomic<int>& warnings_;
  std::atomic<int>& news_;
};

// Listeners are declared before it: its monitor calls them until it goes.
struct Fixture {
  explicit Fixture(MonitorLimits limits = {})
      : owned(ClusterMonitor::Create(std::make_unique<FakeCluster>(world), limits, clock, log)
                  .value()) {}

  std::size_t asked() {
    const std::lock_guard lock(world.mutex);
    return world.asked.size();
  }
  void Know(const std::string& tag, ApplicationState state, const std::string& log_host = "") {
    const std::lock_guard lock(world.mutex);
    world.by_tag[tag] = {
        .app_id = "id of " + tag, .state = state, .location = {.log_host = log_host}};
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
  FakeClock& clock = world.clock;
  std::atomic<int> warnings = 0;
  std::atomic<int> news = 0;
  CountingLog log{warnings, news};
  std::unique_ptr<ClusterMonitor> owned;
  ClusterMonitor& monitor = *owned;
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
  CHECK(listener.all() == std::vector<std::string>{"No answer.", "unknown"});
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

TEST_CASE("what does not end, or cannot be ended, is tried again, and told of once") {
  for (const bool refuses : {false, true}) {
    CAPTURE(refuses);
    Listener listener;
    Fixture f;
    f.world.refuses_kills = refuses;
    f.Know("a", kRunning);
    f.monitor.Kill(f.monitor.Watch({.tag = "a"}, listener));
    for (std::size_t count = 1; count < 5; ++count) {
      CHECK(f.AskedAfter(seconds(1), count));
      CHECK(Eventually([&] { return f.killed().size() == count; }));
    }
    CHECK(f.warnings == (refuses ? 1 : 0));
    CHECK(f.news == (refuses ? 0 : 1));
  }
}

TEST_CASE("what is being ended is not ended again") {
  Listener listener;
  Fixture f;
  f.world.by_tag["a"] = {.app_id = "a", .state = kRunning, .reason = "its pod was deleted"};
  f.monitor.Kill(f.monitor.Watch({.tag = "a"}, listener));
  CHECK(f.AskedAfter(seconds(1), 1));
  CHECK(Eventually([&] { return listener.all().size() == 1; }));
  CHECK(f.AskedAfter(seconds(1), 2));
  CHECK(f.killed().empty());
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

TEST_CASE("a place that we may not ask about is silent by itself, and the others answer") {
  Listener first;
  Listener second;
  Fixture f;
  f.world.silent_place = "theirs";
  f.monitor.Watch({.tag = "a", .place = "ours"}, first);
  f.monitor.Watch({.tag = "b", .place = "theirs"}, second);
  CHECK(f.AskedAfter(seconds(5), 2));
  CHECK(Eventually([&] { return first.all().size() + second.all().size() == 2; }));
  CHECK(first.all() == std::vector<std::string>{"unknown"});
  CHECK(second.all() == std::vector<std::string>{"Not you."});
}

TEST_CASE("a cluster that is not there is asked about one place, and silent in all") {
  Listener first;
  Listener second;
  Fixture f;
  f.world.is_silent = true;
  f.monitor.Watch({.tag = "a", .place = "ours"}, first);
  f.monitor.Watch({.tag = "b", .place = "theirs"}, second);
  CHECK(f.AskedAfter(seconds(5), 1));
  CHECK(Eventually([&] { return first.all().size() + second.all().size() == 2; }));
  CHECK(first.all() == second.all());
  CHECK(f.asked() == 1);
}

TEST_CASE("a driver's log is fetched when it is wanted, and before its end is told") {
  using Heard = std::vector<std::string>;
  Listener listener;
  Fixture f;
  f.world.has_logs = true;
  f.Know("a", kRunning);
  const ClusterMonitor::Id id = f.monitor.Watch({.tag = "a"}, listener);
  CHECK(f.AskedAfter(seconds(5), 1));
  CHECK(Eventually([&] { return listener.all().size() == 1; }));
  CHECK(listener.all() == Heard{"id of a"});
  f.monitor.WantLog(id);
  CHECK(f.AskedAfter(seconds(5), 2));
  CHECK(Eventually([&] { return listener.all().size() == 3; }));
  CHECK(listener.all() == Heard{"id of a", "written by id of a", "id of a"});
  f.Know("a", kFailed);
  CHECK(f.AskedAfter(seconds(5), 3));
  CHECK(Eventually([&] { return listener.all().size() == 5; }));
  CHECK(listener.all()[3] == "written by id of a");
  CHECK(f.killed().empty());
}

TEST_CASE("of wanted logs no more are fetched at one poll than the limit says") {
  std::vector<Listener> listeners(60);
  Fixture f;
  f.world.has_logs = true;
  for (Listener& listener : listeners) {
    f.Know("a", kRunning);
    f.monitor.WantLog(f.monitor.Watch({.tag = "a"}, listener));
  }
  const auto heard = [&] {
    std::size_t count = 0;
    for (Listener& listener : listeners)
      count += listener.all().size();
    return count;
  };
  CHECK(f.AskedAfter(seconds(5), 1));
  CHECK(Eventually([&] { return heard() == 60 + 50; }));
  CHECK(f.AskedAfter(seconds(5), 2));
  CHECK(Eventually([&] { return heard() == 2 * 60 + 60; }));
}

// Polls once, however long that takes.
constexpr MonitorLimits kOnePoll = {.poll_interval = std::chrono::hours(1)};
constexpr seconds kItsTime{3600};

TEST_CASE("a log that is refused at once costs no other its own") {
  Listener refused;
  Listener other;
  Fixture f(kOnePoll);
  f.world.has_logs = true;
  f.Know("refused", kRunning);
  f.Know("other", kFailed);
  f.monitor.WantLog(f.monitor.Watch({.tag = "refused"}, refused));
  f.monitor.Watch({.tag = "other"}, other);
  CHECK(f.AskedAfter(kItsTime, 1));
  CHECK(Eventually([&] { return other.all().size() == 2; }));
  CHECK(other.all()[0] == "written by id of other");
}

TEST_CASE("logs that do not come are tried once in a poll at each host, and ends are told") {
  std::vector<Listener> listeners(20);
  Listener other;
  Fixture f(kOnePoll);
  f.world.has_logs = true;
  f.Know("a", kFailed, "silent");
  f.Know("other", kFailed, "another");
  for (Listener& listener : listeners)
    f.monitor.Watch({.tag = "a"}, listener);
  f.monitor.Watch({.tag = "other"}, other);
  CHECK(f.AskedAfter(kItsTime, 1));
  CHECK(Eventually([&] { return other.all().size() == 2; }));
  CHECK(other.all()[0] == "written by id of other");
  for (Listener& listener : listeners)
    CHECK(listener.all() == std::vector<std::string>{"id of a"});
  const std::lock_guard lock(f.world.mutex);
  CHECK(f.world.logs == 2);
}

TEST_CASE("logs that do not come take a few times their time of a poll, those of ends the most") {
  constexpr int kHosts = 20;
  std::vector<Listener> wanted(kHosts);
  std::vector<Listener> ended(kHosts);
  Fixture f(kOnePoll);
  f.world.has_logs = true;
  for (int i = 0; i < kHosts; ++i) {
    const std::string tag = std::to_string(i);
    f.Know(tag, kRunning, "silent" + tag);
    f.monitor.WantLog(f.monitor.Watch({.tag = tag}, wanted[static_cast<std::size_t>(i)]));
  }
  for (int i = 0; i < kHosts; ++i) {
    const std::string tag = "ended" + std::to_string(i);
    f.Know(tag, kFailed, i == 0 ? "another" : "silent" + tag);
    f.monitor.Watch({.tag = tag}, ended[static_cast<std::size_t>(i)]);
  }
  CHECK(f.AskedAfter(kItsTime, 1));
  CHECK(Eventually([&] { return ended.back().all().size() == 1; }));
  CHECK(ended[0].all().size() == 2);
  const std::lock_guard lock(f.world.mutex);
  CHECK(f.world.logs == 4);
}

TEST_CASE("a host whose logs do not come is left alone for a while by those who only read") {
  Listener silent;
  Listener other;
  Fixture f({.poll_interval = seconds(30)});
  f.world.has_logs = true;
  f.Know("silent", kRunning, "silent");
  f.Know("other", kRunning, "another");
  const ClusterMonitor::Id id = f.monitor.Watch({.tag = "silent"}, silent);
  f.monitor.WantLog(id);
  f.monitor.WantLog(f.monitor.Watch({.tag = "other"}, other));
  CHECK(f.AskedAfter(seconds(30), 1));
  CHECK(Eventually([&] { return other.all().size() == 1; }));  // No time is left for its log.
  f.monitor.WantLog(id);
  CHECK(f.AskedAfter(seconds(30), 2));
  CHECK(Eventually([&] { return other.all().size() == 3; }));
  CHECK(other.all()[1] == "written by id of other");
  CHECK(f.AskedAfter(seconds(60), 3));
  CHECK(Eventually([&] { return silent.all().size() == 3; }));
  const std::lock_guard lock(f.world.mutex);
  CHECK(f.world.logs == 3);  // It is tried again.
}

TEST_CASE("what has finished is removed where that is wanted, and only that") {
  Listener first;
  Listener second;
  Listener third;
  Fixture f;
  f.Know("a", kFinished);
  f.Know("b", kFailed);
  f.Know("c", kFinished);
  f.monitor.Watch({.tag = "a"}, first, AfterEnd::kIsRemoved);
  f.monitor.Watch({.tag = "b"}, second, AfterEnd::kIsRemoved);
  f.monitor.Watch({.tag = "c"}, third);
  CHECK(f.AskedAfter(seconds(5), 1));
  CHECK(Eventually([&] { return third.all().size() == 1; }));
  CHECK(f.killed() == std::vector<std::string>{"id of a"});
}

TEST_CASE("a monitor that stops breaks its question off, and tells nobody that it had no answer") {
  Listener listener;
  Fixture f;
  f.world.is_stuck = true;
  f.monitor.Watch({.tag = "a"}, listener);
  f.monitor.PollSoon();
  f.clock.Advance(seconds(1));
  f.world.is_asked.wait(false);
  f.monitor.Stop();
  CHECK(listener.all().empty());
  CHECK(f.warnings == 0);
}

}  // namespace
}  // namespace livy::internal
