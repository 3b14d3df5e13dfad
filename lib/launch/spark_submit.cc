#include "launch/spark_submit.h"

#include <array>
#include <cstdlib>
#include <pwd.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include <livy/clock.h>

#include "files/private_file.h"
#include "launch/driver_jar.h"
#include "launch/hadoop_conf.h"
#include "launch/process.h"
#include "launch/properties.h"
#include "launch/spark_command.h"
#include "launch/standalone_cluster.h"
#include "launch/yarn_cluster.h"

namespace livy {
namespace internal {
namespace {

// In an application's environment, to find it by.
constexpr std::string_view kTagVariable = "LIVY_APPLICATION_TAG";

constexpr std::string_view kPropertiesPrefix = "livy-conf-";
constexpr std::string_view kPropertiesSuffix = ".properties";

// Far longer than any spark-submit takes until it has read its properties.
constexpr std::chrono::hours kLeftOverAge{1};

// $XDG_CACHE_HOME/livy or ~/.cache/livy; empty if neither is known.
std::filesystem::path DefaultWorkDir() {
  for (const auto& [variable, below] :
       {std::pair("XDG_CACHE_HOME", "livy"), std::pair("HOME", ".cache/livy")}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != '\0') return std::filesystem::path(value) / below;
  }
  return {};
}

// Properties hold secrets. A server that was killed could not remove those of its applications; the
// directory may be another server's too, so what is new stays.
void RemoveLeftOvers(const std::filesystem::path& directory) {
  const Clock::WallTime now = MakeSystemClock()->Wall();
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kPropertiesPrefix) || !name.ends_with(kPropertiesSuffix)) continue;
    struct stat status = {};
    if (lstat(entry->path().c_str(), &status) != 0) continue;
    const Clock::WallTime written{std::chrono::seconds(status.st_mtim.tv_sec)};
    std::error_code ignored;  // Another server may have been faster.
    if (now - written > kLeftOverAge) std::filesystem::remove(entry->path(), ignored);
  }
}

// Of the process; its number if it has no name.
std::string UserName() {
  passwd entry = {};
  passwd* found = nullptr;
  std::array<char, 16384> buffer;
  getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? std::to_string(geteuid()) : found->pw_name;
}

Result<std::unique_ptr<Cluster>> MakeCluster(ClusterKind kind, const std::string& master,
                                             const ClusterOptions& options) {
  std::unique_ptr<Cluster> cluster;
  if (kind == ClusterKind::kStandalone) {
    cluster = std::make_unique<StandaloneCluster>(
        options.standalone_urls.empty() ? WebPagesOf(master) : options.standalone_urls,
        options.request_timeout);
    return cluster;
  }
  const Result<HadoopConf> conf = ReadHadoopConf(HadoopConfDirectory());
  if (!conf) return conf.error();
  cluster = std::make_unique<YarnCluster>(
      options.resource_manager_urls.empty() ? ResourceManagersOf(*conf)
                                            : options.resource_manager_urls,
      options.user.empty() ? UserName() : options.user, options.request_timeout);
  return cluster;
}

Result<ApplicationHandle> FindByTag(const std::string& tag) {
  ApplicationHandle found;
  found.process = FindProcess(kTagVariable, tag);
  if (!found.process.empty()) return found;
  return Error{ErrorCode::kNotFound, "It was being launched when its server died."};
}

}  // namespace

Result<std::unique_ptr<Launcher>> SparkSubmitLauncher::Create(const SparkSubmitOptions& wanted,
                                                              LogSink& log) {
  SparkSubmitOptions options = wanted;
  if (options.work_dir.empty()) options.work_dir = DefaultWorkDir();
  if (options.work_dir.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "No directory for work files is given, and HOME is not set."};
  }
  Result<SparkHome> home = FindSparkHome(options.spark_home);
  if (!home) return home.error();
  if (Result<void> made = CreatePrivateDirectory(options.work_dir); !made) {
    return Error{ErrorCode::kInvalidArgument, made.error().message};
  }
  RemoveLeftOvers(options.work_dir);
  Result<std::filesystem::path> driver_jar = ProvideDriverJar(options.work_dir);
  if (!driver_jar) return Error{ErrorCode::kInvalidArgument, driver_jar.error().message};
  Result<std::unique_ptr<ProcessWatcher>> watcher = ProcessWatcher::Create(options.kill_grace);
  if (!watcher) return watcher.error();

  std::unique_ptr<SparkSubmitLauncher> launcher(
      new SparkSubmitLauncher(std::move(options), *std::move(home), *std::move(driver_jar), log));
  launcher->watcher_ = *std::move(watcher);
  launcher->queue_ = std::make_shared<SubmitQueue>(launcher->options_.submits_max,
                                                   launcher->options_.submits_waiting_max);
  return std::unique_ptr<Launcher>(std::move(launcher));
}

SparkSubmitLauncher::SparkSubmitLauncher(SparkSubmitOptions options, SparkHome home,
                                         std::filesystem::path driver_jar, LogSink& log)
    : options_(std::move(options)),
      home_(std::move(home)),
      driver_jar_(std::move(driver_jar)),
      log_(log) {}

// Turns are given by threads that others own, and the monitors write to a log that is others', too.
SparkSubmitLauncher::~SparkSubmitLauncher() {
  if (queue_ != nullptr) queue_->Close();
  for (const auto& [master, monitor] : monitors_)
    monitor->Stop();
}

Result<std::unique_ptr<Application>> SparkSubmitLauncher::Launch(const LaunchRequest& request,
                                                                 ApplicationObserver observer) {
  // --properties-file takes the place of spark-defaults.conf, so what is there goes into our file.
  const Result<Properties> defaults = ReadSparkDefaults(home_);
  if (!defaults) return defaults.error();
  Properties settings = SettingsFor(request, *defaults, home_);
  ApplicationHandle handle = {.target = TargetOf(settings)};
  if (handle.target.kind != ClusterKind::kNone) handle.master = settings["spark.master"];

  Result<std::unique_ptr<SparkApplication>> application =
      MakeApplication(request.tag, std::move(handle), std::move(observer), request.output);
  if (!application) return application.error();
  const Result<void> begun =
      (*application)->Begin([this, request, settings] { return Start(request, settings); });
  if (!begun) return begun.error();
  return std::unique_ptr<Application>(*std::move(application));
}

Result<StartedProcess> SparkSubmitLauncher::Start(const LaunchRequest& request,
                                                  const Properties& settings) const {
  Result<PrivateFile> properties = PrivateFile::Create(
      options_.work_dir, kPropertiesPrefix, kPropertiesSuffix, FormatProperties(settings));
  if (!properties) return properties.error();
  auto settings_file = std::make_shared<PrivateFile>(*std::move(properties));

  // Spark's scripts go by the variable, which may name another Spark.
  Result<ChildProcess> child =
      Spawn({.command = CommandFor(request, home_, settings_file->path(), driver_jar_),
             .environment = {{"SPARK_HOME", home_.directory.string()},
                             {std::string(kTagVariable), request.tag}},
             .merges_output = request.file.has_value()});
  if (!child) return child.error();
  log_.Write(LogLevel::kInfo, "launch",
             fmt::format("application={} process={} started", request.tag, child->pid));
  return StartedProcess{.child = *std::move(child), .settings = std::move(settings_file)};
}

Result<std::unique_ptr<Application>> SparkSubmitLauncher::Recover(const std::string& tag,
                                                                  const std::string& handle,
                                                                  ApplicationObserver observer) {
  // A server that died while it launched has not stored what it launched.
  const Result<ApplicationHandle> known = handle.empty() ? FindByTag(tag) : ParseHandle(handle);
  if (!known) return known.error();
  Result<ChildProcess> process = AdoptProcess(known->process);
  const bool follows_cluster = !process && known->target.is_cluster_mode;
  if (!process && !follows_cluster) return process.error();
  Result<std::unique_ptr<SparkApplication>> application =
      MakeApplication(tag, *known, std::move(observer), nullptr);
  if (!application) return application.error();
  if (follows_cluster) {
    (*application)->FollowCluster();
  } else if (Result<void> followed = (*application)->Adopt(*std::move(process)); !followed) {
    return followed.error();
  }
  log_.Write(LogLevel::kInfo, "launch", fmt::format("application={} found again", tag));
  return std::unique_ptr<Application>(*std::move(application));
}

Result<std::unique_ptr<SparkApplication>> SparkSubmitLauncher::MakeApplication(
    const std::string& tag, ApplicationHandle handle, ApplicationObserver observer,
    OutputSink output) {
  Result<std::shared_ptr<ClusterMonitor>> monitor = MonitorFor(handle);
  if (!monitor) return monitor.error();
  const ApplicationProgress::Rules rules = {
      .has_cluster = *monitor != nullptr,
      .is_cluster_mode = handle.target.is_cluster_mode,
      .finds_by_tag = handle.target.kind != ClusterKind::kStandalone,
      .cluster = handle.target.kind == ClusterKind::kYarn ? "YARN" : "the standalone cluster",
      .lookup_timeout = options_.cluster.lookup_timeout};
  return std::make_unique<SparkApplication>(
      SparkApplication::Parts{.log_lines_max = options_.log_lines_max,
                              .log_line_bytes_max = options_.log_line_bytes_max,
                              .observer = std::move(observer),
                              .output = std::move(output),
                              .watcher = watcher_,
                              .queue = queue_,
                              .monitor = *std::move(monitor),
                              .clock = clock_,
                              .rules = rules,
                              .tag = tag,
                              .handle = std::move(handle)});
}

// Null where the process is the driver and nobody knows more.
Result<std::shared_ptr<ClusterMonitor>> SparkSubmitLauncher::MonitorFor(
    const ApplicationHandle& handle) {
  const SparkTarget& target = handle.target;
  const bool is_yarn = target.kind == ClusterKind::kYarn;
  const bool is_standalone = target.kind == ClusterKind::kStandalone && target.is_cluster_mode;
  if (!is_yarn && !is_standalone) return nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = monitors_.find(handle.master);
    if (found != monitors_.end()) return found->second;
  }
  const ClusterOptions& wanted = options_.cluster;
  Result<std::unique_ptr<Cluster>> cluster = MakeCluster(target.kind, handle.master, wanted);
  if (!cluster) return cluster.error();
  const std::string description = (*cluster)->Describe();
  auto made = std::make_shared<ClusterMonitor>(*std::move(cluster),
                                               MonitorLimits{.poll_interval = wanted.poll_interval,
                                                             .leak_interval = wanted.leak_interval,
                                                             .leak_timeout = wanted.leak_timeout},
                                               *clock_, log_);
  {
    const std::lock_guard lock(mutex_);
    const auto [monitor, is_first] = monitors_.emplace(handle.master, made);
    if (!is_first) return monitor->second;  // Another launch was quicker.
  }
  log_.Write(LogLevel::kInfo, "launch", fmt::format("following {}", description));
  return made;
}

std::map<std::string, std::string> SparkSubmitLauncher::DefaultConf() const {
  Result<Properties> defaults = ReadSparkDefaults(home_);
  if (defaults) return *std::move(defaults);
  // Not hidden for long: the next Launch() fails for the same reason.
  log_.Write(LogLevel::kWarning, "launch", defaults.error().message);
  return {};
}

std::string SparkSubmitLauncher::Describe() const {
  std::string text = fmt::format("Spark {} in {}, Scala {}", home_.spark_version,
                                 home_.directory.string(), home_.scala_version);
  if (!home_.java_version.empty()) text += fmt::format(", Java {}", home_.java_version);
  return text;
}

}  // namespace internal

Result<std::unique_ptr<Launcher>> MakeSparkSubmitLauncher(const SparkSubmitOptions& options,
                                                          LogSink& log) {
  return internal::SparkSubmitLauncher::Create(options, log);
}

}  // namespace livy
