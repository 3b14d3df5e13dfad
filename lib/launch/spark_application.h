// SparkApplication: an Application that is one child process.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <livy/launcher.h>
#include <livy/result.h>

#include "files/private_file.h"
#include "launch/line_buffer.h"
#include "launch/log_buffer.h"
#include "launch/process_watcher.h"
#include "launch/submit_queue.h"

namespace livy::internal {

// How `end` is shown. `program` is what people know it by.
ApplicationStatus StatusOf(const ProcessEnd& end, std::string_view program);

// A process that was started, with the file of its settings.
struct StartedProcess {
  ChildProcess child = {};
  std::shared_ptr<PrivateFile> settings = {};
};
using ProcessStarter = std::function<Result<StartedProcess>()>;

// Safe to use from several threads. A process that is running when this is destroyed runs on.
class SparkApplication : public Application, private ProcessListener, private SubmitQueue::Waiter {
 public:
  struct Limits {
    int lines_max = 0;
    int line_bytes_max = 0;
  };

  // `output` may be null.
  SparkApplication(Limits limits, ApplicationObserver observer, OutputSink output,
                   std::shared_ptr<ProcessWatcher> watcher, std::shared_ptr<SubmitQueue> queue);
  ~SparkApplication() override;
  SparkApplication(const SparkApplication&) = delete;
  SparkApplication& operator=(const SparkApplication&) = delete;

  // Starts the process when its turn comes, and follows it to its end. `start` is called once at
  // most, now or by another thread. Fails if it is called now and fails, and with
  // kResourceExhausted if too many wait. This or Adopt() is called once, before all else.
  Result<void> Begin(ProcessStarter start);

  // Follows a process that runs already. Fails with kUnavailable.
  Result<void> Adopt(ChildProcess child);

  LogPage Log(int from, int size) const override;
  void ForgetSettings() override;
  std::string Handle() const override;
  void Kill() override;

 private:
  bool OnTurn(SubmitQueue::Id id) override;
  void OnOutput(OutputStream stream, std::string_view bytes) override;
  void OnEnd(const ProcessEnd& end) override;

  Result<void> Start();
  Result<void> Follow(ChildProcess child, std::shared_ptr<PrivateFile> settings);
  void Tell(ApplicationStatus status);
  void TellAll();

  const ApplicationObserver observer_;
  const OutputSink output_;
  const std::shared_ptr<ProcessWatcher> watcher_;
  const std::shared_ptr<SubmitQueue> queue_;
  LineBuffer out_;  // For the watcher's thread.
  LineBuffer err_;  // For the watcher's thread.
  mutable std::mutex mutex_;
  ProcessStarter start_ = {};                  // Guarded by mutex_. Empty once it was called.
  SubmitQueue::Id turn_ = 0;                   // Guarded by mutex_. 0: none.
  ProcessWatcher::Id process_ = 0;             // Guarded by mutex_. 0: none.
  std::string handle_ = {};                    // Guarded by mutex_. Empty without a process.
  bool kill_requested_ = false;                // Guarded by mutex_.
  LogBuffer log_;                              // Guarded by mutex_.
  std::weak_ptr<PrivateFile> settings_;        // Guarded by mutex_. Unset once they are forgotten.
  std::deque<ApplicationStatus> untold_ = {};  // Guarded by mutex_.
  bool is_telling_ = false;                    // Guarded by mutex_. A thread empties untold_.
};

}  // namespace livy::internal
