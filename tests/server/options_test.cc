#include "server/options.h"

#include <algorithm>
#include <concepts>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "../scratch.h"
#include "made_options.h"

namespace livy::app {
namespace {

using Warnings = std::vector<std::string>;

using livy::testing::Scratch;

// A key, a value other than its default, and what the option then is.
struct Key {
  std::string name;
  std::string value;
  std::string shown;
  std::string (*show)(const Options&);
};

std::string Show(const std::string& text) {
  return text;
}
std::string Show(bool flag) {
  return flag ? "true" : "false";
}
template <std::integral Number>
std::string Show(Number number) {
  return std::to_string(number);
}
std::string Show(std::chrono::milliseconds time) {
  return fmt::format("{} ms", time.count());
}
std::string Show(const std::vector<std::string>& list) {
  return fmt::format("{}", fmt::join(list, "|"));
}

#define SHOW(member) [](const Options& options) { return Show(options.member); }

const std::vector<Key> kKeys = {
    {"livy.server.host", "0.0.0.0", "0.0.0.0", SHOW(server.host)},
    {"livy.server.port", "0", "0", SHOW(server.port)},
    {"livy.server.security-headers.enabled", "no", "false", SHOW(server.security_headers)},
    {"livy.server.request-header.size", "2048", "2048",
     SHOW(server.limits.request_header_bytes_max)},
    {"livy.server.request-body.size", "2048", "2048", SHOW(server.limits.request_body_bytes_max)},
    {"livy.server.connections.max", "7", "7", SHOW(server.limits.connections_max)},
    {"livy.server.threads.max", "7", "7", SHOW(server.limits.worker_threads_max)},
    {"livy.server.request-header.timeout", "90", "90 ms",
     SHOW(server.limits.request_header_timeout)},
    {"livy.server.request-body.timeout", "2s", "2000 ms", SHOW(server.limits.request_body_timeout)},
    {"livy.server.response.timeout", "2m", "120000 ms", SHOW(server.limits.response_timeout)},
    {"livy.server.keep-alive.timeout", "1h", "3600000 ms", SHOW(server.limits.keep_alive_timeout)},
    {"livy.server.wait.max", "0", "0 ms", SHOW(server.limits.wait_max)},
    {"livy.server.session.max-creation", "0", "0", SHOW(server.limits.creations_max)},
    {"livy.server.session.max", "7", "7", SHOW(server.limits.sessions_max)},
    {"livy.server.batch.max", "7", "7", SHOW(server.limits.batches_max)},
    {"livy.server.session.statements.max-queued", "7", "7",
     SHOW(server.limits.statements_queued_max)},
    {"livy.server.session.statements.max-queued-size", "2048", "2048",
     SHOW(server.limits.statements_queued_bytes_max)},
    {"livy.server.session.statements.max-cached-size", "2048", "2048",
     SHOW(server.limits.statements_cached_bytes_max)},
    {"livy.server.session.completions.max", "7", "7", SHOW(server.limits.completions_max)},
    {"livy.server.session.additions.max", "7", "7", SHOW(server.limits.additions_max)},
    {"livy.server.session.addition.timeout", "3s", "3000 ms", SHOW(server.limits.addition_timeout)},
    {"livy.file.upload.max.size", "2048", "2048", SHOW(server.limits.upload_bytes_max)},
    {"livy.server.session.uploads.max-size", "2048", "2048", SHOW(server.limits.uploads_bytes_max)},
    {"livy.session.staging-dir", "/var/staging", "/var/staging", SHOW(server.upload_dir.string())},
    {"livy.server.output.dir", "/var/output", "/var/output", SHOW(server.output_dir.string())},
    {"livy.server.output.max-size", "2048", "2048",
     SHOW(server.limits.application_output_bytes_max)},
    {"livy.server.session.events.max", "7", "7", SHOW(server.limits.events_retained_max)},
    {"livy.server.session.events.max-size", "2048", "2048",
     SHOW(server.limits.events_retained_bytes_max)},
    {"livy.server.session.timeout-check", "false", "false", SHOW(server.expiry.timeout_check)},
    {"livy.server.session.timeout-check.skip-busy", "false", "false",
     SHOW(server.expiry.skip_busy)},
    {"livy.server.session.timeout", "30m", "1800000 ms", SHOW(server.expiry.timeout)},
    {"livy.server.session.ttl-check", "true", "true", SHOW(server.expiry.ttl_check)},
    {"livy.server.session.ttl", "0", "0 ms", SHOW(server.expiry.ttl)},
    {"livy.server.session.state-retain.sec", "0s", "0 ms", SHOW(server.state_retain)},
    {"livy.server.session.history.retain", "0", "0 ms", SHOW(server.history.retain)},
    {"livy.server.session.history.max-size", "2048", "2048", SHOW(server.history.bytes_max)},
    {"livy.server.state-store.callers.max", "7", "7", SHOW(server.limits.store_callers_max)},
    {"livy.server.state-store.patience", "2s", "2000 ms", SHOW(server.limits.store_patience)},
    {"livy.server.state-store.owed.max", "7", "7", SHOW(server.limits.store_owed_max)},
    {"livy.server.idempotency-key.max", "7", "7", SHOW(server.limits.idempotency_keys_max)},
    {"livy.server.idempotency-key.retain", "0", "0 ms", SHOW(server.idempotency_key_retain)},
    {"livy.rsc.retained-statements", "7", "7", SHOW(server.limits.statements_retained_max)},
    {"livy.rsc.sql.num-rows", "7", "7", SHOW(server.limits.sql_rows_max)},
    {"livy.rsc.output.max-size", "2048", "2048", SHOW(server.limits.output_bytes_max)},
    {"livy.rsc.launcher.address", "livy.example", "livy.example", SHOW(server.driver_host)},
    {"livy.server.driver.host", "10.0.0.1", "10.0.0.1", SHOW(server.driver_listen_host)},
    {"livy.server.driver.port", "10000", "10000", SHOW(server.driver_port)},
    {"livy.rsc.server.connect.timeout", "5m", "300000 ms", SHOW(server.driver_connect_timeout)},
    {"livy.rsc.client.shutdown-timeout", "0", "0 ms", SHOW(server.driver_shutdown_timeout)},
    {"livy.server.stop-timeout", "4s", "4000 ms", SHOW(server.stop_timeout)},
    {"livy.rsc.job-cancel.timeout", "5s", "5000 ms", SHOW(server.driver_cancel_timeout)},
    {"livy.rsc.server.idle-timeout", "3s", "3000 ms", SHOW(server.driver_server_lost_timeout)},
    {"livy.spark.master", "yarn", "yarn", SHOW(server.spark.master)},
    {"livy.spark.deploy-mode", "cluster", "cluster", SHOW(server.spark.deploy_mode)},
    {"livy.file.local-dir-whitelist", "/a, /b /c", "/a|/b|/c",
     SHOW(server.spark.local_dirs_allowed)},
    {"livy.server.session.allow-custom-classpath", "TRUE", "true",
     SHOW(server.spark.custom_classpath_allowed)},
    {"livy.server.spark-home", "/opt/spark", "/opt/spark", SHOW(spark_submit.spark_home.string())},
    {"livy.spark.file-list-configs", "spark.a, spark.b", "spark.a|spark.b",
     SHOW(server.spark.file_lists)},
    {"livy.server.yarn.resource-managers", "http://a:1,http://b:1", "http://a:1|http://b:1",
     SHOW(spark_submit.cluster.resource_manager_urls)},
    {"livy.server.standalone.masters", "http://a:1", "http://a:1",
     SHOW(spark_submit.cluster.standalone_urls)},
    {"livy.server.yarn.user", "ada", "ada", SHOW(spark_submit.cluster.user)},
    {"livy.server.yarn.poll-interval", "1s", "1000 ms", SHOW(spark_submit.cluster.times.poll_interval)},
    {"livy.server.yarn.request-timeout", "1s", "1000 ms",
     SHOW(spark_submit.cluster.times.request_timeout)},
    {"livy.server.yarn.app-lookup-timeout", "1s", "1000 ms",
     SHOW(spark_submit.cluster.times.lookup_timeout)},
    {"livy.server.yarn.app-leakage.check-timeout", "1s", "1000 ms",
     SHOW(spark_submit.cluster.times.leak_timeout)},
    {"livy.server.yarn.app-leakage.check-interval", "1s", "1000 ms",
     SHOW(spark_submit.cluster.times.leak_interval)},
    {"livy.server.kubernetes.oauthTokenValue", "abc", "abc", SHOW(spark_submit.kubernetes.token)},
    {"livy.server.kubernetes.oauthTokenFile", "/token", "/token",
     SHOW(spark_submit.kubernetes.token_file.string())},
    {"livy.server.kubernetes.caCertFile", "/ca.pem", "/ca.pem",
     SHOW(spark_submit.kubernetes.ca_file.string())},
    {"livy.server.kubernetes.driver.jar", "local:///a.jar", "local:///a.jar",
     SHOW(spark_submit.kubernetes.driver_jar)},
    {"livy.server.kubernetes.spark.container.name", "spark", "spark",
     SHOW(spark_submit.kubernetes.container_name)},
    {"livy.server.kubernetes.spark.sidecar.enabled", "false", "false",
     SHOW(spark_submit.kubernetes.judges_by_container)},
    {"livy.server.kubernetes.poll-interval", "1s", "1000 ms",
     SHOW(spark_submit.kubernetes.times.poll_interval)},
    {"livy.server.kubernetes.request-timeout", "1s", "1000 ms",
     SHOW(spark_submit.kubernetes.times.request_timeout)},
    {"livy.server.kubernetes.app-lookup-timeout", "1s", "1000 ms",
     SHOW(spark_submit.kubernetes.times.lookup_timeout)},
    {"livy.server.kubernetes.app-leakage.check-timeout", "1s", "1000 ms",
     SHOW(spark_submit.kubernetes.times.leak_timeout)},
    {"livy.server.kubernetes.app-leakage.check-interval", "1s", "1000 ms",
     SHOW(spark_submit.kubernetes.times.leak_interval)},
    {"livy.ui.history-server-url", "http://h", "http://h",
     SHOW(spark_submit.kubernetes.history_url)},
    {"livy.server.kubernetes.grafana.loki.enabled", "true", "true",
     SHOW(spark_submit.kubernetes.links_to_loki)},
    {"livy.server.kubernetes.grafana.url", "http://g", "http://g",
     SHOW(spark_submit.kubernetes.grafana_url)},
    {"livy.server.kubernetes.grafana.loki.datasource", "logs", "logs",
     SHOW(spark_submit.kubernetes.loki_datasource)},
    {"livy.server.kubernetes.grafana.timeRange", "1h", "1h",
     SHOW(spark_submit.kubernetes.loki_time_range)},
    {"livy.server.kubernetes.ingress.create", "true", "true",
     SHOW(spark_submit.kubernetes.ingress.is_created)},
    {"livy.server.kubernetes.ingress.className", "nginx", "nginx",
     SHOW(spark_submit.kubernetes.ingress.class_name)},
    {"livy.server.kubernetes.ingress.protocol", "https", "https",
     SHOW(spark_submit.kubernetes.ingress.protocol)},
    {"livy.server.kubernetes.ingress.host", "spark.example", "spark.example",
     SHOW(spark_submit.kubernetes.ingress.host)},
    {"livy.server.kubernetes.ingress.tls.secretName", "mine", "mine",
     SHOW(spark_submit.kubernetes.ingress.tls_secret)},
    {"livy.server.kubernetes.ingress.additionalConfSnippet", "gzip off;", "gzip off;",
     SHOW(spark_submit.kubernetes.ingress.nginx_snippet)},
    {"livy.server.kubernetes.ingress.additionalAnnotations",
     "a=b=c;d=", "{\"a\": \"b=c\", \"d\": \"\"}",
     [](const Options& options) {
       return fmt::format("{}", options.spark_submit.kubernetes.ingress.annotations);
     }},
    {"livy.server.spark-submit.max", "7", "7", SHOW(spark_submit.submits_max)},
    {"livy.server.spark-submit.max-waiting", "0", "0", SHOW(spark_submit.submits_waiting_max)},
    {"livy.cache-log.size", "0", "0", SHOW(spark_submit.log_lines_max)},
    {"livy.server.state-dir", "/var/livy", "/var/livy/state.db", SHOW(state_file.string())},
    {"livy.server.state-store", "memory", "", SHOW(state_file.string())},
    {"livy.server.recovery.mode", "recovery", "1",
     [](const Options& options) {
       return std::to_string(static_cast<int>(options.server.recovery));
     }},
    {"livy.server.recovery.zk-state-store.key-prefix", "mine", "mine", SHOW(zookeeper.prefix)},
    {"livy.server.zk.credentials", "livy:secret", "livy:secret", SHOW(zookeeper.credentials)},
    {"livy.server.zk.acl", "creator", "1",
     [](const Options& options) { return Show(static_cast<int>(options.zookeeper.access)); }},
    {"livy.server.zk.retry-policy", " 7 , 20 ", "7, 20 ms",
     [](const Options& options) {
       return Show(options.zookeeper.retries_max) + ", " + Show(options.zookeeper.retry_pause);
     }},
    {"livy.server.zk.tls.ca", "/ca.pem", "/ca.pem", SHOW(zookeeper.ca_file.string())},
    {"livy.server.zk.tls.certificate", "/c.pem", "/c.pem",
     SHOW(zookeeper.certificate_file.string())},
    {"livy.server.zk.tls.key", "/k.pem", "/k.pem", SHOW(zookeeper.key_file.string())},
    {"livy.server.zk.connect.timeout", "1s", "1000 ms", SHOW(zookeeper.connect_timeout)},
    {"livy.server.zk.session.timeout", "1s", "1000 ms", SHOW(zookeeper.session_timeout)},
    {"livy.server.zk.request.timeout", "1s", "1000 ms", SHOW(zookeeper.request_timeout)},
    {"livy.server.zk.change.max-size", "800000", "800000", SHOW(zookeeper.change_bytes_max)},
    {"livy.server.redis.url", "rediss://[::1]:7/3", "::1 7 3 1",
     [](const Options& options) {
       return fmt::format("{} {} {} {}", options.redis.host, options.redis.port,
                          options.redis.database, static_cast<int>(options.redis.security));
     }},
    {"livy.server.redis.user", "ada", "ada", SHOW(redis.user)},
    {"livy.server.redis.password", "secret", "secret", SHOW(redis.password)},
    {"livy.server.redis.key-prefix", "mine", "mine", SHOW(redis.prefix)},
    {"livy.server.redis.tls.ca", "/ca.pem", "/ca.pem", SHOW(redis.ca_file.string())},
    {"livy.server.redis.tls.certificate", "/c.pem", "/c.pem",
     SHOW(redis.certificate_file.string())},
    {"livy.server.redis.tls.key", "/k.pem", "/k.pem", SHOW(redis.key_file.string())},
    {"livy.server.redis.connect.timeout", "1s", "1000 ms", SHOW(redis.connect_timeout)},
    {"livy.server.redis.request.timeout", "1s", "1000 ms", SHOW(redis.request_timeout)},
    {"livy.server.log-level", "debug", "0",
     [](const Options& options) { return std::to_string(static_cast<int>(options.log_level)); }},
};

// They go together, and so not into the table.
const std::vector<std::string> kTlsKeys = {"livy.server.tls.certificate", "livy.server.tls.key"};
const std::vector<std::string> kKubernetesKeys = {"livy.server.kubernetes.clientCertFile",
                                                  "livy.server.kubernetes.clientKeyFile"};
const std::vector<std::string> kRecoveryKeys = {
    "livy.server.recovery.state-store", "livy.server.recovery.state-store.url",
    "livy.server.zookeeper.url", "livy.server.zk.sasl.enabled"};

// The name of a runtime, which others of its keys make.
const std::string kRuntimeKey = "livy.runtime.default";

bool IsOfState(const std::string& key) {
  return key.starts_with("livy.server.state-") || key == "livy.session.staging-dir" ||
         key == "livy.server.output.dir";
}

// The store and its folder are shown by one option, and that folder has another one in it.
bool GoTogether(const std::string& a, const std::string& b) {
  return a == b || (IsOfState(a) && IsOfState(b));
}

TEST_CASE("each key sets its option, and without it the option has its default") {
  const Options defaults = Make({});
  for (const Key& key : kKeys) {
    CAPTURE(key.name);
    const Options options = Make({{key.name, key.value}});
    CHECK(key.show(options) == key.shown);
    CHECK(key.show(options) != key.show(defaults));
    CHECK(options.warnings.empty());
    for (const Key& other : kKeys) {
      if (GoTogether(other.name, key.name)) continue;
      CAPTURE(other.name);
      CHECK(other.show(options) == other.show(defaults));
    }
  }
}

TEST_CASE("livy-server listens at Livy's port, an embedded server at a free one") {
  CHECK(Make({}).server.port == 8998);
  CHECK(ServerOptions().port == 0);
}

TEST_CASE("certificate and key go together") {
  const Options options = Make({{kTlsKeys[0], "/c.pem"}, {kTlsKeys[1], "/k.pem"}});
  CHECK(options.server.certificate_file == "/c.pem");
  CHECK(options.server.key_file == "/k.pem");
  CHECK(Refusal({{kTlsKeys[0], "/c.pem"}}) ==
        "livy.server.tls.key = : it must be set, because the other half of the pair is.");
  CHECK(Refusal({{kTlsKeys[1], "/k.pem"}}).starts_with("livy.server.tls.certificate = : "));
}

TEST_CASE("a wrong value is refused with its key, itself and what is wanted") {
  struct Row {
    const char* key;
    const char* value;
    const char* wanted;
  };
  const Row rows[] = {
      {"livy.server.host", "", "an address or a name"},
      {"livy.server.port", "x", "a number from 0 to 65535"},
      {"livy.server.port", "65536", "a number from 0 to 65535"},
      {"livy.server.port", "-1", "a number from 0 to 65535"},
      {"livy.server.port", "80 ", "a number from 0 to 65535"},
      {"livy.server.port", "", "a number from 0 to 65535"},
      {"livy.server.port", "99999999999999999999", "a number from 0 to 65535"},
      {"livy.server.request-body.size", "16m", "a number from 1024 to 1073741824"},
      {"livy.server.request-body.size", "1023", "a number from 1024 to 1073741824"},
      {"livy.server.zk.change.max-size", "799999", "a number from 800000 to 1073741824"},
      {"livy.server.threads.max", "0", "a number from 1 to 1000"},
      {"livy.server.wait.max", "1 minute", "a time such as 90s or 1h, from 0ms to 10000d"},
      {"livy.server.wait.max", "-1s", "a time such as 90s or 1h, from 0ms to 10000d"},
      {"livy.server.wait.max", "200000d", "a time such as 90s or 1h, from 0ms to 10000d"},
      {"livy.server.keep-alive.timeout", "0", "a time such as 90s or 1h, from 1ms to 10000d"},
      {"livy.spark.master", "", "a master such as local[*]"},
      {"livy.spark.deploy-mode", "Cluster", "client, cluster or empty"},
      {"livy.server.log-level", "loud", "debug, info, warning or error"},
      {"livy.server.state-store", "etcd", "sqlite, memory, filesystem, zookeeper or redis"},
      {"livy.server.recovery.state-store", "redis", "filesystem or zookeeper"},
      {"livy.server.kubernetes.ingress.additionalAnnotations", "a=b;c",
       "annotations such as name=value;other=value"},
      {"livy.server.zk.acl", "world", "open or creator"},
      {"livy.server.zk.sasl.enabled", "true",
       "false, because there is no SASL here: see livy.server.zk.credentials"},
      {"livy.server.redis.url", "localhost:6379",
       "redis://HOST:PORT/DATABASE, rediss:// for TLS, or unix:/PATH"},
  };
  for (const Row& row : rows) {
    CHECK(Refusal({{row.key, row.value}}) ==
          fmt::format("{} = {}: it must be {}.", row.key, row.value, row.wanted));
  }
}

TEST_CASE("of several wrong values one is told") {
  const std::string refusal =
      Refusal({{"livy.server.port", "x"}, {"livy.server.threads.max", "y"}});
  CHECK(refusal == "livy.server.port = x: it must be a number from 0 to 65535.");
}

TEST_CASE("an old name is read with a warning, and yields to the new one") {
  struct Row {
    const char* old_name;
    const char* new_name;
    const char* value;
  };
  const Row rows[] = {
      {"livy.spark.deployMode", "livy.spark.deploy-mode", "client"},
      {"livy.rsc.retained_statements", "livy.rsc.retained-statements", "8"},
      {"livy.rsc.server.idle_timeout", "livy.rsc.server.idle-timeout", "8s"},
      {"livy.rsc.client.shutdown_timeout", "livy.rsc.client.shutdown-timeout", "8s"},
      {"livy.rsc.job_cancel.timeout", "livy.rsc.job-cancel.timeout", "8s"},
      {"livy.server.recovery.zk-state-store.retry-policy", "livy.server.zk.retry-policy", "3,9"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.old_name);
    const Key& key = *std::ranges::find(kKeys, row.new_name, &Key::name);
    const Options old = Make({{row.old_name, row.value}});
    CHECK(key.show(old) == key.show(Make({{row.new_name, row.value}})));
    CHECK(old.warnings ==
          Warnings{fmt::format("{} is an old name of {}.", row.old_name, row.new_name)});
    const Options both = Make({{row.old_name, row.value}, {row.new_name, key.value}});
    CHECK(key.show(both) == key.shown);
    CHECK(both.warnings.size() == 1);
  }
}

TEST_CASE("a key that nobody reads is warned about, unless it is of Livy and needs no setting") {
  CHECK(Make({{"livy.server.prot", "1"}, {"livy.server.session.timeuot", "1h"}}).warnings ==
        Warnings{"livy.server.prot is not a setting of this server.",
                 "livy.server.session.timeuot is not a setting of this server."});
  CHECK(Make({{"livy.client.http.job.initial-poll-interval", "1s"},
              {"livy.rsc.rpc.threads", "2"},
              {"livy.server.session.manage.threads", "2"},
              {"livy.server.heartbeat-watchdog.interval", "1m"}})
            .warnings.empty());
}

TEST_CASE("the state is kept below XDG_STATE_HOME, else HOME, unless a folder is set") {
  const Conf both = {{"XDG_STATE_HOME", "/state"}, {"HOME", "/home/ada"}};
  CHECK(MakeOptions({}, Variables(both)).value().state_file == "/state/livy/state.db");
  CHECK(MakeOptions({}, kHome).value().state_file == "/home/ada/.local/state/livy/state.db");
  const Conf folder = {{"livy.server.state-dir", "/var/livy"}};
  CHECK(MakeOptions(folder, Variables(both)).value().state_file == "/var/livy/state.db");
  CHECK(MakeOptions(folder, Variables({})).value().state_file == "/var/livy/state.db");
}

TEST_CASE("without a home a durable store needs a folder") {
  CHECK(Refusal({}, Variables({})) ==
        "livy.server.state-dir = : it must be set, because there is no home directory.");
  CHECK(MakeOptions({{"livy.server.state-store", "memory"}}, Variables({})));
}

// The documents say what the program does.

std::string ReadSource(const std::string& name) {
  std::ifstream stream(std::filesystem::path(SOURCE_ROOT) / name);
  REQUIRE(stream);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

// The keys and defaults of rows such as "| `livy.server.port` | `8998` | ...".
Conf DocumentedDefaults() {
  Conf defaults;
  const std::string page = ReadSource("docs/configuration.md");
  const std::size_t begin = page.find("\n## Settings\n");
  std::istringstream lines(page.substr(begin, page.find("\n## ", begin + 1) - begin));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `livy.")) continue;
    std::vector<std::string> cells;
    std::istringstream row(line.substr(1));
    for (std::string cell; std::getline(row, cell, '|');) {
      std::erase(cell, '`');
      const std::size_t first = cell.find_first_not_of(' ');
      cells.push_back(
          first == cell.npos ? "" : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
    }
    REQUIRE(cells.size() >= 2);
    CHECK(defaults.emplace(cells[0], cells[1]).second);
  }
  return defaults;
}

TEST_CASE("docs/configuration.md has every key, with its default") {
  const Options unset = Make({});
  const Conf documented = DocumentedDefaults();
  CHECK(documented.size() ==
        kKeys.size() + kTlsKeys.size() + kKubernetesKeys.size() + kRecoveryKeys.size() + 1);
  CHECK(documented.contains(kRuntimeKey));
  for (const auto* keys : {&kTlsKeys, &kKubernetesKeys, &kRecoveryKeys}) {
    for (const std::string& key : *keys)
      CHECK(documented.contains(key));
  }
  for (const Key& key : kKeys) {
    CAPTURE(key.name);
    REQUIRE(documented.contains(key.name));
    const std::string& value = documented.at(key.name);
    if (value.empty() || value.starts_with("$XDG_STATE_HOME")) continue;
    CHECK(key.show(Make({{key.name, value}})) == key.show(unset));
  }
}

TEST_CASE("a server that was to be protected in a way that is not there does not start") {
  CHECK(MakeOptions({{"livy.server.auth.type", "kerberos"}}, kHome).error() ==
        Error{ErrorCode::kInvalidArgument,
              "livy.server.auth.type = kerberos: it must be unset, because this server cannot do "
              "it yet and must not run without."});
  for (const char* key : {"livy.keystore", "livy.server.access-control.enabled",
                          "livy.impersonation.enabled", "livy.server.csrf-protection.enabled"}) {
    CAPTURE(key);
    CHECK(MakeOptions({{key, "true"}}, kHome).error().message.starts_with(key));
    CHECK(MakeOptions({{key, "false"}}, kHome));
  }
}

TEST_CASE("packaging/livy.conf shows the defaults") {
  const Options unset = Make({});
  std::istringstream lines(ReadSource("packaging/livy.conf"));
  std::string uncommented;
  int settings = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# livy.")) continue;
    uncommented += line.substr(2) + "\n";
    ++settings;
  }
  const Scratch scratch;
  Warnings warnings;
  Conf conf = ReadConf(scratch.Write("livy.conf", uncommented), Variables({}), warnings).value();
  CHECK(static_cast<int>(conf.size()) == settings);
  const Options options = Make(conf);
  CHECK(options.warnings.empty());
  for (const Key& key : kKeys) {
    CAPTURE(key.name);
    CHECK(key.show(options) == key.show(unset));
  }
}

}  // namespace
}  // namespace livy::app
