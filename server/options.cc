#include "options.h"

#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "core/duration.h"
#include "launch/properties.h"

namespace livy::app {
namespace {

using Conf = std::map<std::string, std::string>;

constexpr std::chrono::milliseconds kNone(0);
// Deadlines are counted in nanoseconds, of which 64 bits hold some 290 years.
constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24) * 10000;

Error Invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

// Old names of keys that are read, as Livy renamed them in 0.4.
const std::map<std::string_view, std::string_view> kOldNames = {
    {"livy.spark.deployMode", "livy.spark.deploy-mode"},
    {"livy.rsc.retained_statements", "livy.rsc.retained-statements"},
    {"livy.rsc.server.idle_timeout", "livy.rsc.server.idle-timeout"},
    {"livy.rsc.client.shutdown_timeout", "livy.rsc.client.shutdown-timeout"},
    {"livy.rsc.job_cancel.timeout", "livy.rsc.job-cancel.timeout"},
};

// Keys that other parts of a Livy installation read, or that set what needs no setting here; they
// are no mistake in livy.conf. docs/configuration.md has the reasons.
bool HasNoEffect(std::string_view key) {
  static const std::set<std::string_view> kKeys = {
      "livy.rsc.channel.log.level",
      "livy.rsc.client.connect.timeout",
      "livy.rsc.job-cancel.trigger-interval",
      "livy.rsc.launcher.port",
      "livy.rsc.launcher.port.range",
      "livy.rsc.secret.bits",
      "livy.server.heartbeat-watchdog.interval",
  };
  return kKeys.contains(key) || key.starts_with("livy.client.") ||
         key.starts_with("livy.rsc.rpc.") || key.starts_with("livy.server.session.manage.");
}

// Takes settings by key, remembers the first value that is wrong, and which keys it was not asked
// for.
class Settings {
 public:
  explicit Settings(Conf conf) : conf_(std::move(conf)) {}

  void Take(std::string_view key, std::string& target) {
    if (const std::string* value = Find(key)) target = *value;
  }

  void Take(std::string_view key, bool& target) {
    // As Livy reads it: "true" in any case, and everything else is false.
    if (const std::string* value = Find(key)) target = Lower(*value) == "true";
  }

  template <typename Number>
    requires std::is_integral_v<Number>
  void Take(std::string_view key, Number& target, Number least, Number most) {
    const std::string* value = Find(key);
    if (value == nullptr) return;
    Number number{};
    const char* end = value->data() + value->size();
    const auto [stopped, failure] = std::from_chars(value->data(), end, number);
    if (failure != std::errc() || stopped != end || number < least || number > most) {
      return Fail(key, *value, fmt::format("a number from {} to {}", least, most));
    }
    target = number;
  }

  void Take(std::string_view key, std::chrono::milliseconds& target,
            std::chrono::milliseconds least = std::chrono::milliseconds(1)) {
    const std::string* value = Find(key);
    if (value == nullptr) return;
    const Result<std::chrono::milliseconds> time = internal::ParseDuration(*value);
    if (!time || *time < least || *time > kLongest) {
      return Fail(key, *value,
                  fmt::format("a time such as 90s or 1h, from {}ms to 10000d", least.count()));
    }
    target = *time;
  }

  void Take(std::string_view key, std::filesystem::path& target) {
    if (const std::string* value = Find(key)) target = *value;
  }

  // A list, split at commas and blanks.
  void Take(std::string_view key, std::vector<std::string>& target) {
    const std::string* value = Find(key);
    if (value == nullptr) return;
    target.clear();
    std::string spaced = *value;
    for (char& c : spaced)
      c = c == ',' ? ' ' : c;
    std::istringstream words(spaced);
    target.assign(std::istream_iterator<std::string>(words), {});
  }

  void Fail(std::string_view key, std::string_view value, std::string_view wanted) {
    if (wrong_.empty()) wrong_ = fmt::format("{} = {}: it must be {}.", key, value, wanted);
  }

  const std::string& wrong() const { return wrong_; }

  std::vector<std::string> UnknownKeys() const {
    std::vector<std::string> unknown;
    for (const auto& [key, value] : conf_) {
      if (!known_.contains(key) && !HasNoEffect(key)) unknown.push_back(key);
    }
    return unknown;
  }

 private:
  const std::string* Find(std::string_view key) {
    known_.emplace(key);
    const auto found = conf_.find(std::string(key));
    return found == conf_.end() ? nullptr : &found->second;
  }

  static std::string Lower(std::string text) {
    for (char& c : text)
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
  }

  const Conf conf_;
  std::set<std::string, std::less<>> known_;
  std::string wrong_;
};

constexpr int kMany = 1'000'000;
constexpr std::size_t kGigabyte = std::size_t{1} << 30;
constexpr std::size_t kTerabyte = std::size_t{1} << 40;

void TakeHttp(Settings& settings, ServerOptions& server) {
  settings.Take("livy.server.host", server.host);
  // Nothing would be every address, which nobody should choose by leaving something out.
  if (server.host.empty()) settings.Fail("livy.server.host", "", "an address or a name");
  settings.Take("livy.server.port", server.port, 0, 65535);
  settings.Take("livy.server.tls.certificate", server.certificate_file);
  settings.Take("livy.server.tls.key", server.key_file);
  if (server.certificate_file.empty() != server.key_file.empty()) {
    const bool has_key = !server.key_file.empty();
    settings.Fail(has_key ? "livy.server.tls.certificate" : "livy.server.tls.key", "",
                  "set, because the other half of the pair is");
  }
  settings.Take("livy.server.security-headers.enabled", server.security_headers);
  ServerLimits& limits = server.limits;
  settings.Take("livy.server.request-header.size", limits.request_header_bytes_max,
                std::size_t{1024}, kGigabyte);
  settings.Take("livy.server.request-body.size", limits.request_body_bytes_max, std::size_t{1024},
                kGigabyte);
  settings.Take("livy.server.connections.max", limits.connections_max, 1, kMany);
  settings.Take("livy.server.threads.max", limits.worker_threads_max, 1, 1000);
  settings.Take("livy.server.request-header.timeout", limits.request_header_timeout);
  settings.Take("livy.server.request-body.timeout", limits.request_body_timeout);
  settings.Take("livy.server.response.timeout", limits.response_timeout);
  settings.Take("livy.server.keep-alive.timeout", limits.keep_alive_timeout);
  settings.Take("livy.server.wait.max", limits.wait_max, kNone);
}

void TakeSessions(Settings& settings, ServerOptions& server) {
  ServerLimits& limits = server.limits;
  settings.Take("livy.server.session.max-creation", limits.creations_max, 0, kMany);
  settings.Take("livy.server.session.max", limits.sessions_max, 1, kMany);
  settings.Take("livy.server.session.statements.max-queued", limits.statements_queued_max, 1,
                kMany);
  settings.Take("livy.server.session.statements.max-queued-size",
                limits.statements_queued_bytes_max, std::size_t{1024}, kGigabyte);
  settings.Take("livy.server.session.completions.max", limits.completions_max, 1, kMany);
  settings.Take("livy.server.session.additions.max", limits.additions_max, 1, kMany);
  settings.Take("livy.server.session.addition.timeout", limits.addition_timeout);
  settings.Take("livy.file.upload.max.size", limits.upload_bytes_max, std::size_t{1024}, kGigabyte);
  settings.Take("livy.server.session.uploads.max-size", limits.uploads_bytes_max, std::size_t{1024},
                kTerabyte);
  settings.Take("livy.server.session.events.max", limits.events_retained_max, 1, kMany);
  settings.Take("livy.server.session.events.max-size", limits.events_retained_bytes_max,
                std::size_t{1024}, kGigabyte);
  settings.Take("livy.server.session.state-retain.sec", server.state_retain, kNone);
  SessionExpiry& expiry = server.expiry;
  settings.Take("livy.server.session.timeout-check", expiry.timeout_check);
  settings.Take("livy.server.session.timeout-check.skip-busy", expiry.skip_busy);
  settings.Take("livy.server.session.timeout", expiry.timeout, kNone);
  settings.Take("livy.server.session.ttl-check", expiry.ttl_check);
  settings.Take("livy.server.session.ttl", expiry.ttl, kNone);
  settings.Take("livy.rsc.retained-statements", limits.statements_retained_max, 1, kMany);
  settings.Take("livy.rsc.sql.num-rows", limits.sql_rows_max, 1, kMany);
  settings.Take("livy.rsc.output.max-size", limits.output_bytes_max, std::size_t{1024}, kGigabyte);
}

void TakeDriver(Settings& settings, ServerOptions& server) {
  settings.Take("livy.rsc.launcher.address", server.driver_host);
  settings.Take("livy.server.driver.host", server.driver_listen_host);
  settings.Take("livy.server.driver.port", server.driver_port, 0, 65535);
  settings.Take("livy.rsc.server.connect.timeout", server.driver_connect_timeout);
  settings.Take("livy.rsc.client.shutdown-timeout", server.driver_shutdown_timeout, kNone);
  settings.Take("livy.rsc.job-cancel.timeout", server.driver_cancel_timeout);
  settings.Take("livy.rsc.server.idle-timeout", server.driver_server_lost_timeout);
}

void TakeSpark(Settings& settings, Options& options) {
  SparkRules& spark = options.server.spark;
  settings.Take("livy.spark.master", spark.master);
  if (spark.master.empty()) settings.Fail("livy.spark.master", "", "a master such as local[*]");
  settings.Take("livy.spark.deploy-mode", spark.deploy_mode);
  const std::set<std::string_view> modes = {"", "client", "cluster"};
  if (!modes.contains(spark.deploy_mode)) {
    settings.Fail("livy.spark.deploy-mode", spark.deploy_mode, "client, cluster or empty");
  }
  settings.Take("livy.file.local-dir-whitelist", spark.local_dirs_allowed);
  settings.Take("livy.server.session.allow-custom-classpath", spark.custom_classpath_allowed);
  settings.Take("livy.server.spark-home", options.spark_submit.spark_home);
  settings.Take("livy.cache-log.size", options.spark_submit.log_lines_max, 0, kMany);
}

void TakeLogLevel(Settings& settings, Options& options) {
  std::string level = "info";
  settings.Take("livy.server.log-level", level);
  const std::map<std::string_view, LogLevel> levels = {{"debug", LogLevel::kDebug},
                                                       {"info", LogLevel::kInfo},
                                                       {"warning", LogLevel::kWarning},
                                                       {"error", LogLevel::kError}};
  const auto found = levels.find(level);
  if (found == levels.end()) {
    return settings.Fail("livy.server.log-level", level, "debug, info, warning or error");
  }
  options.log_level = found->second;
}

void TakeRecovery(Settings& settings, ServerOptions& server) {
  std::string mode = "off";
  settings.Take("livy.server.recovery.mode", mode);
  if (mode != "off" && mode != "recovery") {
    settings.Fail("livy.server.recovery.mode", mode, "off or recovery");
  }
  server.recovery = mode == "recovery" ? Recovery::kAlways : Recovery::kAfterCrash;
}

void TakeState(Settings& settings, const Environment& environment, Options& options) {
  std::string store = "sqlite";
  settings.Take("livy.server.state-store", store);
  std::filesystem::path folder;
  if (const auto state = environment("XDG_STATE_HOME")) {
    folder = std::filesystem::path(*state) / "livy";
  } else if (const auto home = environment("HOME")) {
    folder = std::filesystem::path(*home) / ".local/state/livy";
  }
  settings.Take("livy.server.state-dir", folder);
  settings.Take("livy.session.staging-dir", options.server.upload_dir);
  if (store == "memory") return;
  if (store != "sqlite") return settings.Fail("livy.server.state-store", store, "sqlite or memory");
  if (folder.empty()) {
    return settings.Fail("livy.server.state-dir", "", "set, because there is no home directory");
  }
  options.state_file = folder / "state.db";
  if (options.server.upload_dir.empty()) options.server.upload_dir = folder / "uploads";
}

// False for what is there and cannot be looked at: reading it fails, and says so.
bool IsMissing(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::status(file, ignored).type() == std::filesystem::file_type::not_found;
}

Result<std::string> ReadText(const std::filesystem::path& file) {
  std::error_code ignored;
  std::ifstream stream(file, std::ios::binary);
  if (!stream || std::filesystem::is_directory(file, ignored)) {
    return Invalid(fmt::format("{} cannot be read.", file.string()));
  }
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

Conf RenameOld(const Conf& conf, std::vector<std::string>& warnings) {
  Conf renamed = conf;
  for (const auto& [old_name, new_name] : kOldNames) {
    const auto found = renamed.find(std::string(old_name));
    if (found == renamed.end()) continue;
    warnings.push_back(fmt::format("{} is an old name of {}.", old_name, new_name));
    renamed.try_emplace(std::string(new_name), found->second);
    renamed.erase(found);
  }
  return renamed;
}

}  // namespace

Result<Options> MakeOptions(const Conf& conf, const Environment& environment) {
  Options options;
  options.server.port = 8998;
  Settings settings(RenameOld(conf, options.warnings));
  TakeHttp(settings, options.server);
  TakeSessions(settings, options.server);
  TakeDriver(settings, options.server);
  TakeSpark(settings, options);
  TakeLogLevel(settings, options);
  TakeRecovery(settings, options.server);
  TakeState(settings, environment, options);
  if (!settings.wrong().empty()) return Invalid(settings.wrong());
  for (const std::string& key : settings.UnknownKeys()) {
    options.warnings.push_back(fmt::format("{} is not a setting of this server.", key));
  }
  return options;
}

std::filesystem::path ConfFolder(const std::filesystem::path& file,
                                 const Environment& environment) {
  std::error_code ignored;
  // "livy.conf" alone has a folder too: the working directory.
  if (!file.empty()) return std::filesystem::absolute(file, ignored).parent_path();
  return environment("LIVY_CONF_DIR").value_or("");
}

Result<Conf> ReadConf(const std::filesystem::path& file, const Environment& environment,
                      std::vector<std::string>& warnings) {
  const std::filesystem::path folder = ConfFolder(file, environment);
  if (file.empty() && folder.empty()) return Conf();
  const std::filesystem::path path = file.empty() ? folder / "livy.conf" : file;
  if (file.empty() && IsMissing(path)) return Conf();
  const Result<std::string> text = ReadText(path);
  if (!text) return text.error();
  Conf conf = internal::ParseProperties(*text);
  std::erase_if(conf, [&](const auto& entry) {
    if (entry.first.starts_with("livy.")) return false;
    warnings.push_back(fmt::format("{} is not a setting of this server.", entry.first));
    return true;
  });
  return conf;
}

Result<std::set<std::string>> ReadBlacklist(const std::filesystem::path& file) {
  std::set<std::string> keys;
  if (IsMissing(file)) return keys;
  const Result<std::string> text = ReadText(file);
  if (!text) return text.error();
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    if (std::string key; words >> key) keys.insert(std::move(key));
  }
  return keys;
}

}  // namespace livy::app
