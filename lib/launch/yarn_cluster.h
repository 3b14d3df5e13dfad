// YarnCluster: applications as YARN's ResourceManager tells of them, by its REST interface.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "launch/cluster.h"
#include "launch/cluster_http.h"

namespace livy::internal {

// Of an application's state and its final status, both in YARN's words. A success is only what
// both say.
ApplicationState YarnState(std::string_view state, std::string_view final_status);

// Finds applications by the tag of their launch.
class YarnCluster : public Cluster {
 public:
  // `urls`: of the ResourceManagers. `user`: whose name requests carry.
  YarnCluster(std::vector<std::string> urls, std::string user, std::chrono::milliseconds timeout)
      : http_(std::move(urls), timeout), user_(std::move(user)) {}

  Result<Reports> Ask(const std::vector<ClusterKey>& keys) override;
  Result<void> Kill(const ClusterReport& application) override;
  Result<std::string> DriverLog(const ClusterReport& application) override;
  void BreakOff() override { http_.BreakOff(); }
  std::string Describe() const override;

 private:
  Result<void> AskSome(const std::vector<ClusterKey>& keys, std::size_t begin, std::size_t end,
                       Reports& reports);

  ClusterHttp http_;
  const std::string user_;
};

}  // namespace livy::internal
