// ApplicationHandle: what a later server finds an application by, beside its tag.
#pragma once

#include <string>

#include <livy/result.h>

#include "launch/spark_command.h"

namespace livy::internal {

struct ApplicationHandle {
  SparkTarget target = {};
  std::string runtime = {};  // By name; empty: the default one.
  std::string master = {};   // Of a cluster.
  std::string app_id = {};   // The cluster's; empty if it is not known.
  std::string process = {};  // As IdentityOf() has it; empty without one.
  std::string place = {};    // As ClusterKey::place.
  bool is_session = false;   // Told of those on Kubernetes only.

  bool operator==(const ApplicationHandle&) const = default;
};

// One line. That of a process and nothing else is its identity.
std::string FormatHandle(const ApplicationHandle& handle);

// Fails with kInvalidArgument if the text is no handle.
Result<ApplicationHandle> ParseHandle(const std::string& text);

}  // namespace livy::internal
