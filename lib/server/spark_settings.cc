#include "server/spark_settings.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace livy::internal {
namespace {

Error Invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

// These choose where user code runs or what it may load.
constexpr std::array<std::string_view, 2> kAlwaysRefused = {
    "spark.submit.deployMode", "spark.submit.proxyUser.allowCustomClasspathInClusterMode"};

// Settings whose values are lists of files.
constexpr std::array<std::string_view, 10> kFileLists = {
    "spark.jars",     "spark.files",        "spark.yarn.dist.archives", "spark.submit.pyFiles",
    "spark.archives", "spark.yarn.archive", "spark.yarn.dist.files",    "spark.yarn.dist.jars",
    "spark.yarn.jar", "spark.yarn.jars"};

bool IsSchemeChar(char c, std::size_t at) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return at > 0 && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.');
}

// "hdfs" of "hdfs://host/path"; empty for a path. Fails in the words of java.net.URI, which Apache
// Livy passes on, if it is not a scheme's name.
Result<std::string_view> SchemeOf(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  if (colon == uri.npos || uri.find('/') < colon) return std::string_view();
  if (colon == 0) {
    return Invalid(
        fmt::format("java.net.URISyntaxException: Expected scheme name at index 0: {}", uri));
  }
  for (std::size_t at = 0; at < colon; ++at) {
    if (IsSchemeChar(uri[at], at)) continue;
    return Invalid(fmt::format(
        "java.net.URISyntaxException: Illegal character in scheme name at index {}: {}", at, uri));
  }
  return uri.substr(0, colon);
}

bool IsInside(const std::filesystem::path& file, const std::filesystem::path& directory) {
  const auto [rest, unused] =
      std::mismatch(directory.begin(), directory.end(), file.begin(), file.end());
  // A trailing slash gives a path an empty last element.
  return rest == directory.end() || (rest->empty() && std::next(rest) == directory.end());
}

Result<void> CheckLocal(std::string_view uri, const SparkRules& rules) {
  std::string_view path = uri.substr(std::string_view("file:").size());
  if (path.starts_with("//")) {
    path.remove_prefix(2);
    path.remove_prefix(std::min(path.find('/'), path.size()));
  }
  const std::filesystem::path file =
      std::filesystem::path(path.substr(0, path.find('#'))).lexically_normal();
  const bool allowed = std::ranges::any_of(rules.local_dirs_allowed, [&](const std::string& dir) {
    return IsInside(file, std::filesystem::path(dir).lexically_normal());
  });
  if (allowed) return {};
  return Invalid(fmt::format("requirement failed: Local path {} cannot be added to user sessions.",
                             file.string()));
}

std::vector<std::string> SplitList(std::string_view list) {
  std::vector<std::string> items;
  while (true) {
    const std::size_t start = list.find_first_not_of(", ");
    if (start == list.npos) return items;
    list.remove_prefix(start);
    const std::string_view item = list.substr(0, list.find_first_of(", "));
    items.emplace_back(item);
    list.remove_prefix(item.size());
  }
}

template <typename Request>
Result<void> CheckRefused(const Request& request, const SparkRules& rules) {
  std::vector<std::string_view> refused;
  for (const auto& [key, value] : request.conf) {
    const bool always = !rules.custom_classpath_allowed &&
                        std::ranges::find(kAlwaysRefused, key) != kAlwaysRefused.end();
    if (always || rules.conf_refused.contains(key)) refused.push_back(key);
  }
  if (refused.empty()) return {};
  return Invalid(fmt::format("Blacklisted configuration values in session config: {}",
                             fmt::join(refused, ", ")));
}

// Adds a request's list in front of the list that its conf has under the same key.
Result<void> MergeFiles(std::string_view key, const std::vector<std::string>& requested,
                        const SparkRules& rules, SparkConf& conf) {
  std::vector<std::string> all = requested;
  const auto found = conf.find(std::string(key));
  if (found != conf.end()) {
    std::ranges::move(SplitList(found->second), std::back_inserter(all));
    conf.erase(found);
  }
  std::erase(all, "");
  for (std::string& uri : all) {
    Result<std::string> resolved = ResolveUri(uri, rules);
    if (!resolved) return resolved.error();
    uri = *std::move(resolved);
  }
  if (!all.empty()) conf[std::string(key)] = fmt::format("{}", fmt::join(all, ","));
  return {};
}

template <typename Request>
Result<void> ResolveFiles(const Request& request, const SparkRules& rules, SparkConf& conf) {
  const std::map<std::string_view, const std::vector<std::string>*> fields = {
      {"spark.jars", &request.jars},
      {"spark.files", &request.files},
      {"spark.yarn.dist.archives", &request.archives},
      {"spark.submit.pyFiles", &request.py_files},
  };
  for (const std::string_view key : kFileLists) {
    const auto field = fields.find(key);
    const Result<void> merged = MergeFiles(
        key, field == fields.end() ? std::vector<std::string>() : *field->second, rules, conf);
    if (!merged) return merged;
  }
  for (const std::string& key : rules.file_lists) {
    if (std::ranges::find(kFileLists, key) != kFileLists.end()) continue;
    if (const Result<void> merged = MergeFiles(key, {}, rules, conf); !merged) return merged;
  }
  return {};
}

void Set(std::string_view key, const std::optional<std::string>& value, SparkConf& conf) {
  if (value) conf[std::string(key)] = *value;
}

void Set(std::string_view key, std::optional<int> value, SparkConf& conf) {
  if (value) conf[std::string(key)] = std::to_string(*value);
}

// Sessions and batches ask for these under the same names.
template <typename Request>
Result<SparkConf> ConfFor(const Request& request, const SparkRules& rules) {
  if (const Result<void> checked = CheckRefused(request, rules); !checked) return checked.error();

  SparkConf conf = request.conf;
  std::erase_if(conf, [](const auto& entry) { return entry.first.starts_with("livy."); });
  conf["spark.master"] = rules.master;
  if (!rules.deploy_mode.empty()) conf["spark.submit.deployMode"] = rules.deploy_mode;
  if (const Result<void> files = ResolveFiles(request, rules, conf); !files) return files.error();

  Set("spark.driver.memory", request.driver_memory, conf);
  Set("spark.driver.cores", request.driver_cores, conf);
  Set("spark.executor.memory", request.executor_memory, conf);
  Set("spark.executor.cores", request.executor_cores, conf);
  Set("spark.executor.instances", request.num_executors, conf);
  Set("spark.yarn.queue", request.queue, conf);
  return conf;
}

}  // namespace

Result<RuntimeChoice> ChooseRuntime(const std::optional<std::string>& wanted,
                                    const SparkRules& rules) {
  RuntimeChoice choice = {.name = wanted.value_or(rules.default_runtime), .rules = rules};
  if (!wanted && choice.name.empty()) return choice;
  const auto found = rules.runtimes.find(choice.name);
  if (found == rules.runtimes.end()) {
    std::vector<std::string_view> names;
    for (const auto& [name, runtime] : rules.runtimes)
      names.push_back(name);
    return Invalid(fmt::format("Unknown runtime: {} (known are: {})", choice.name,
                               names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
  }
  choice.rules.master = found->second.master;
  choice.rules.deploy_mode = found->second.deploy_mode;
  choice.rules.default_fs = found->second.default_fs;
  return choice;
}

Result<std::string> ResolveUri(std::string_view uri, const SparkRules& rules) {
  const Result<std::string_view> scheme = SchemeOf(uri);
  if (!scheme) return scheme.error();
  std::string resolved(uri);
  if (scheme->empty()) {
    if (!uri.starts_with('/')) {
      return Invalid(fmt::format("requirement failed: Path '{}' is not absolute.", uri));
    }
    std::string_view fs = rules.default_fs;
    if (fs.ends_with('/')) fs.remove_suffix(1);
    resolved = fmt::format("{}{}", fs, uri);
  }
  if (resolved.starts_with("file:")) {
    if (const Result<void> allowed = CheckLocal(resolved, rules); !allowed) return allowed.error();
  }
  return resolved;
}

Result<SparkConf> SparkConfFor(const SessionRequest& request, const SparkRules& rules) {
  return ConfFor(request, rules);
}

Result<SparkConf> SparkConfFor(const BatchRequest& request, const SparkRules& rules) {
  return ConfFor(request, rules);
}

}  // namespace livy::internal
