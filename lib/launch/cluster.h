// Cluster: what a cluster manager knows of applications.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <livy/launcher.h>
#include <livy/result.h>

namespace livy::internal {

// How a cluster knows an application. Each may be empty.
struct ClusterKey {
  std::string tag = {};     // The launch's.
  std::string app_id = {};  // The cluster's own id.
  std::string place = {};   // What part of the cluster it is in: a namespace of Kubernetes.
};

// Where a cluster has what an application's driver runs in. Empty where its id is enough.
struct ClusterLocation {
  std::string path = {};       // In the cluster's interface.
  std::string uid = {};        // Of no other that ever was there.
  std::string container = {};  // That has the driver's log.
  std::string log_host = {};   // The URL of what has the driver's log, if not of the cluster.

  bool operator==(const ClusterLocation&) const = default;
};

// One application, as its cluster tells of it.
struct ClusterReport {
  std::string app_id = {};
  ApplicationState state = ApplicationState::kStarting;
  AppInfo info = {};
  std::string reason = {};                    // Why it ended, or is being ended: one sentence.
  std::optional<int> exit_code = {};          // Of its driver, if the cluster tells.
  std::vector<std::string> diagnostics = {};  // For its log.
  ClusterLocation location = {};

  bool operator==(const ClusterReport&) const = default;
};

inline bool IsFinal(ApplicationState state) {
  return state != ApplicationState::kStarting && state != ApplicationState::kRunning;
}

// Asked by one thread at a time, which it may block for as long as its own time limits say, and
// until BreakOff().
class Cluster {
 public:
  using Reports = std::vector<std::optional<ClusterReport>>;

  virtual ~Cluster() = default;

  // One report for each key, in their order; unset for what the cluster does not know. All keys are
  // of one place. Fails with kPermissionDenied if the cluster does not tell us of that place; with
  // another code if it cannot be asked at all.
  virtual Result<Reports> Ask(const std::vector<ClusterKey>& keys) = 0;

  // Ends an application that Ask() has told of, and removes what is left of it where that stays.
  // Succeeds if there is nothing any more.
  virtual Result<void> Kill(const ClusterReport& application) = 0;

  // The end of what the driver of such an application has written. Fails with kNotFound if there is
  // none, or the cluster does not have it; with kPermissionDenied if it does not give it to us.
  virtual Result<std::string> DriverLog(const ClusterReport& application) = 0;

  // From any thread: a call in progress, and all later ones, fail at once.
  virtual void BreakOff() = 0;

  // For people: such as "YARN at http://rm:8088".
  virtual std::string Describe() const = 0;
};

// Asks about `keys` by `ask(begin, end, reports)`, about so many at once that the tags in the
// target of a request stay far below what servers take. Stops at the first that fails.
template <typename Ask>
Result<Cluster::Reports> AskInParts(const std::vector<ClusterKey>& keys, const Ask& ask) {
  constexpr std::size_t kTagsAtOnce = 100;
  Cluster::Reports reports(keys.size());
  for (std::size_t begin = 0; begin < keys.size(); begin += kTagsAtOnce) {
    const std::size_t end = std::min(begin + kTagsAtOnce, keys.size());
    if (const Result<void> asked = ask(begin, end, reports); !asked) return asked.error();
  }
  return reports;
}

}  // namespace livy::internal
