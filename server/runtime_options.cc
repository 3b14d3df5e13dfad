#include "runtime_options.h"

#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "launch/hadoop_conf.h"

namespace livy::app {
namespace {

constexpr std::string_view kPrefix = "livy.runtime.";
constexpr std::string_view kDefaultKey = "livy.runtime.default";

// Where Spark looks for Hadoop's settings, the first of them first.
constexpr const char* kHadoopVariables[] = {"HADOOP_CONF_DIR", "YARN_CONF_DIR"};

bool HasHadoop(const SparkRuntime& runtime) {
  for (const char* variable : kHadoopVariables) {
    if (runtime.environment.contains(variable)) return true;
  }
  return false;
}

void TakeRuntime(Settings& settings, const std::string& name, Options& options) {
  const auto key = [&](std::string_view what) {
    return fmt::format("{}{}.{}", kPrefix, name, what);
  };
  SparkRuntime& runtime = options.spark_submit.runtimes[name];
  settings.Take(key("spark-home"), runtime.spark_home);
  settings.Take(key("conf-dir"), runtime.conf_dir);
  for (const std::string& variable : settings.KeysAfter(key("env.")))
    settings.Take(key("env." + variable), runtime.environment[variable]);

  const SparkRules& spark = options.server.spark;
  RuntimeRules rules = {
      .master = spark.master, .deploy_mode = spark.deploy_mode, .default_fs = spark.default_fs};
  settings.Take(key("master"), rules.master);
  if (rules.master.empty()) settings.Fail(key("master"), "", "a master such as local[*]");
  settings.Take(key("deploy-mode"), rules.deploy_mode);
  CheckDeployMode(settings, key("deploy-mode"), rules.deploy_mode);

  // What is said of one cluster must not be asked of another.
  const ClusterOptions& cluster = options.spark_submit.cluster;
  if (!HasHadoop(runtime)) runtime.resource_manager_urls = cluster.resource_manager_urls;
  if (rules.master == spark.master) runtime.standalone_urls = cluster.standalone_urls;
  settings.Take(key("yarn.resource-managers"), runtime.resource_manager_urls);
  settings.Take(key("standalone.masters"), runtime.standalone_urls);
  options.server.spark.runtimes[name] = std::move(rules);
}

// fs.defaultFS of Hadoop's settings, if they are anywhere and have it.
Result<void> TakeDefaultFs(const Environment& environment, std::string& default_fs) {
  std::optional<std::string> directory;
  for (const char* variable : kHadoopVariables) {
    if (!directory) directory = environment(variable);
  }
  if (!directory) return {};
  const Result<internal::HadoopConf> conf = internal::ReadHadoopConf(*directory);
  if (!conf) return Error{ErrorCode::kInvalidArgument, conf.error().message};
  const auto found = conf->find("fs.defaultFS");
  if (found != conf->end() && !found->second.empty()) default_fs = found->second;
  return {};
}

}  // namespace

void CheckDeployMode(Settings& settings, std::string_view key, const std::string& mode) {
  const std::set<std::string_view> modes = {"", "client", "cluster"};
  if (!modes.contains(mode)) settings.Fail(key, mode, "client, cluster or empty");
}

void TakeRuntimes(Settings& settings, const Environment& environment, Options& options) {
  std::set<std::string> names;
  for (const std::string& rest : settings.KeysAfter(kPrefix)) {
    if (const std::size_t dot = rest.find('.'); dot != rest.npos) names.insert(rest.substr(0, dot));
  }
  for (const std::string& name : names) {
    if (name == "default") {
      return settings.FailWith(fmt::format("{}.*: a runtime needs another name.", kDefaultKey));
    }
    TakeRuntime(settings, name, options);
  }
  std::string& chosen = options.server.spark.default_runtime;
  settings.Take("livy.runtime.default", chosen);
  if (!chosen.empty() && !names.contains(chosen)) {
    settings.Fail(kDefaultKey, chosen, "the name of a runtime");
  }
  const bool has_first = !options.spark_submit.spark_home.empty() || environment("SPARK_HOME");
  if (chosen.empty() && !names.empty() && !has_first) {
    settings.Fail(kDefaultKey, chosen, "the name of a runtime, because SPARK_HOME is not set");
  }
}

Result<void> TakeHadoop(const Environment& environment, Options& options) {
  SparkRules& spark = options.server.spark;
  if (Result<void> taken = TakeDefaultFs(environment, spark.default_fs); !taken) return taken;
  for (auto& [name, rules] : spark.runtimes) {
    const SparkRuntime& runtime = options.spark_submit.runtimes.at(name);
    if (!HasHadoop(runtime)) {
      rules.default_fs = spark.default_fs;
      continue;
    }
    const auto own = [&](const std::string& variable) -> std::optional<std::string> {
      const auto found = runtime.environment.find(variable);
      if (found == runtime.environment.end()) return environment(variable);
      return found->second.empty() ? std::nullopt : std::optional(found->second);
    };
    if (Result<void> taken = TakeDefaultFs(own, rules.default_fs); !taken) return taken;
  }
  return {};
}

}  // namespace livy::app
