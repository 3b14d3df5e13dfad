// SparkApplication: an Application that is one child process.
#pragma once

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

namespace livy::internal {

// How `end` is shown. `program` is what people know it by.
ApplicationStatus StatusOf(const ProcessEnd& end, std::string_view program);

// Safe to use from several threads. A process that is running when this is destroyed runs on.
class SparkApplication : public Application, private ProcessListener {
 public:
  struct Limits {
    int lines_max = 0;
    int line_bytes_max = 0;
  };

  SparkApplication(Limits limits, ApplicationObserver observer,
                   std::shared_ptr<ProcessWatcher> watcher);
  ~SparkApplication() override;
  SparkApplication(const SparkApplication&) = delete;
  SparkApplication& operator=(const SparkApplication&) = delete;

  // Called once, before all else: tells the observer that the child runs, and follows it to its
  // end. `settings` is removed then at the latest. Fails with kUnavailable; the child is killed
  // then.
  Result<void> Follow(ChildProcess child, std::shared_ptr<PrivateFile> settings);

  LogPage Log(int from, int size) const override;
  void ForgetSettings() override;
  std::string Handle() const override { return handle_; }
  void Kill() override;

 private:
  void OnOutput(OutputStream stream, std::string_view bytes) override;
  void OnEnd(const ProcessEnd& end) override;

  const ApplicationObserver observer_;
  const std::shared_ptr<ProcessWatcher> watcher_;
  ProcessWatcher::Id process_ = 0;  // 0: none.
  std::string handle_ = {};         // Set by Follow().
  LineBuffer out_;                  // For the watcher's thread.
  LineBuffer err_;                  // For the watcher's thread.
  mutable std::mutex mutex_;
  LogBuffer log_;                        // Guarded by mutex_.
  std::weak_ptr<PrivateFile> settings_;  // Guarded by mutex_. Unset once they are forgotten.
};

}  // namespace livy::internal
