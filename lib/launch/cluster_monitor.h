// ClusterMonitor: one thread that asks a cluster about all its applications.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <livy/clock.h>
#include <livy/log.h>
#include <livy/result.h>

#include "launch/cluster.h"

namespace livy::internal {

// Called by the monitor's thread, one call at a time for all applications.
class ClusterListener {
 public:
  virtual ~ClusterListener() = default;

  // What the cluster said; unset: that it does not know the application.
  virtual void OnReport(const std::optional<ClusterReport>& report, Clock::TimePoint now) = 0;

  // The cluster could not be asked; `why` is a sentence.
  virtual void OnSilence(const std::string& why, Clock::TimePoint now) = 0;

  // The end of what the driver has written: before its end is reported, and when it was wanted.
  virtual void OnDriverLog(const std::string& text) = 0;
};

// What becomes of a driver that has ended in order, where the cluster keeps such.
enum class AfterEnd { kStays, kIsRemoved };

struct MonitorLimits {
  Clock::Duration poll_interval = std::chrono::seconds(5);
  Clock::Duration leak_interval = std::chrono::seconds(60);  // Between looks at what was abandoned.
  Clock::Duration leak_timeout = std::chrono::seconds(600);  // How long one is looked for.
  std::size_t leaks_max = 10000;                             // The oldest goes first.
  int logs_at_once = 50;  // Wanted logs that are fetched at one poll; the others wait.
  // What one answer with a log may take. What all may take at one poll is made of it, so that they
  // do not hold up the news for long.
  Clock::Duration log_timeout = std::chrono::seconds(10);
};

// Cluster managers tell of nothing by themselves, so they are asked: all applications of a place in
// one go, every interval while there are any; at once, and a few times faster after that, when
// there is reason to expect news. Safe to use from several threads; must not be destroyed by a
// listener.
class ClusterMonitor {
 public:
  using Id = std::uint64_t;  // 0: none.

  // `clock` and `log` must be there until Stop(). Fails with kUnavailable if the system has no
  // threads left.
  static Result<std::unique_ptr<ClusterMonitor>> Create(std::unique_ptr<Cluster> cluster,
                                                        MonitorLimits limits, Clock& clock,
                                                        LogSink& log);
  ~ClusterMonitor() { Stop(); }
  ClusterMonitor(const ClusterMonitor&) = delete;
  ClusterMonitor& operator=(const ClusterMonitor&) = delete;

  // Asks no more, and calls nobody. Breaks a request in progress off. Harmless when repeated.
  void Stop();

  // Asks about the application until Forget().
  Id Watch(ClusterKey key, ClusterListener& listener, AfterEnd after_end = AfterEnd::kStays);

  // What the cluster is asked by from now on.
  void SetAppId(Id id, std::string app_id);

  // Somebody reads the driver's log: it is fetched at the next poll.
  void WantLog(Id id);

  // There may be news.
  void PollSoon();

  // Asks the cluster to end it, at each poll until Forget(). Does not block.
  void Kill(Id id);

  // Asks about it no more. A call may be in progress.
  void Drop(Id id);

  // Calls the listener no more; waits for a call in progress unless that makes this one.
  void Forget(Id id);

  // Ends an application of which nobody hears any more, if the cluster should come to know it.
  void KillWhenSeen(ClusterKey key);

 private:
  struct Watched {
    ClusterKey key = {};
    ClusterListener* listener = nullptr;
    AfterEnd after_end = AfterEnd::kStays;
    bool to_kill = false;
    bool wants_log = false;
  };
  struct Leak {
    ClusterKey key = {};
    Clock::TimePoint until = {};
  };

  struct Look {
    Id id = 0;  // 0: at something abandoned.
    ClusterKey key = {};
  };

  ClusterMonitor(std::unique_ptr<Cluster> cluster, MonitorLimits limits, Clock& clock,
                 LogSink& log);

  void Run();
  void Poll();
  bool IsStopping();
  std::map<std::string, std::vector<Look>> LooksByPlace();
  bool LooksAtLeaks(Clock::TimePoint now);
  void Tell(const Look& look, const std::optional<ClusterReport>& report);
  void TellSilence(const Look& look, const std::string& why);
  std::optional<Watched> BeginCall(Id id);
  std::optional<Watched> EndCall(Id id);
  std::optional<std::string> FetchLog(const Look& look, const ClusterReport& report);
  void Note(const std::string& place, const Result<Cluster::Reports>& reports);
  bool KillNow(const ClusterReport& report);
  void WriteOnce(LogLevel level, std::string line, std::string_view why = "");
  void DropLeak(const std::string& tag);

  const std::unique_ptr<Cluster> cluster_;  // For the monitor's thread, but for BreakOff().
  const MonitorLimits limits_;
  Clock& clock_;
  LogSink& log_;
  std::set<std::string> silent_ = {};       // For the monitor's thread. Places.
  std::set<std::string> told_ = {};         // For the monitor's thread. Of kills, at this poll.
  std::set<std::string> told_before_ = {};  // For the monitor's thread. At the last one.
  bool is_log_refused_ = false;             // For the monitor's thread.
  int logs_left_ = 0;                       // For the monitor's thread. Of this poll.
  Clock::Duration log_time_ = {};     // For the monitor's thread. That logs took at this poll.
  Clock::TimePoint poll_begin_ = {};  // For the monitor's thread.
  // For the monitor's thread. Hosts or places whose logs did not come, and when that was last.
  std::map<std::string, Clock::TimePoint> silent_logs_ = {};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable called_;
  std::map<Id, Watched> watched_;         // Guarded by mutex_.
  std::vector<Leak> leaks_;               // Guarded by mutex_. Oldest first.
  Id last_id_ = 0;                        // Guarded by mutex_.
  Id calling_ = 0;                        // Guarded by mutex_.
  Clock::TimePoint next_poll_ = {};       // Guarded by mutex_.
  Clock::TimePoint next_leak_look_ = {};  // Guarded by mutex_.
  int quick_polls_ = 0;                   // Guarded by mutex_. Still to come.
  bool is_stopping_ = false;              // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace livy::internal
