// livy-server's options: from the command line, livy.conf and the environment to ServerOptions.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <livy/launcher.h>
#include <livy/log.h>
#include <livy/result.h>
#include <livy/server.h>
#include <livy/store.h>

namespace livy::app {

// An environment variable's value; nullopt if it is not set or empty.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

enum class StateStore { kMemory, kSqlite, kFiles, kZooKeeper, kRedis };

struct Options {
  ServerOptions server = {};
  SparkSubmitOptions spark_submit = {};
  StateStore state_store = StateStore::kSqlite;
  std::filesystem::path state_file = {};    // Of SQLite; empty for the others.
  std::filesystem::path state_folder = {};  // Of files; empty for the others.
  ZooKeeperStoreOptions zookeeper = {};
  RedisStoreOptions redis = {};
  LogLevel log_level = LogLevel::kInfo;
  std::vector<std::string> warnings = {};  // What the operator should hear, such as unknown keys.
};

// What livy.conf's settings and the environment mean. Fails with kInvalidArgument, naming the key
// and the value, if a value cannot be used.
Result<Options> MakeOptions(const std::map<std::string, std::string>& conf,
                            const Environment& environment);

// Reads livy.conf's syntax: that of Java's properties files. `file` empty:
// $LIVY_CONF_DIR/livy.conf, which may be missing. Only keys that begin with "livy." are kept; for
// others there is a warning.
Result<std::map<std::string, std::string>> ReadConf(const std::filesystem::path& file,
                                                    const Environment& environment,
                                                    std::vector<std::string>& warnings);

// The settings that spark-blacklist.conf beside livy.conf names: one a line, '#' for comments.
// Empty if there is no such file.
Result<std::set<std::string>> ReadBlacklist(const std::filesystem::path& file);

// The folder of livy.conf, in which spark-blacklist.conf is looked for too; empty if there is none.
std::filesystem::path ConfFolder(const std::filesystem::path& file, const Environment& environment);

}  // namespace livy::app
