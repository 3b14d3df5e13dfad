// Cluster: what a cluster manager knows of applications.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <livy/launcher.h>
#include <livy/result.h>

namespace livy::internal {

// How a cluster knows an application. Either may be empty.
struct ClusterKey {
  std::string tag = {};     // The launch's.
  std::string app_id = {};  // The cluster's own id.
};

// One application, as its cluster tells of it.
struct ClusterReport {
  std::string app_id = {};
  ApplicationState state = ApplicationState::kStarting;
  AppInfo info = {};
  std::string reason = {};                    // Why it ended: one sentence.
  std::optional<int> exit_code = {};          // Of its driver, if the cluster tells.
  std::vector<std::string> diagnostics = {};  // For its log.

  bool operator==(const ClusterReport&) const = default;
};

inline bool IsFinal(ApplicationState state) {
  return state != ApplicationState::kStarting && state != ApplicationState::kRunning;
}

// Asked by one thread at a time, which it may block for as long as its own time limits say.
class Cluster {
 public:
  using Reports = std::vector<std::optional<ClusterReport>>;

  virtual ~Cluster() = default;

  // One report for each key, in their order; unset for what the cluster does not know. Fails with
  // kUnavailable if it cannot be asked.
  virtual Result<Reports> Ask(const std::vector<ClusterKey>& keys) = 0;

  // Ends an application that Ask() has told of.
  virtual Result<void> Kill(const std::string& app_id) = 0;

  // For people: such as "YARN at http://rm:8088".
  virtual std::string Describe() const = 0;
};

}  // namespace livy::internal
