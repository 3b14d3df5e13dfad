// KubernetesPod: what a driver's pod says of its application.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <livy/launcher.h>

#include "core/json.h"
#include "launch/cluster.h"

namespace livy::internal {

// Labels that Spark gives to all pods of an application, and the one that is ours.
inline constexpr std::string_view kTagLabel = "spark-app-tag";
inline constexpr std::string_view kRoleLabel = "spark-role";
inline constexpr std::string_view kDriverRole = "driver";

// Empty if the pod's metadata has no such text.
std::string MetadataOf(const JsonValue& pod, std::string_view name);

// Empty if the pod has no such label.
std::string LabelOf(const JsonValue& pod, std::string_view name);

// Of the pod that an application's driver runs in, as the API server tells of it. A success is only
// what ended with status 0: that of Spark's container, and that of the pod unless a container
// beside it has spoiled it.
ClusterReport ReportOfPod(const JsonValue& pod, const KubernetesOptions& options);

// What shows the logs of executors, each as "executor-1#URL", with semicolons between; empty
// without any. `pods` in any order.
std::string ExecutorLogUrls(const std::vector<const JsonValue*>& pods,
                            const KubernetesOptions& options);

}  // namespace livy::internal
