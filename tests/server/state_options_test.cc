// Where livy-server keeps its state, by its settings.
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "made_options.h"

namespace livy::app {
namespace {

TEST_CASE("Livy's keys choose the store, and ours go before them") {
  const std::string store = "livy.server.recovery.state-store";
  const std::string url = "livy.server.recovery.state-store.url";
  const Options files = Make({{store, "filesystem"}, {url, "file:///var/livy/state"}});
  CHECK(files.state_store == StateStore::kFiles);
  CHECK(files.state_folder == "/var/livy/state");
  CHECK(files.state_file.empty());
  CHECK(Make({{store, "filesystem"}, {url, "/a"}}).state_folder == "/a");
  CHECK(Make({{store, "filesystem"}, {"livy.server.state-dir", "/b"}}).state_folder == "/b/state");
  CHECK(Refusal({{store, "filesystem"}, {url, "hdfs://nn/livy"}})
            .ends_with("a folder of this machine, such as file:///var/livy."));

  const Options zookeeper = Make({{store, "zookeeper"}, {url, "a:2181,b:2181"}});
  CHECK(zookeeper.state_store == StateStore::kZooKeeper);
  CHECK(zookeeper.zookeeper.hosts == "a:2181,b:2181");
  CHECK(zookeeper.zookeeper.prefix == "livy");
  CHECK(zookeeper.warnings.empty());
  CHECK(Make({{url, "a:1"}, {"livy.server.zookeeper.url", "b:1"}}).zookeeper.hosts == "b:1");
  CHECK(
      Refusal({{store, "zookeeper"}}).starts_with("livy.server.zookeeper.url = : it must be set"));

  CHECK(Make({{store, "zookeeper"}, {"livy.server.state-store", "redis"}}).state_store ==
        StateStore::kRedis);
  CHECK(Make({{store, ""}}).state_store == StateStore::kSqlite);
}

TEST_CASE("the store in ZooKeeper makes outputs smaller, unless their size is set") {
  const Conf conf = {{"livy.server.state-store", "zookeeper"},
                     {"livy.server.zookeeper.url", "a:2181"}};
  CHECK(Make(conf).server.limits.output_bytes_max == 131072);
  Conf larger = conf;
  larger["livy.rsc.output.max-size"] = "500000";
  CHECK(Make(larger).server.limits.output_bytes_max == 500000);
}

TEST_CASE("a retry policy is refused with Livy's words") {
  for (const char* text : {"", "5", "5,", ",100", "a,b", "5,100,1", "-1,100", "5;100"}) {
    CHECK(Refusal({{"livy.server.zk.retry-policy", text}}) ==
          fmt::format("livy.server.zk.retry-policy contains bad value: {}. Correct format is <max "
                      "retry count>,<sleep ms between retry>. e.g. 5,100",
                      text));
  }
}

TEST_CASE("a URL of Redis has a host, and may have a port and a database") {
  struct Row {
    const char* url;
    const char* host;
    int port;
    int database;
  };
  const Row rows[] = {{"redis://a", "a", 6379, 0},
                      {"redis://a/2", "a", 6379, 2},
                      {"rediss://a.example:7000/2", "a.example", 7000, 2},
                      {"redis://[::1]", "::1", 6379, 0}};
  for (const Row& row : rows) {
    CAPTURE(row.url);
    const RedisStoreOptions redis = Make({{"livy.server.redis.url", row.url}}).redis;
    CHECK(redis.host == row.host);
    CHECK(redis.port == row.port);
    CHECK(redis.database == row.database);
  }
  CHECK(Make({{"livy.server.redis.url", "unix:/run/redis"}}).redis.unix_socket == "/run/redis");
  for (const char* url :
       {"", "redis://", "redis://a:0", "redis://a:x", "redis://a/x", "redis://a:1/",
        "redis://a:70000", "redis://u:p@a", "http://a", "unix:a"}) {
    CAPTURE(url);
    CHECK_FALSE(Refusal({{"livy.server.redis.url", url}}).empty());
  }
}

}  // namespace
}  // namespace livy::app
