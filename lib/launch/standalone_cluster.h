// StandaloneCluster: drivers in cluster mode, as the master of a standalone cluster tells of them
// on its web pages, and their logs, as their workers do.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <livy/launcher.h>
#include <livy/result.h>

#include "launch/cluster.h"
#include "launch/cluster_http.h"

namespace livy::internal {

// A driver's id in a line that spark-submit writes, such as "driver-20260102030405-0006".
std::optional<std::string> StandaloneIdIn(std::string_view line);

// Spark writes texts of a request to spark-submit's output, where one could be taken for the line
// with the driver's id, and another's driver for this one. Fails with kInvalidArgument and what has
// such a text.
Result<void> CheckNamesNoDriver(const LaunchRequest& request);

// Of a driver's state in Spark's words.
ApplicationState StandaloneState(std::string_view state);

// Where the web pages of the masters in "spark://a:7077,b:7077" are if nobody says otherwise.
std::vector<std::string> WebPagesOf(std::string_view master);

// Finds drivers by their ids only.
class StandaloneCluster : public Cluster {
 public:
  // `urls`: of the masters' web pages.
  StandaloneCluster(std::vector<std::string> urls, std::chrono::milliseconds timeout)
      : http_(std::move(urls), timeout), timeout_(timeout) {}

  Result<Reports> Ask(const std::vector<ClusterKey>& keys) override;
  Result<void> Kill(const ClusterReport& application) override;
  Result<std::string> DriverLog(const ClusterReport& application) override;
  void BreakOff() override { http_.BreakOff(); }
  std::string Describe() const override;

 private:
  ClusterHttp http_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace livy::internal
