// SparkHome: what an installation of Spark is, told without starting it.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <livy/result.h>

#include "launch/properties.h"

namespace livy::internal {

// Asking `spark-submit --version` would cost seconds; the names of the jars say the same.
struct SparkHome {
  std::filesystem::path directory = {};
  std::string spark_version = {};  // Such as "3.5.7".
  std::string scala_version = {};  // Such as "2.12.18", or "2.12" if no more is known.
  std::string java_version = {};   // Such as "17.0.15"; empty if not known.

  std::filesystem::path submit() const { return directory / "bin" / "spark-submit"; }
};

// `directory` empty: $SPARK_HOME. `environment` goes before our own, as when Spark is started.
// Fails with kInvalidArgument, in a sentence for the operator, if there is no Spark from
// version 3.0 on, or no Java to run it.
Result<SparkHome> FindSparkHome(const std::filesystem::path& directory,
                                const std::map<std::string, std::string>& environment = {});

// spark-defaults.conf in `conf_dir`, if that is empty in $SPARK_CONF_DIR, or else in the
// installation; empty if there is none. Fails with kUnavailable if there is one that cannot be
// read.
Result<Properties> ReadSparkDefaults(const SparkHome& home,
                                     const std::filesystem::path& conf_dir = {});

}  // namespace livy::internal
