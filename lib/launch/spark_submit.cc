#include "launch/spark_submit.h"

#include <cstdlib>
#include <sys/stat.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <livy/clock.h>

#include "files/private_file.h"
#include "launch/driver_jar.h"
#include "launch/process.h"
#include "launch/properties.h"
#include "launch/spark_command.h"

namespace livy {
namespace internal {
namespace {

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

// Turns are given by threads that others own.
SparkSubmitLauncher::~SparkSubmitLauncher() {
  if (queue_ != nullptr) queue_->Close();
}

Result<std::unique_ptr<Application>> SparkSubmitLauncher::Launch(const LaunchRequest& request,
                                                                 ApplicationObserver observer) {
  std::unique_ptr<SparkApplication> application =
      MakeApplication(std::move(observer), request.output);
  const Result<void> begun = application->Begin([this, request] { return Start(request); });
  if (!begun) return begun.error();
  return std::unique_ptr<Application>(std::move(application));
}

Result<StartedProcess> SparkSubmitLauncher::Start(const LaunchRequest& request) const {
  // --properties-file takes the place of spark-defaults.conf, so what is there goes into our file.
  const Result<Properties> defaults = ReadSparkDefaults(home_);
  if (!defaults) return defaults.error();
  const Properties settings = SettingsFor(request, *defaults, home_);

  Result<PrivateFile> properties = PrivateFile::Create(
      options_.work_dir, kPropertiesPrefix, kPropertiesSuffix, FormatProperties(settings));
  if (!properties) return properties.error();
  auto settings_file = std::make_shared<PrivateFile>(*std::move(properties));

  // Spark's scripts go by the variable, which may name another Spark.
  Result<ChildProcess> child =
      Spawn({.command = CommandFor(request, home_, settings_file->path(), driver_jar_),
             .environment = {{"SPARK_HOME", home_.directory.string()}},
             .merges_output = request.file.has_value()});
  if (!child) return child.error();
  log_.Write(LogLevel::kInfo, "launch",
             fmt::format("application={} process={} started", request.tag, child->pid));
  return StartedProcess{.child = *std::move(child), .settings = std::move(settings_file)};
}

Result<std::unique_ptr<Application>> SparkSubmitLauncher::Recover(const std::string& tag,
                                                                  const std::string& handle,
                                                                  ApplicationObserver observer) {
  Result<ChildProcess> process = AdoptProcess(handle);
  if (!process) return process.error();
  std::unique_ptr<SparkApplication> application = MakeApplication(std::move(observer), nullptr);
  const pid_t pid = process->pid;
  if (Result<void> followed = application->Adopt(*std::move(process)); !followed)
    return followed.error();
  log_.Write(LogLevel::kInfo, "launch",
             fmt::format("application={} process={} found again", tag, pid));
  return std::unique_ptr<Application>(std::move(application));
}

std::unique_ptr<SparkApplication> SparkSubmitLauncher::MakeApplication(ApplicationObserver observer,
                                                                       OutputSink output) const {
  const SparkApplication::Limits limits{.lines_max = options_.log_lines_max,
                                        .line_bytes_max = options_.log_line_bytes_max};
  return std::make_unique<SparkApplication>(limits, std::move(observer), std::move(output),
                                            watcher_, queue_);
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
