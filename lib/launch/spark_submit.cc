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
#include "launch/kubernetes_cluster.h"
#include "launch/process.h"
#include "launch/properties.h"
#include "launch/settings_file.h"
#include "launch/spark_command.h"
#include "launch/standalone_cluster.h"
#include "launch/yarn_cluster.h"

namespace livy {
namespace internal {
namespace {

// In an application's environment, to find it by.
constexpr std::string_view kTagVariable = "LIVY_APPLICATION_TAG";

// $XDG_CACHE_HOME/livy or ~/.cache/livy; empty if neither is known.
std::filesystem::path DefaultWorkDir() {
  for (const auto& [variable, below] :
       {std::pair("XDG_CACHE_HOME", "livy"), std::pair("HOME", ".cache/livy")}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != '\0') return std::filesystem::path(value) / below;
  }
  return {};
}

// Of the process; its number if it has no name.
std::string UserName() {
  passwd entry = {};
  passwd* found = nullptr;
  std::array<char, 16384> buffer;
  getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? std::to_string(geteuid()) : found->pw_name;
}

// One for each cluster, whichever runtimes it has.
ClusterPlace PlaceOf(const ApplicationHandle& handle, const Runtime& runtime) {
  if (handle.target.kind == ClusterKind::kYarn) {
    return {.hadoop_conf_dir = HadoopConfDirectory(runtime.environment),
            .urls = runtime.resource_manager_urls};
  }
  if (handle.target.kind == ClusterKind::kKubernetes) return {.urls = {ApiServerOf(handle.master)}};
  return {.urls = runtime.standalone_urls.empty() ? WebPagesOf(handle.master)
                                                  : runtime.standalone_urls};
}

Result<std::unique_ptr<Cluster>> MakeCluster(ClusterKind kind, const ClusterPlace& place,
                                             const SparkSubmitOptions& all) {
  const ClusterOptions& options = all.cluster;
  std::unique_ptr<Cluster> cluster;
  if (kind == ClusterKind::kKubernetes) {
    cluster =
        std::make_unique<KubernetesCluster>(place.urls.front(), all.kubernetes, all.log_lines_max);
    return cluster;
  }
  if (kind == ClusterKind::kStandalone) {
    cluster = std::make_unique<StandaloneCluster>(place.urls, options.times.request_timeout);
    return cluster;
  }
  const Result<HadoopConf> conf = ReadHadoopConf(place.hadoop_conf_dir);
  if (!conf) return conf.error();
  cluster = std::make_unique<YarnCluster>(
      place.urls.empty() ? ResourceManagersOf(*conf) : place.urls,
      options.user.empty() ? UserName() : options.user, options.times.request_timeout);
  return cluster;
}

const ClusterTimes& TimesFor(ClusterKind kind, const SparkSubmitOptions& options) {
  return kind == ClusterKind::kKubernetes ? options.kubernetes.times : options.cluster.times;
}

// The namespace that Spark takes. What requests say goes into paths of the API server.
Result<std::string> NamespaceIn(const Properties& settings) {
  const auto found = settings.find("spark.kubernetes.namespace");
  const std::string name = found == settings.end() ? "default" : found->second;
  if (IsNamespace(name)) return name;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("spark.kubernetes.namespace = {} is no namespace.", name)};
}

const char* NameOf(ClusterKind kind) {
  switch (kind) {
    case ClusterKind::kYarn:
      return "YARN";
    case ClusterKind::kKubernetes:
      return "Kubernetes";
    case ClusterKind::kStandalone:
    case ClusterKind::kNone:
      break;
  }
  return "the standalone cluster";
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
  Result<Runtimes> runtimes = FindRuntimes(options);
  if (!runtimes) return runtimes.error();
  if (Result<void> made = CreatePrivateDirectory(options.work_dir); !made) {
    return Error{ErrorCode::kInvalidArgument, made.error().message};
  }
  RemoveLeftSettings(options.work_dir);
  Result<std::filesystem::path> driver_jar = ProvideDriverJar(options.work_dir);
  if (!driver_jar) return Error{ErrorCode::kInvalidArgument, driver_jar.error().message};
  Result<std::unique_ptr<ProcessWatcher>> watcher = ProcessWatcher::Create(options.kill_grace);
  if (!watcher) return watcher.error();

  std::unique_ptr<SparkSubmitLauncher> launcher(new SparkSubmitLauncher(
      std::move(options), *std::move(runtimes), *std::move(driver_jar), log));
  launcher->watcher_ = *std::move(watcher);
  launcher->queue_ = std::make_shared<SubmitQueue>(launcher->options_.submits_max,
                                                   launcher->options_.submits_waiting_max);
  return std::unique_ptr<Launcher>(std::move(launcher));
}

SparkSubmitLauncher::SparkSubmitLauncher(SparkSubmitOptions options, Runtimes runtimes,
                                         std::filesystem::path driver_jar, LogSink& log)
    : options_(std::move(options)),
      runtimes_(std::move(runtimes)),
      driver_jar_(std::move(driver_jar)),
      log_(log) {}

// Turns are given by threads that others own, and the monitors write to a log that is others', too.
SparkSubmitLauncher::~SparkSubmitLauncher() {
  if (queue_ != nullptr) queue_->Close();
  for (const auto& [place, monitor] : monitors_)
    monitor->Stop();
}

Result<std::unique_ptr<Application>> SparkSubmitLauncher::Launch(const LaunchRequest& request,
                                                                 ApplicationObserver observer) {
  Result<Plan> plan = PlanFor(request);
  if (!plan) return plan.error();
  Result<std::shared_ptr<ClusterMonitor>> monitor = MonitorFor(plan->handle, *plan->runtime);
  if (!monitor) return monitor.error();
  std::unique_ptr<SparkApplication> application =
      MakeApplication(request.tag, std::move(plan->handle), *std::move(monitor),
                      std::move(observer), request.output);
  const Result<void> begun = application->Begin(
      [this, request, runtime = plan->runtime, settings = std::move(plan->settings)] {
        return Start(request, *runtime, settings);
      });
  if (!begun) return begun.error();
  return std::unique_ptr<Application>(std::move(application));
}

// What is to be launched, and where it will be found but for what the launch gives it.
Result<SparkSubmitLauncher::Plan> SparkSubmitLauncher::PlanFor(const LaunchRequest& request) const {
  const Runtime* const runtime = FindRuntime(request.runtime);
  if (runtime == nullptr) {
    return Error{ErrorCode::kInvalidArgument,
                 request.runtime.empty()
                     ? "No runtime was chosen, and SPARK_HOME is not set."
                     : fmt::format("There is no runtime '{}'.", request.runtime)};
  }
  if (Result<void> checked = CheckCommand(request); !checked) return checked.error();
  // --properties-file takes the place of spark-defaults.conf, so what is there goes into our file.
  const Result<Properties> defaults = ReadSparkDefaults(runtime->home, runtime->conf_dir);
  if (!defaults) return defaults.error();
  Plan plan = {.runtime = runtime, .settings = SettingsFor(request, *defaults, runtime->home)};
  ApplicationHandle& handle = plan.handle;
  handle = {.target = TargetOf(plan.settings), .runtime = request.runtime};
  if (handle.target.kind != ClusterKind::kNone) handle.master = plan.settings["spark.master"];
  if (handle.target == kDriverOnWorker) {
    if (Result<void> checked = CheckNamesNoDriver(request); !checked) return checked.error();
  }
  if (handle.target.kind == ClusterKind::kKubernetes) {
    Result<std::string> place = NamespaceIn(plan.settings);
    if (!place) return place.error();
    handle.place = *std::move(place);
    handle.is_session = !request.file.has_value();
  }
  return plan;
}

Result<std::string> SparkSubmitLauncher::HandleFor(const LaunchRequest& request) const {
  const Result<Plan> plan = PlanFor(request);
  if (plan) return FormatHandle(plan->handle);
  if (plan.error().code == ErrorCode::kInvalidArgument) return plan.error();
  return std::string();  // Launch() will tell.
}

Result<StartedProcess> SparkSubmitLauncher::Start(const LaunchRequest& request,
                                                  const Runtime& runtime,
                                                  const Properties& settings) const {
  Result<std::shared_ptr<PrivateFile>> file = WriteSettings(options_.work_dir, settings);
  if (!file) return file.error();

  const std::string& in_pods = options_.kubernetes.driver_jar;
  std::filesystem::path jar = driver_jar_;
  if (TargetOf(settings) == kDriverInPod && !in_pods.empty()) jar = in_pods;
  std::map<std::string, std::string> environment = runtime.environment;
  environment[std::string(kTagVariable)] = request.tag;
  Result<ChildProcess> child =
      Spawn({.command = CommandFor(request, runtime.home, (*file)->path(), jar),
             .environment = std::move(environment),
             .merges_output = request.file.has_value()});
  if (!child) return child.error();
  log_.Write(LogLevel::kInfo, "launch",
             fmt::format("application={} process={} started", request.tag, child->pid));
  return StartedProcess{.child = *std::move(child), .settings = *std::move(file)};
}

Result<std::unique_ptr<Application>> SparkSubmitLauncher::Recover(const std::string& tag,
                                                                  const std::string& handle,
                                                                  ApplicationObserver observer) {
  Result<ApplicationHandle> known = ParseHandle(handle);
  if (!known) return known.error();
  // A server that died while it launched has not stored the process.
  if (known->process.empty()) known->process = FindProcess(kTagVariable, tag);
  Result<ChildProcess> process = Error{ErrorCode::kNotFound, "There is no process with its tag."};
  if (!known->process.empty()) process = AdoptProcess(known->process);
  const bool follows_cluster = !process && known->target.is_cluster_mode;
  if (!process && !follows_cluster) return process.error();
  Result<std::shared_ptr<ClusterMonitor>> monitor = MonitorAgain(tag, *known);
  if (!monitor) return monitor.error();
  std::unique_ptr<SparkApplication> application =
      MakeApplication(tag, *known, *std::move(monitor), std::move(observer), nullptr);
  if (follows_cluster) {
    application->FollowCluster();
  } else {
    std::shared_ptr<PrivateFile> settings = SettingsOf(process->pid, options_.work_dir);
    const Result<void> followed = application->Adopt(*std::move(process), std::move(settings));
    if (!followed) return followed.error();
  }
  log_.Write(LogLevel::kInfo, "launch", fmt::format("application={} found again", tag));
  return std::unique_ptr<Application>(std::move(application));
}

std::unique_ptr<SparkApplication> SparkSubmitLauncher::MakeApplication(
    const std::string& tag, ApplicationHandle handle, std::shared_ptr<ClusterMonitor> monitor,
    ApplicationObserver observer, OutputSink output) {
  const ClusterKind kind = handle.target.kind;
  const ApplicationProgress::Rules rules = {
      .has_cluster = monitor != nullptr,
      .is_cluster_mode = handle.target.is_cluster_mode,
      .finds_by_tag = kind != ClusterKind::kStandalone,
      .unknown_is_gone = kind == ClusterKind::kKubernetes,
      .cluster = NameOf(kind),
      .lookup_timeout = TimesFor(kind, options_).lookup_timeout};
  return std::make_unique<SparkApplication>(
      SparkApplication::Parts{.log_lines_max = options_.log_lines_max,
                              .log_line_bytes_max = options_.log_line_bytes_max,
                              .observer = std::move(observer),
                              .output = std::move(output),
                              .watcher = watcher_,
                              .queue = queue_,
                              .monitor = std::move(monitor),
                              .clock = clock_,
                              .rules = rules,
                              .tag = tag,
                              .handle = std::move(handle)});
}

// The monitor of an application of an earlier server, which may have had runtimes that this one has
// not. Then the process is followed alone where that is the driver.
Result<std::shared_ptr<ClusterMonitor>> SparkSubmitLauncher::MonitorAgain(
    const std::string& tag, const ApplicationHandle& handle) {
  if (handle.target.kind == ClusterKind::kNone) return nullptr;
  if (const Runtime* const runtime = FindRuntime(handle.runtime)) {
    return MonitorFor(handle, *runtime);
  }
  const std::string what =
      handle.runtime.empty()
          ? "it has no runtime, and SPARK_HOME is not set any more"
          : fmt::format("its runtime '{}' is not in the configuration any more", handle.runtime);
  if (!handle.target.is_cluster_mode) {
    log_.Write(LogLevel::kWarning, "launch",
               fmt::format("application={} is followed by its process alone: {}", tag, what));
    return nullptr;
  }
  return Error{ErrorCode::kUnavailable,
               fmt::format("{}, and it may still run in its cluster{}{}", what,
                           handle.app_id.empty() ? "" : " as ", handle.app_id)};
}

// Null where the process is the driver and nobody knows more.
Result<std::shared_ptr<ClusterMonitor>> SparkSubmitLauncher::MonitorFor(
    const ApplicationHandle& handle, const Runtime& runtime) {
  const SparkTarget& target = handle.target;
  if (target.kind != ClusterKind::kYarn && !target.is_cluster_mode) return nullptr;
  const ClusterPlace place = PlaceOf(handle, runtime);
  {
    const std::lock_guard lock(mutex_);
    const auto found = monitors_.find(place);
    if (found != monitors_.end()) return found->second;
  }
  Result<std::unique_ptr<Cluster>> cluster = MakeCluster(target.kind, place, options_);
  if (!cluster) return cluster.error();
  const std::string description = (*cluster)->Describe();
  const ClusterTimes& times = TimesFor(target.kind, options_);
  Result<std::unique_ptr<ClusterMonitor>> made =
      ClusterMonitor::Create(*std::move(cluster),
                             MonitorLimits{.poll_interval = times.poll_interval,
                                           .leak_interval = times.leak_interval,
                                           .leak_timeout = times.leak_timeout,
                                           .log_timeout = times.request_timeout},
                             *clock_, log_);
  if (!made) return made.error();
  std::shared_ptr<ClusterMonitor> mine = *std::move(made);
  {
    const std::lock_guard lock(mutex_);
    const auto [monitor, is_first] = monitors_.emplace(place, mine);
    if (!is_first) return monitor->second;  // Another launch was quicker.
  }
  log_.Write(LogLevel::kInfo, "launch", fmt::format("following {}", description));
  return mine;
}

const Runtime* SparkSubmitLauncher::FindRuntime(const std::string& name) const {
  const auto found = runtimes_.find(name);
  return found == runtimes_.end() ? nullptr : &found->second;
}

std::string SparkSubmitLauncher::Describe() const {
  std::string text;
  for (const auto& [name, runtime] : runtimes_) {
    const SparkHome& home = runtime.home;
    text += fmt::format("{}{}{}Spark {} in {}, Scala {}", text.empty() ? "" : "; ", name,
                        name.empty() ? "" : ": ", home.spark_version, home.directory.string(),
                        home.scala_version);
    if (!home.java_version.empty()) text += fmt::format(", Java {}", home.java_version);
  }
  return text;
}

}  // namespace internal

Result<std::unique_ptr<Launcher>> MakeSparkSubmitLauncher(const SparkSubmitOptions& options,
                                                          LogSink& log) {
  return internal::SparkSubmitLauncher::Create(options, log);
}

}  // namespace livy
