// ApplicationProgress: what the process of spark-submit and the cluster tell of one application,
// taken together.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <livy/clock.h>
#include <livy/launcher.h>

#include "launch/cluster.h"
#include "launch/process_watcher.h"

namespace livy::internal {

// What `end` says by itself. `program` is what people know it by.
ApplicationStatus StatusOf(const ProcessEnd& end, std::string_view program);

// A value without threads or clocks of its own. The rules:
// - Without a cluster, and in its client mode, the process is the driver, and nothing is final
//   before it has ended. A process that failed has failed whatever the cluster says; one that
//   exited with 0 is a success only if the cluster does not say otherwise.
// - In cluster mode the process only submits. A failure of it is final unless the cluster has seen
//   the application run: then, as after a success, the cluster has the word, and what it does not
//   know in time has failed.
class ApplicationProgress {
 public:
  struct Rules {
    bool has_cluster = false;
    bool is_cluster_mode = false;
    bool finds_by_tag = true;  // Else by the id that spark-submit prints.
    // What it does not know any more is not there any more, and not only forgotten for a while.
    bool unknown_is_gone = false;
    std::string cluster = {};                                 // For people: such as "YARN".
    Clock::Duration lookup_timeout = Clock::Duration::max();  // Until the cluster knows it.
  };

  explicit ApplicationProgress(Rules rules) : rules_(std::move(rules)) {}

  // Each of these may change what the functions below tell.
  void OnProcessStart(Clock::TimePoint now);
  void OnProcessEnd(const ProcessEnd& end, Clock::TimePoint now);
  // Without a process: an earlier server's has ended.
  void OnRecovery(std::string app_id, Clock::TimePoint now);
  void OnAppId(std::string app_id);
  void OnKill(Clock::TimePoint now);
  // What the cluster said when it was asked; unset: that it does not know the application.
  void OnReport(const std::optional<ClusterReport>& report, Clock::TimePoint now);
  // The cluster could not be asked; `why` is a sentence.
  void OnSilence(std::string_view why, Clock::TimePoint now);

  const ApplicationStatus& status() const { return status_; }
  bool is_final() const { return IsFinal(status_.state); }
  const std::vector<std::string>& diagnostics() const { return diagnostics_; }

  // Whether the cluster should be told to end the application.
  bool wants_kill() const;

  // Whether an application with this tag that the cluster comes to know later is to be ended,
  // because nobody follows it any more.
  bool is_abandoned() const { return is_abandoned_; }

 private:
  void Decide(Clock::TimePoint now);
  void DecideAfterSubmission(Clock::TimePoint now);
  void DecideWithoutReport(Clock::TimePoint now);
  void End(ApplicationState state, std::string reason, std::optional<int> exit_code);
  void EndByProcess();
  void EndByReport();
  bool IsGone(Clock::TimePoint now) const;
  bool IsLate(Clock::TimePoint since, Clock::TimePoint now) const;

  const Rules rules_;
  ApplicationStatus status_ = {};
  std::optional<ProcessEnd> end_ = {};
  std::optional<ClusterReport> report_ = {};  // The last there was.
  std::vector<std::string> diagnostics_ = {};
  std::string silence_ = {};  // Why the cluster could not be asked; empty once it has answered.
  bool has_process_ = false;
  bool kill_requested_ = false;
  bool is_abandoned_ = false;
  bool was_asked_ = false;          // Since the process has ended.
  bool was_silent_ = false;         // So, when it was to be asked.
  bool is_known_ = true;            // By the last answer of the cluster.
  bool has_run_ = false;            // By any answer of the cluster.
  Clock::TimePoint since_ = {};     // Begin of the launch or of recovery.
  Clock::TimePoint ended_at_ = {};  // The process.
  Clock::TimePoint killed_at_ = {};
  Clock::TimePoint last_known_ = {};
};

}  // namespace livy::internal
