#include "launch/spark_runtime.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "launch/process.h"

namespace livy::internal {
namespace {

// Names are a part of keys in livy.conf and of what is stored of applications.
bool IsName(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

std::filesystem::path PathIn(const std::map<std::string, std::string>& environment,
                             const std::string& variable) {
  const auto found = environment.find(variable);
  return std::filesystem::path(found == environment.end() ? "" : found->second);
}

// `first_home` is the Spark of a runtime that has none of its own.
Result<Runtime> FindRuntime(const SparkRuntime& wanted, const std::filesystem::path& first_home) {
  std::filesystem::path spark_home = wanted.spark_home;
  if (spark_home.empty()) spark_home = PathIn(wanted.environment, "SPARK_HOME");
  std::filesystem::path conf_dir = wanted.conf_dir;
  if (conf_dir.empty()) conf_dir = PathIn(wanted.environment, "SPARK_CONF_DIR");
  Result<SparkHome> home =
      FindSparkHome(spark_home.empty() ? first_home : spark_home, wanted.environment);
  if (!home) return home.error();
  // The settings that our own SPARK_CONF_DIR names are not meant for another Spark.
  if (conf_dir.empty() && !spark_home.empty()) conf_dir = home->directory / "conf";

  Runtime runtime = {.home = *std::move(home),
                     .conf_dir = std::move(conf_dir),
                     .environment = wanted.environment,
                     .resource_manager_urls = wanted.resource_manager_urls,
                     .standalone_urls = wanted.standalone_urls};
  if (!runtime.conf_dir.empty()) runtime.environment["SPARK_CONF_DIR"] = runtime.conf_dir.string();
  return runtime;
}

}  // namespace

Result<Runtimes> FindRuntimes(const SparkSubmitOptions& options) {
  Runtimes runtimes;
  std::filesystem::path first_home = options.spark_home;
  if (first_home.empty()) first_home = VariableFor("SPARK_HOME");
  if (!first_home.empty() || options.runtimes.empty()) {
    Result<SparkHome> home = FindSparkHome(first_home);
    if (!home) return home.error();
    runtimes[""] = {.home = *std::move(home),
                    .resource_manager_urls = options.cluster.resource_manager_urls,
                    .standalone_urls = options.cluster.standalone_urls};
  }
  for (const auto& [name, wanted] : options.runtimes) {
    if (!IsName(name)) {
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("'{}' is no name of a runtime: it has letters, digits, '-' and '_'.", name)};
    }
    Result<Runtime> runtime = FindRuntime(wanted, first_home);
    if (!runtime) {
      return Error{runtime.error().code,
                   fmt::format("Runtime {}: {}", name, runtime.error().message)};
    }
    runtimes[name] = *std::move(runtime);
  }
  // Spark's scripts go by the variable, which may name another Spark.
  for (auto& [name, runtime] : runtimes)
    runtime.environment["SPARK_HOME"] = runtime.home.directory.string();
  return runtimes;
}

}  // namespace livy::internal
