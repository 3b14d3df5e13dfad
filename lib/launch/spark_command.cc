#include "launch/spark_command.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "http/field_text.h"

namespace livy::internal {
namespace {

constexpr const char* kDriverClass = "org.livy.driver.DriverMain";

constexpr const char* kYarnTags = "spark.yarn.tags";

// A second driver would be another session, which the server does not know.
constexpr int kSessionAttemptsMax = 1;

// Appends to a setting that is a list with commas.
void Append(std::string_view key, std::string_view item, Properties& settings) {
  std::string& list = settings[std::string(key)];
  if (!list.empty()) list += ',';
  list += item;
}

bool IsFile(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(file, ignored);
}

// A session may run Python and R whatever its kind.
void SetForYarnSession(const SparkHome& home, Properties& settings) {
  settings["spark.yarn.maxAppAttempts"] = fmt::format("{}", kSessionAttemptsMax);
  if (IsFile(home.directory / "python" / "lib" / "pyspark.zip"))
    settings.try_emplace("spark.yarn.isPython", "true");
  const std::filesystem::path sparkr = home.directory / "R" / "lib" / "sparkr.zip";
  if (IsFile(sparkr))
    Append("spark.yarn.dist.archives", fmt::format("file://{}#sparkr", sparkr.string()), settings);
}

// Spark drops characters up to the blank before a tag, and puts settings where "${" is; to YARN all
// letters are small.
bool MayBeOurs(std::string_view tag) {
  const auto is_visible = [](char c) { return static_cast<unsigned char>(c) > ' '; };
  const auto name = std::ranges::find_if(tag, is_visible);
  return StartsWithIgnoringCase({name, tag.end()}, "livy-") || tag.find("${") != tag.npos;
}

// Without those by which a server knows its own applications: they are for everybody to see, and
// another's would be taken for this one.
void AddTags(std::string_view tags, Properties& settings) {
  while (!tags.empty()) {
    const std::string_view tag = tags.substr(0, tags.find(','));
    if (!tag.empty() && !MayBeOurs(tag)) Append(kYarnTags, tag, settings);
    tags.remove_prefix(std::min(tag.size() + 1, tags.size()));
  }
}

void SetForYarn(const LaunchRequest& request, const SparkHome& home, Properties& settings) {
  const std::string tags = std::exchange(settings[kYarnTags], request.tag);
  if (request.conf.contains(kYarnTags)) {
    AddTags(tags, settings);
  } else if (!tags.empty()) {
    Append(kYarnTags, tags, settings);
  }
  settings["spark.yarn.submit.waitAppCompletion"] = "false";
  if (!request.file) SetForYarnSession(home, settings);
}

void SetForKubernetes(const LaunchRequest& request, Properties& settings) {
  settings["spark.kubernetes.driver.label.spark-app-tag"] = request.tag;
  settings["spark.kubernetes.executor.label.spark-app-tag"] = request.tag;
  settings["spark.kubernetes.submission.waitAppCompletion"] = "false";
  settings["spark.ui.proxyBase"] = fmt::format("/{}", request.tag);
}

// Livy's requests have their archives in a setting of YARN's, which the others do not look at.
void MoveArchives(Properties& settings) {
  const auto found = settings.find("spark.yarn.dist.archives");
  if (found == settings.end()) return;
  const std::string archives = std::move(found->second);
  settings.erase(found);
  if (!archives.empty()) Append("spark.archives", archives, settings);
}

}  // namespace

SparkTarget TargetOf(const Properties& settings) {
  const auto value = [&](const char* key) {
    const auto found = settings.find(key);
    return found == settings.end() ? std::string_view() : std::string_view(found->second);
  };
  const std::string_view master = value("spark.master");
  SparkTarget target;
  if (master.starts_with("yarn")) target.kind = ClusterKind::kYarn;
  if (master.starts_with("k8s")) target.kind = ClusterKind::kKubernetes;
  if (master.starts_with("spark:")) target.kind = ClusterKind::kStandalone;
  target.is_cluster_mode =
      target.kind != ClusterKind::kNone && value("spark.submit.deployMode") == "cluster";
  return target;
}

Properties SettingsFor(const LaunchRequest& request, const Properties& defaults,
                       const SparkHome& home) {
  Properties settings = request.conf;
  if (!request.name.empty()) settings.try_emplace("spark.app.name", request.name);
  settings.insert(defaults.begin(), defaults.end());
  // Spark ignores others, and writes their names where we look for what it has launched.
  std::erase_if(settings, [](const auto& setting) { return !setting.first.starts_with("spark."); });
  const ClusterKind kind = TargetOf(settings).kind;
  if (kind != ClusterKind::kYarn) MoveArchives(settings);
  switch (kind) {
    case ClusterKind::kNone:
      break;
    case ClusterKind::kStandalone:
      settings["spark.standalone.submit.waitAppCompletion"] = "false";
      break;
    case ClusterKind::kYarn:
      SetForYarn(request, home, settings);
      break;
    case ClusterKind::kKubernetes:
      SetForKubernetes(request, settings);
      break;
  }
  return settings;
}

Result<void> CheckCommand(const LaunchRequest& request) {
  const auto has_zero = [](const std::string& text) { return text.find('\0') != text.npos; };
  const auto refused = [](std::string_view what) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} has a zero byte.", what)};
  };
  if (has_zero(request.file.value_or(""))) return refused("file");
  if (has_zero(request.main_class.value_or(""))) return refused("className");
  if (has_zero(request.proxy_user.value_or(""))) return refused("The proxy user");
  if (std::ranges::any_of(request.args, has_zero)) return refused("args");
  return {};
}

std::vector<std::string> CommandFor(const LaunchRequest& request, const SparkHome& home,
                                    const std::filesystem::path& settings,
                                    const std::filesystem::path& driver_jar) {
  std::vector<std::string> command = {home.submit().string(), "--properties-file",
                                      settings.string()};
  // A script has no class.
  std::optional<std::string> main_class = request.main_class;
  if (!request.file && !main_class) main_class = kDriverClass;
  if (main_class) command.insert(command.end(), {"--class", *main_class});
  if (request.proxy_user) command.insert(command.end(), {"--proxy-user", *request.proxy_user});
  command.push_back(request.file.value_or(driver_jar.string()));
  command.insert(command.end(), request.args.begin(), request.args.end());
  return command;
}

}  // namespace livy::internal
