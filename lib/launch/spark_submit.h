// SparkSubmitLauncher: a Launcher by spark-submit.
#pragma once

#include <compare>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <livy/clock.h>
#include <livy/launcher.h>
#include <livy/log.h>
#include <livy/result.h>

#include "launch/application_handle.h"
#include "launch/cluster_monitor.h"
#include "launch/process_watcher.h"
#include "launch/spark_application.h"
#include "launch/spark_runtime.h"
#include "launch/submit_queue.h"

namespace livy::internal {

// Where a cluster is found.
struct ClusterPlace {
  std::filesystem::path hadoop_conf_dir = {};  // Of YARN.
  std::vector<std::string> urls = {};          // Of YARN: empty if Hadoop's settings say them.

  auto operator<=>(const ClusterPlace&) const = default;
};

// Safe to use from several threads. Applications may outlive it; those that wait for their turn
// then wait for ever.
class SparkSubmitLauncher : public Launcher {
 public:
  ~SparkSubmitLauncher() override;

  // As MakeSparkSubmitLauncher().
  static Result<std::unique_ptr<Launcher>> Create(const SparkSubmitOptions& options, LogSink& log);

  Result<std::unique_ptr<Application>> Launch(const LaunchRequest& request,
                                              ApplicationObserver observer) override;
  Result<std::string> HandleFor(const LaunchRequest& request) const override;
  Result<std::unique_ptr<Application>> Recover(const std::string& tag, const std::string& handle,
                                               ApplicationObserver observer) override;
  void StopLaunching() override { queue_->Close(); }
  std::string Describe() const override;

 private:
  SparkSubmitLauncher(SparkSubmitOptions options, Runtimes runtimes,
                      std::filesystem::path driver_jar, LogSink& log);

  struct Plan {
    const Runtime* runtime = nullptr;
    Properties settings = {};
    ApplicationHandle handle = {};
  };

  Result<Plan> PlanFor(const LaunchRequest& request) const;
  Result<StartedProcess> Start(const LaunchRequest& request, const Runtime& runtime,
                               const Properties& settings) const;
  std::unique_ptr<SparkApplication> MakeApplication(const std::string& tag,
                                                    ApplicationHandle handle,
                                                    std::shared_ptr<ClusterMonitor> monitor,
                                                    ApplicationObserver observer,
                                                    OutputSink output);
  const Runtime* FindRuntime(const std::string& name) const;  // Null if there is none.
  Result<std::shared_ptr<ClusterMonitor>> MonitorFor(const ApplicationHandle& handle,
                                                     const Runtime& runtime);
  Result<std::shared_ptr<ClusterMonitor>> MonitorAgain(const std::string& tag,
                                                       const ApplicationHandle& handle);

  const SparkSubmitOptions options_;
  const Runtimes runtimes_;
  const std::filesystem::path driver_jar_;
  LogSink& log_;
  std::shared_ptr<ProcessWatcher> watcher_;
  std::shared_ptr<SubmitQueue> queue_;
  const std::shared_ptr<Clock> clock_ = MakeSystemClock();
  std::mutex mutex_;
  std::map<ClusterPlace, std::shared_ptr<ClusterMonitor>> monitors_;  // Guarded by mutex_.
};

}  // namespace livy::internal
