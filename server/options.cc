#include "options.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <ranges>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "launch/properties.h"
#include "runtime_options.h"
#include "settings.h"
#include "state_options.h"

namespace livy::app {
namespace {

constexpr std::chrono::milliseconds kNone(0);

Error Invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

// Old names of keys that are read, as Livy renamed them in 0.4.
const std::map<std::string_view, std::string_view> kOldNames = {
    {"livy.spark.deployMode", "livy.spark.deploy-mode"},
    {"livy.rsc.retained_statements", "livy.rsc.retained-statements"},
    {"livy.rsc.server.idle_timeout", "livy.rsc.server.idle-timeout"},
    {"livy.rsc.client.shutdown_timeout", "livy.rsc.client.shutdown-timeout"},
    {"livy.server.recovery.zk-state-store.retry-policy", "livy.server.zk.retry-policy"},
    {"livy.rsc.job_cancel.timeout", "livy.rsc.job-cancel.timeout"},
    {"livy.server.yarn.app-leakage.check_timeout", "livy.server.yarn.app-leakage.check-timeout"},
    {"livy.server.yarn.app-leakage.check_interval", "livy.server.yarn.app-leakage.check-interval"},
};

constexpr int kMany = 1'000'000;
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
  settings.Take("livy.server.batch.max", limits.batches_max, 1, kMany);
  settings.Take("livy.server.output.max-size", limits.application_output_bytes_max, std::size_t{0},
                kTerabyte);
  settings.Take("livy.server.session.statements.max-queued", limits.statements_queued_max, 1,
                kMany);
  settings.Take("livy.server.session.statements.max-queued-size",
                limits.statements_queued_bytes_max, std::size_t{1024}, kGigabyte);
  settings.Take("livy.server.session.statements.max-cached-size",
                limits.statements_cached_bytes_max, std::size_t{0}, kGigabyte);
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
  settings.Take("livy.server.session.history.retain", server.history.retain, kNone);
  settings.Take("livy.server.session.history.max-size", server.history.bytes_max, std::size_t{0},
                kTerabyte);
  settings.Take("livy.server.state-store.callers.max", limits.store_callers_max, 1, 1000);
  settings.Take("livy.server.state-store.patience", limits.store_patience, kNone);
  settings.Take("livy.server.state-store.owed.max", limits.store_owed_max, 1, kMany);
  settings.Take("livy.server.idempotency-key.max", limits.idempotency_keys_max, 1, kMany);
  settings.Take("livy.server.idempotency-key.retain", server.idempotency_key_retain, kNone);
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
  settings.Take("livy.server.stop-timeout", server.stop_timeout, kNone);
  settings.Take("livy.rsc.job-cancel.timeout", server.driver_cancel_timeout);
  settings.Take("livy.rsc.server.idle-timeout", server.driver_server_lost_timeout);
}

void TakeSpark(Settings& settings, Options& options) {
  SparkRules& spark = options.server.spark;
  settings.Take("livy.spark.master", spark.master);
  if (spark.master.empty()) settings.Fail("livy.spark.master", "", "a master such as local[*]");
  settings.Take("livy.spark.deploy-mode", spark.deploy_mode);
  CheckDeployMode(settings, "livy.spark.deploy-mode", spark.deploy_mode);
  settings.Take("livy.spark.file-list-configs", spark.file_lists);
  settings.Take("livy.file.local-dir-whitelist", spark.local_dirs_allowed);
  settings.Take("livy.server.session.allow-custom-classpath", spark.custom_classpath_allowed);
  settings.Take("livy.server.spark-home", options.spark_submit.spark_home);
  settings.Take("livy.server.spark-submit.max", options.spark_submit.submits_max, 1, kMany);
  settings.Take("livy.server.spark-submit.max-waiting", options.spark_submit.submits_waiting_max, 0,
                kMany);
  settings.Take("livy.cache-log.size", options.spark_submit.log_lines_max, 0, kMany);
}

void TakeClusters(Settings& settings, ClusterOptions& cluster) {
  settings.Take("livy.server.yarn.resource-managers", cluster.resource_manager_urls);
  settings.Take("livy.server.yarn.user", cluster.user);
  settings.Take("livy.server.yarn.poll-interval", cluster.times.poll_interval);
  settings.Take("livy.server.yarn.request-timeout", cluster.times.request_timeout);
  settings.Take("livy.server.yarn.app-lookup-timeout", cluster.times.lookup_timeout);
  settings.Take("livy.server.yarn.app-leakage.check-timeout", cluster.times.leak_timeout, kNone);
  settings.Take("livy.server.yarn.app-leakage.check-interval", cluster.times.leak_interval);
  settings.Take("livy.server.standalone.masters", cluster.standalone_urls);
}

// "a=b;c=d" into what it names.
void TakeAnnotations(Settings& settings, std::map<std::string, std::string>& annotations) {
  std::string text;
  settings.Take("livy.server.kubernetes.ingress.additionalAnnotations", text);
  std::istringstream pairs(text);
  for (std::string pair; std::getline(pairs, pair, ';');) {
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || equals == 0)
      return settings.Fail("livy.server.kubernetes.ingress.additionalAnnotations", text,
                           "annotations such as name=value;other=value");
    annotations[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
}

void TakeIngress(Settings& settings, IngressOptions& ingress) {
  settings.Take("livy.server.kubernetes.ingress.create", ingress.is_created);
  settings.Take("livy.server.kubernetes.ingress.className", ingress.class_name);
  settings.Take("livy.server.kubernetes.ingress.protocol", ingress.protocol);
  settings.Take("livy.server.kubernetes.ingress.host", ingress.host);
  settings.Take("livy.server.kubernetes.ingress.tls.secretName", ingress.tls_secret);
  settings.Take("livy.server.kubernetes.ingress.additionalConfSnippet", ingress.nginx_snippet);
  TakeAnnotations(settings, ingress.annotations);
}

void TakeKubernetes(Settings& settings, KubernetesOptions& kubernetes) {
  settings.Take("livy.server.kubernetes.oauthTokenValue", kubernetes.token);
  settings.Take("livy.server.kubernetes.oauthTokenFile", kubernetes.token_file);
  if (!kubernetes.token.empty() && !kubernetes.token_file.empty()) {
    settings.FailWith(
        "livy.server.kubernetes.oauthTokenValue and livy.server.kubernetes.oauthTokenFile cannot "
        "both be set.");
  }
  settings.Take("livy.server.kubernetes.caCertFile", kubernetes.ca_file);
  settings.Take("livy.server.kubernetes.clientCertFile", kubernetes.certificate_file);
  settings.Take("livy.server.kubernetes.clientKeyFile", kubernetes.key_file);
  if (kubernetes.certificate_file.empty() != kubernetes.key_file.empty()) {
    const bool has_key = !kubernetes.key_file.empty();
    settings.Fail(fmt::format("livy.server.kubernetes.client{}File", has_key ? "Cert" : "Key"), "",
                  "set, because the other half of the pair is");
  }
  settings.Take("livy.server.kubernetes.driver.jar", kubernetes.driver_jar);
  settings.Take("livy.server.kubernetes.spark.container.name", kubernetes.container_name);
  settings.Take("livy.server.kubernetes.spark.sidecar.enabled", kubernetes.judges_by_container);
  settings.Take("livy.server.kubernetes.poll-interval", kubernetes.times.poll_interval);
  settings.Take("livy.server.kubernetes.request-timeout", kubernetes.times.request_timeout);
  settings.Take("livy.server.kubernetes.app-lookup-timeout", kubernetes.times.lookup_timeout);
  settings.Take("livy.server.kubernetes.app-leakage.check-timeout", kubernetes.times.leak_timeout,
                kNone);
  settings.Take("livy.server.kubernetes.app-leakage.check-interval",
                kubernetes.times.leak_interval);
  settings.Take("livy.ui.history-server-url", kubernetes.history_url);
  settings.Take("livy.server.kubernetes.grafana.loki.enabled", kubernetes.links_to_loki);
  settings.Take("livy.server.kubernetes.grafana.url", kubernetes.grafana_url);
  settings.Take("livy.server.kubernetes.grafana.loki.datasource", kubernetes.loki_datasource);
  settings.Take("livy.server.kubernetes.grafana.timeRange", kubernetes.loki_time_range);
  TakeIngress(settings, kubernetes.ingress);
}

// Drivers that run elsewhere cannot reach what is this machine's own.
void WarnOfLoopback(Options& options) {
  const ServerOptions& server = options.server;
  const auto is_far = [](const auto& rules) {
    return rules.deploy_mode == "cluster" && !rules.master.starts_with("local");
  };
  const auto runtimes = server.spark.runtimes | std::views::values;
  if (!is_far(server.spark) && !std::ranges::any_of(runtimes, is_far)) return;
  std::string host = server.driver_host;
  if (host.empty()) host = server.driver_listen_host;
  if (host.empty()) host = server.host;
  if (host != "localhost" && host != "::1" && !host.starts_with("127.")) return;
  options.warnings.push_back(
      fmt::format("Drivers are told to connect to {}, which reaches this machine only: set "
                  "livy.server.driver.host to an address that the cluster reaches.",
                  host));
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

// Settings of Apache Livy that protect a server. Without what they ask for it must not start.
void RefuseProtection(const Conf& conf, Settings& settings) {
  const std::set<std::string_view> off = {"", "false", "none", "null"};
  for (const char* key :
       {"livy.server.auth.type", "livy.keystore", "livy.server.access-control.enabled",
        "livy.impersonation.enabled", "livy.server.csrf-protection.enabled"}) {
    const auto found = conf.find(key);
    if (found == conf.end() || off.contains(found->second)) continue;
    settings.Fail(key, found->second,
                  "unset, because this server cannot do it yet and must not run without");
  }
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
  TakeClusters(settings, options.spark_submit.cluster);
  TakeRuntimes(settings, environment, options);
  TakeKubernetes(settings, options.spark_submit.kubernetes);
  TakeLogLevel(settings, options);
  TakeRecovery(settings, options.server);
  TakeState(settings, environment, options);
  RefuseProtection(conf, settings);
  if (!settings.wrong().empty()) return Invalid(settings.wrong());
  const Result<void> hadoop = TakeHadoop(environment, options);
  if (!hadoop) return hadoop.error();
  WarnOfLoopback(options);
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
