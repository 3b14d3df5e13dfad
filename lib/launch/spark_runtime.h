// Runtime: one of the Sparks that a launcher starts applications with.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <livy/launcher.h>
#include <livy/result.h>

#include "launch/spark_home.h"

namespace livy::internal {

struct Runtime {
  SparkHome home = {};
  std::filesystem::path conf_dir = {};  // Of spark-defaults.conf; empty: ReadSparkDefaults() knows.
  std::map<std::string, std::string> environment = {};  // Replaces our own variables, or is added.
  std::vector<std::string> resource_manager_urls = {};  // Empty: what Hadoop's settings say.
  std::vector<std::string> standalone_urls = {};        // Empty: where they usually are.
};

using Runtimes = std::map<std::string, Runtime>;

// All runtimes of the options by name, and under the empty name that of SPARK_HOME: with others it
// may be missing. Fails with kInvalidArgument and what is wrong with which.
Result<Runtimes> FindRuntimes(const SparkSubmitOptions& options);

}  // namespace livy::internal
