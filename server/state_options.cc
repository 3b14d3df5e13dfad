#include "state_options.h"

#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace livy::app {
namespace {

// What a driver tells at once must fit into one change of ZooKeeper.
constexpr std::size_t kZooKeeperOutputBytesMax = 131072;
// What the server changes at once where it can choose: 512 KiB under 250 keys, of which the store
// counts up to 1 KB each.
constexpr std::size_t kZooKeeperChangeBytesLeast = 800'000;

// Two whole numbers, as Livy reads them: how often, and how many milliseconds apart.
void TakeRetryPolicy(Settings& settings, ZooKeeperStoreOptions& zookeeper) {
  constexpr char kKey[] = "livy.server.zk.retry-policy";
  std::string text = "5,100";
  settings.Take("livy.server.zk.retry-policy", text);
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t'; });
  const char* end = text.data() + text.size();
  int pause = 0;
  const auto [comma, failure] = std::from_chars(text.data(), end, zookeeper.retries_max);
  if (failure == std::errc() && comma != end && *comma == ',' && zookeeper.retries_max >= 0) {
    const auto [stopped, second] = std::from_chars(comma + 1, end, pause);
    zookeeper.retry_pause = std::chrono::milliseconds(pause);
    if (second == std::errc() && stopped == end && pause >= 0) return;
  }
  settings.FailWith(
      fmt::format("{} contains bad value: {}. Correct format is <max retry count>,"
                  "<sleep ms between retry>. e.g. 5,100",
                  kKey, text));
}

void TakeZooKeeper(Settings& settings, ZooKeeperStoreOptions& zookeeper) {
  settings.Take("livy.server.recovery.state-store.url", zookeeper.hosts);
  settings.Take("livy.server.zookeeper.url", zookeeper.hosts);
  settings.Take("livy.server.recovery.zk-state-store.key-prefix", zookeeper.prefix);
  TakeRetryPolicy(settings, zookeeper);
  settings.Take("livy.server.zk.credentials", zookeeper.credentials);
  std::string access = "open";
  settings.Take("livy.server.zk.acl", access);
  if (access != "open" && access != "creator") {
    settings.Fail("livy.server.zk.acl", access, "open or creator");
  }
  zookeeper.access = access == "open" ? ZooKeeperAccess::kOpen : ZooKeeperAccess::kCreatorOnly;
  bool sasl = false;
  settings.Take("livy.server.zk.sasl.enabled", sasl);
  if (sasl) {
    settings.Fail("livy.server.zk.sasl.enabled", "true",
                  "false, because there is no SASL here: see livy.server.zk.credentials");
  }
  settings.Take("livy.server.zk.tls.ca", zookeeper.ca_file);
  settings.Take("livy.server.zk.tls.certificate", zookeeper.certificate_file);
  settings.Take("livy.server.zk.tls.key", zookeeper.key_file);
  settings.Take("livy.server.zk.connect.timeout", zookeeper.connect_timeout);
  settings.Take("livy.server.zk.session.timeout", zookeeper.session_timeout);
  settings.Take("livy.server.zk.request.timeout", zookeeper.request_timeout);
  settings.Take("livy.server.zk.change.max-size", zookeeper.change_bytes_max,
                kZooKeeperChangeBytesLeast, kGigabyte);
}

// redis://HOST[:PORT][/DATABASE], rediss:// for TLS, or unix:/PATH.
bool ParseRedisUrl(std::string_view url, RedisStoreOptions& redis) {
  if (url.starts_with("unix:/")) {
    redis.unix_socket = std::string(url.substr(5));
    return true;
  }
  const bool is_tls = url.starts_with("rediss://");
  if (!is_tls && !url.starts_with("redis://")) return false;
  redis.security = is_tls ? RedisSecurity::kTls : RedisSecurity::kPlain;
  url.remove_prefix(url.find("//") + 2);
  const auto take = [&url](char mark, int& number) {
    const std::size_t at = url.rfind(mark);
    // The colons of an address of version 6 are in brackets.
    if (at == url.npos || url.find(']', at) != url.npos) return true;
    const char* end = url.data() + url.size();
    const auto [stopped, failure] = std::from_chars(url.data() + at + 1, end, number);
    url = url.substr(0, at);
    return failure == std::errc() && stopped == end && number >= 0;
  };
  if (!take('/', redis.database) || !take(':', redis.port)) return false;
  if (url.starts_with('[') && url.ends_with(']')) url = url.substr(1, url.size() - 2);
  redis.host = url;
  return !url.empty() && url.find_first_of("@/[]") == url.npos && redis.port >= 1 &&
         redis.port <= 65535;
}

void TakeRedis(Settings& settings, RedisStoreOptions& redis) {
  std::string url = "redis://127.0.0.1:6379/0";
  settings.Take("livy.server.redis.url", url);
  if (!ParseRedisUrl(url, redis)) {
    settings.Fail("livy.server.redis.url", url,
                  "redis://HOST:PORT/DATABASE, rediss:// for TLS, or unix:/PATH");
  }
  settings.Take("livy.server.redis.user", redis.user);
  settings.Take("livy.server.redis.password", redis.password);
  settings.Take("livy.server.redis.key-prefix", redis.prefix);
  settings.Take("livy.server.redis.tls.ca", redis.ca_file);
  settings.Take("livy.server.redis.tls.certificate", redis.certificate_file);
  settings.Take("livy.server.redis.tls.key", redis.key_file);
  settings.Take("livy.server.redis.connect.timeout", redis.connect_timeout);
  settings.Take("livy.server.redis.request.timeout", redis.request_timeout);
}

// Livy's key counts where ours is not set.
void TakeStateStore(Settings& settings, Options& options) {
  std::string livys;
  settings.Take("livy.server.recovery.state-store", livys);
  if (livys != "" && livys != "filesystem" && livys != "zookeeper") {
    settings.Fail("livy.server.recovery.state-store", livys, "filesystem or zookeeper");
  }
  std::string store = livys.empty() ? "sqlite" : livys;
  settings.Take("livy.server.state-store", store);
  const std::map<std::string_view, StateStore> stores = {{"memory", StateStore::kMemory},
                                                         {"sqlite", StateStore::kSqlite},
                                                         {"filesystem", StateStore::kFiles},
                                                         {"zookeeper", StateStore::kZooKeeper},
                                                         {"redis", StateStore::kRedis}};
  const auto found = stores.find(store);
  if (found == stores.end()) {
    return settings.Fail("livy.server.state-store", store,
                         "sqlite, memory, filesystem, zookeeper or redis");
  }
  options.state_store = found->second;
}

// A folder of this machine: file:/a, file:///a, or /a.
void TakeStateFolder(Settings& settings, const std::filesystem::path& folder, Options& options) {
  std::string url;
  settings.Take("livy.server.recovery.state-store.url", url);
  std::string_view path = url;
  if (path.starts_with("file:///")) path.remove_prefix(7);
  if (path.starts_with("file:/")) path.remove_prefix(5);
  if (!path.empty() && !path.starts_with('/')) {
    settings.Fail("livy.server.recovery.state-store.url", url,
                  "a folder of this machine, such as file:///var/livy");
  }
  options.state_folder = path.empty() ? folder / "state" : std::filesystem::path(path);
}

}  // namespace

void TakeState(Settings& settings, const Environment& environment, Options& options) {
  TakeStateStore(settings, options);
  TakeZooKeeper(settings, options.zookeeper);
  TakeRedis(settings, options.redis);
  std::filesystem::path folder;
  if (const auto state = environment("XDG_STATE_HOME")) {
    folder = std::filesystem::path(*state) / "livy";
  } else if (const auto home = environment("HOME")) {
    folder = std::filesystem::path(*home) / ".local/state/livy";
  }
  settings.Take("livy.server.state-dir", folder);
  settings.Take("livy.session.staging-dir", options.server.upload_dir);
  settings.Take("livy.server.output.dir", options.server.output_dir);
  if (options.state_store == StateStore::kMemory) return;
  if (options.state_store == StateStore::kFiles) TakeStateFolder(settings, folder, options);
  if (options.state_store == StateStore::kZooKeeper) {
    if (options.zookeeper.hosts.empty()) {
      settings.Fail("livy.server.zookeeper.url", "", "set, because the state is in ZooKeeper");
    }
    if (!settings.Has("livy.rsc.output.max-size")) {
      options.server.limits.output_bytes_max = kZooKeeperOutputBytesMax;
    }
  }
  const bool needs_folder =
      options.state_store == StateStore::kSqlite || options.state_folder == "state";
  if (folder.empty() && needs_folder) {
    return settings.Fail("livy.server.state-dir", "", "set, because there is no home directory");
  }
  if (options.state_store == StateStore::kSqlite) options.state_file = folder / "state.db";
  if (options.server.output_dir.empty() && !folder.empty()) {
    options.server.output_dir = folder / "output";
  }
  if (options.server.upload_dir.empty() && !folder.empty()) {
    options.server.upload_dir = folder / "uploads";
  }
}

}  // namespace livy::app
