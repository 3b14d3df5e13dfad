// KubernetesIngress: the way to the web page of a driver in a pod.
#pragma once

#include <string>
#include <string_view>

#include <livy/launcher.h>

#include "core/json.h"

namespace livy::internal {

// The JSON of an ingress to the service that Spark makes beside a driver's pod. It goes with the
// pod, which owns it.
std::string IngressFor(const JsonValue& pod, std::string_view tag, const IngressOptions& options);

// Where it leads browsers.
std::string IngressUrl(std::string_view tag, const IngressOptions& options);

}  // namespace livy::internal
