// SparkApplication: an Application that is one process of spark-submit, and perhaps what a cluster
// runs for it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <livy/clock.h>
#include <livy/launcher.h>
#include <livy/result.h>

#include "files/private_file.h"
#include "launch/application_handle.h"
#include "launch/application_progress.h"
#include "launch/cluster_monitor.h"
#include "launch/line_buffer.h"
#include "launch/log_buffer.h"
#include "launch/process_watcher.h"
#include "launch/submit_queue.h"

namespace livy::internal {

// A process that was started, with the file of its settings.
struct StartedProcess {
  ChildProcess child = {};
  std::shared_ptr<PrivateFile> settings = {};
};
using ProcessStarter = std::function<Result<StartedProcess>()>;

// Safe to use from several threads. What is running when this is destroyed runs on.
class SparkApplication : public Application,
                         private ProcessListener,
                         private ClusterListener,
                         private SubmitQueue::Waiter {
 public:
  struct Parts {
    int log_lines_max = 0;
    int log_line_bytes_max = 0;
    ApplicationObserver observer = {};
    OutputSink output = {};  // Null: nobody keeps it.
    std::shared_ptr<ProcessWatcher> watcher = {};
    std::shared_ptr<SubmitQueue> queue = {};
    std::shared_ptr<ClusterMonitor> monitor = {};  // Null: the process is all there is.
    std::shared_ptr<Clock> clock = {};
    ApplicationProgress::Rules rules = {};
    std::string tag = {};
    ApplicationHandle handle = {};  // But for what is known later.
  };

  explicit SparkApplication(Parts parts);
  ~SparkApplication() override;
  SparkApplication(const SparkApplication&) = delete;
  SparkApplication& operator=(const SparkApplication&) = delete;

  // One of the next three is called once, before all else.

  // Starts the process when its turn comes, and follows it to its end. `start` is called once at
  // most, now or by another thread. Fails if it is called now and fails, and with
  // kResourceExhausted if too many wait.
  Result<void> Begin(ProcessStarter start);

  // Follows a process that runs already, with the file of its settings, if there is one. Fails with
  // kUnavailable.
  Result<void> Adopt(ChildProcess child, std::shared_ptr<PrivateFile> settings);

  // Follows what the cluster runs, by the handle or by the tag.
  void FollowCluster();

  LogPage Log(int from, int size) const override;
  void ForgetSettings() override;
  std::string Handle() const override;
  void Kill() override;

 private:
  bool OnTurn(SubmitQueue::Id id) override;
  void OnOutput(OutputStream stream, std::string_view bytes) override;
  void OnEnd(const ProcessEnd& end) override;
  void OnReport(const std::optional<ClusterReport>& report, Clock::TimePoint now) override;
  void OnSilence(const std::string& why, Clock::TimePoint now) override;
  void OnDriverLog(const std::string& text) override;

  Result<void> Start();
  Result<void> Follow(ChildProcess child, std::shared_ptr<PrivateFile> settings);
  void Watch();
  bool IsDriverInPod() const;
  bool IsDriverOnWorker() const;
  void AddLine(OutputStream stream, std::string line);
  void Settle();
  void Tell(ApplicationStatus status);
  void TellAll();

  const Parts parts_;
  LineBuffer out_;  // For the watcher's thread.
  LineBuffer err_;  // For the watcher's thread.
  mutable std::mutex mutex_;
  ProcessStarter start_ = {};                  // Guarded by mutex_. Empty once it was called.
  SubmitQueue::Id turn_ = 0;                   // Guarded by mutex_. 0: none.
  ProcessWatcher::Id process_ = 0;             // Guarded by mutex_. 0: none.
  ClusterMonitor::Id watch_ = 0;               // Guarded by mutex_. 0: none.
  ApplicationHandle handle_;                   // Guarded by mutex_.
  ApplicationProgress progress_;               // Guarded by mutex_.
  bool kill_requested_ = false;                // Guarded by mutex_.
  bool was_abandoned_ = false;                 // Guarded by mutex_. The monitor knows.
  LogBuffer log_;                              // Guarded by mutex_.
  std::weak_ptr<PrivateFile> settings_;        // Guarded by mutex_. Unset once they are forgotten.
  ApplicationStatus last_ = {};                // Guarded by mutex_. The last that was to be told.
  std::deque<ApplicationStatus> untold_ = {};  // Guarded by mutex_.
  bool is_telling_ = false;                    // Guarded by mutex_. A thread empties untold_.
};

}  // namespace livy::internal
