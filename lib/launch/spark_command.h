// SparkCommand: what spark-submit is called with, from a LaunchRequest.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <livy/launcher.h>

#include "launch/properties.h"
#include "launch/spark_home.h"

namespace livy::internal {

enum class ClusterKind { kNone, kStandalone, kYarn, kKubernetes };

// Where an application's driver runs.
struct SparkTarget {
  ClusterKind kind = ClusterKind::kNone;
  bool is_cluster_mode = false;  // Spark's deploy mode: the driver is not spark-submit's process.

  bool operator==(const SparkTarget&) const = default;
};

// Where a driver has a pod of its own.
inline constexpr SparkTarget kDriverInPod = {.kind = ClusterKind::kKubernetes,
                                             .is_cluster_mode = true};

// Where a worker of a standalone cluster has it.
inline constexpr SparkTarget kDriverOnWorker = {.kind = ClusterKind::kStandalone,
                                                .is_cluster_mode = true};

// By spark.master and spark.submit.deployMode.
SparkTarget TargetOf(const Properties& settings);

// All settings of an application: the request's, the defaults under them, and what its cluster
// needs, so that it is found again by its tag and spark-submit does not wait for its end.
Properties SettingsFor(const LaunchRequest& request, const Properties& defaults,
                       const SparkHome& home);

// Fails with kInvalidArgument if a text that goes to the command line has a zero byte, at which it
// would be cut.
Result<void> CheckCommand(const LaunchRequest& request);

// The program and its arguments. Settings are not here but in the file, because anybody on the
// machine can read a command line.
std::vector<std::string> CommandFor(const LaunchRequest& request, const SparkHome& home,
                                    const std::filesystem::path& settings,
                                    const std::filesystem::path& driver_jar);

}  // namespace livy::internal
