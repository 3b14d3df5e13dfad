// What the store in ZooKeeper promises, against a real server.
#define DOCTEST_CONFIG_IMPLEMENT
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <livy/clock.h>
#include <livy/store.h>

#include "losing_proxy.h"
#include "store_faults.h"
#include "words.h"
#include "zookeeper_host.h"

namespace livy {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;

// For the tests that do the server no harm. Each takes a prefix of its own.
ZooKeeperHost& SharedHost() {
  static ZooKeeperHost host;
  return host;
}
std::string NewPrefix() {
  static int number = 0;
  return fmt::format("livy-test/{}", ++number);
}

// Patient enough for a server that starts, and no more.
ZooKeeperStoreOptions At(const std::string& hosts) {
  return {.hosts = hosts,
          .prefix = NewPrefix(),
          .connect_timeout = 30s,
          .session_timeout = 2s,
          .request_timeout = 30s,
          .retries_max = 1000};
}
std::unique_ptr<Store> OpenShared() {
  return OpenZooKeeperStore(At(SharedHost().hosts()), NoLog()).value();
}

TEST_CASE("the store in ZooKeeper keeps the contract") {
  CHECK(Broken(OpenShared, {.changes_per_thread = 30}) == "");
}

TEST_CASE("nodes lie where Apache Livy has them, with plain data") {
  ZooKeeperStoreOptions options = At(SharedHost().hosts());
  options.prefix = "livy";
  const auto store = OpenZooKeeperStore(options, NoLog()).value();
  const std::string json = R"({"id":3,"name":null,"version":1})";
  REQUIRE(store->Apply({{"v1/batch/3", json}, {"v1/batch/state", R"({"nextSessionId":4})"}}));
  CHECK(SharedHost().DataOf("/livy/v1/batch/3") == json);
  CHECK(SharedHost().DataOf("/livy/v1/batch/state") == R"({"nextSessionId":4})");
  CHECK(SharedHost().DataOf("/livy/v1/batch").empty());

  options.hosts += "/livy";
  options.prefix = "v1/batch";
  CHECK(OpenZooKeeperStore(options, NoLog()).value()->Get("3").value() == json);
}

TEST_CASE("a store that is opened again has everything, and another prefix has nothing of it") {
  const ZooKeeperStoreOptions options = At(SharedHost().hosts());
  REQUIRE(OpenZooKeeperStore(options, NoLog()).value()->Apply({{"a/1", "x"}}));
  CHECK(OpenZooKeeperStore(options, NoLog()).value()->Get("a/1").value() == "x");
  CHECK(OpenShared()->Get("a/1").value() == std::nullopt);
}

TEST_CASE("what is too large for ZooKeeper is refused as a whole, with its size") {
  const auto store = OpenShared();
  REQUIRE(store->Apply({{"a", std::string(990'000, 'x')}}));
  const Result<void> refused = store->Apply({{"b", "small"}, {"a", std::string(1'000'001, 'y')}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInvalidArgument);
  CHECK(Says(refused.error(), "A change of 'b' needs 1000"));
  CHECK(store->Get("b").value() == std::nullopt);
  CHECK(store->Get("a").value()->size() == 990'000);
}

// lib/server/session_store.cc makes parts of this size; server/state_options.cc asks for no less.
TEST_CASE("the least that may be taken at once has room for what a server stores at once") {
  ZooKeeperStoreOptions options = At(SharedHost().hosts());
  options.change_bytes_max = 800'000;
  const auto store = OpenZooKeeperStore(options, NoLog()).value();
  constexpr int kKeys = 250;
  std::vector<StoreChange> changes;
  for (int i = 0; i < kKeys; ++i) {
    changes.push_back({fmt::format("v1/interactive/2147483647/statements/{}", 2147483647 - i),
                       std::string((512 << 10) / kKeys, 'x')});
  }
  CHECK(store->Apply(changes));
}

TEST_CASE("large changes at the same time do not make one that is too large") {
  const auto store = OpenShared();
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 6; ++thread) {
    threads.emplace_back([&, thread] {
      CHECK(store->Apply({{fmt::format("k/{}", thread), std::string(400'000, 'x')}}));
    });
  }
  threads.clear();  // Joins.
  CHECK(store->Children("k").value().size() == 6);
}

TEST_CASE("nodes for their creator only need the same credentials") {
  ZooKeeperStoreOptions options = At(SharedHost().hosts());
  options.credentials = "livy:secret";
  options.access = ZooKeeperAccess::kCreatorOnly;
  const auto store = OpenZooKeeperStore(options, NoLog()).value();
  REQUIRE(store->Apply({{"a/b", "1"}}));
  CHECK(OpenZooKeeperStore(options, NoLog()).value()->Get("a/b").value() == "1");

  options.credentials = "livy:wrong";
  const auto stranger = OpenZooKeeperStore(options, NoLog()).value();
  const auto value = stranger->Get("a/b");
  REQUIRE_FALSE(value);
  CHECK(value.error().code == ErrorCode::kUnavailable);
  CHECK(Says(value.error(), "not authenticated"));
  CHECK_FALSE(stranger->Apply({{"a/b", "2"}}));
  CHECK(store->Get("a/b").value() == "1");
}

TEST_CASE("the last store that began to write goes on, and the one before is refused") {
  const ZooKeeperStoreOptions options = At(SharedHost().hosts());
  const auto first = OpenZooKeeperStore(options, NoLog()).value();
  const auto second = OpenZooKeeperStore(options, NoLog()).value();
  REQUIRE(first->Apply({{"a", "first"}}));
  CHECK(second->Get("a").value() == "first");
  CHECK(first->Apply({{"a", "still"}}));  // Reading takes nothing over.
  REQUIRE(second->Apply({{"a", "second"}}));
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Result<void> refused = first->Apply({{"a", "late"}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kPermissionDenied);
    CHECK(Says(refused.error(), "Another server has taken over the store"));
    CHECK_FALSE(first->Apply({{.key = "nothing"}}));
  }
  CHECK(second->Get("a").value() == "second");
  CHECK(second->Apply({{"a", "third"}}));
  CHECK(second->Children("a").value() == Names{});
}

TEST_CASE("of two stores that write at the same time one goes on, and nothing is mixed") {
  const ZooKeeperStoreOptions options = At(SharedHost().hosts());
  const auto one = OpenZooKeeperStore(options, NoLog()).value();
  const auto two = OpenZooKeeperStore(options, NoLog()).value();
  std::atomic<int> refused = 0;
  std::vector<std::jthread> threads;
  for (Store* store : {one.get(), two.get()}) {
    threads.emplace_back([store, &refused] {
      for (int i = 0; i < 50; ++i) {
        if (!store->Apply({{"a/b/c", "x"}, {"a/d", "x"}}) ||
            !store->Apply({{"a/b/c", std::nullopt}, {"a/d", std::nullopt}})) {
          ++refused;
          return;
        }
      }
    });
  }
  threads.clear();  // Joins.
  CHECK(refused <= 1);
  CHECK(one->Get("a/b/c").value() == one->Get("a/d").value());
}

TEST_CASE("a tree that somebody has removed is made again by a new store only") {
  const ZooKeeperStoreOptions options = At(SharedHost().hosts());
  const auto store = OpenZooKeeperStore(options, NoLog()).value();
  REQUIRE(store->Apply({{"a", "1"}}));
  REQUIRE(store->Apply({{"a", "2"}}));
  SharedHost().Remove("/" + options.prefix);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Result<void> refused = store->Apply({{"a/below", "3"}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kUnavailable);
    CHECK(Says(refused.error(), "is gone"));
  }
  CHECK(store->Children("a").value() == Names{});

  const auto next = OpenZooKeeperStore(options, NoLog()).value();
  CHECK(next->Apply({{"b", "next"}}));
  CHECK(store->Apply({{"b", "late"}}).error().code == ErrorCode::kPermissionDenied);
}

TEST_CASE("a change whose answer is lost is looked for, and one that was not made is made") {
  LosingProxy proxy(SharedHost().port());
  const auto store =
      OpenZooKeeperStore(At(fmt::format("127.0.0.1:{}", proxy.port())), NoLog()).value();
  REQUIRE(store->Apply({{"a", "old"}, {"c", "old"}}));
  for (const auto loss : {LosingProxy::Loss::kAnswer, LosingProxy::Loss::kRequest}) {
    const std::string value = fmt::format("marked-{}", static_cast<int>(loss));
    const int losses = proxy.losses();
    proxy.LoseOnce(loss, value);
    CHECK(store->Apply({{"a", value}, {"b/d", "new"}, {"c", std::nullopt}}));
    CHECK(proxy.losses() == losses + 1);
    CHECK(store->Get("a").value() == value);
    CHECK(store->Get("b/d").value() == "new");
    CHECK(store->Get("c").value() == std::nullopt);
  }
}

TEST_CASE("after its session has expired a store goes on with another one") {
  ZooKeeperHost host;
  Lines log;
  const auto store = OpenZooKeeperStore(At(host.hosts()), log).value();
  REQUIRE(store->Apply({{"a", "1"}}));
  host.ExpireSessions();
  CHECK(store->Apply({{"a", "2"}}));
  CHECK(store->Get("a").value() == "2");
  CHECK(log.Has("store: connected to ZooKeeper at 127.0.0.1:"));
  CHECK(log.Has("store: the session has expired at ZooKeeper at"));
  {
    FaultWriters writers(*store, 4);
    for (int round = 0; round < 3; ++round) {
      writers.AwaitMore(5);
      host.ExpireSessions();
    }
    writers.AwaitMore(5);
    writers.Stop();
    CHECK(writers.failures() == 0);
    writers.CheckAll();
  }
}

TEST_CASE("what was acknowledged survives servers that are killed, and nothing is there in part") {
  ZooKeeperHost host;
  const auto store = OpenZooKeeperStore(At(host.hosts()), NoLog()).value();
  FaultWriters writers(*store, 4);
  for (int round = 0; round < 3; ++round) {
    writers.AwaitMore(10);
    host.Kill();
    host.Start();
  }
  writers.AwaitMore(10);
  writers.Stop();
  writers.CheckAll();
}

TEST_CASE("a server that does not answer is given up in time, and used again when it does") {
  ZooKeeperHost host;
  ZooKeeperStoreOptions options = At(host.hosts());
  options.request_timeout = 1500ms;
  const auto store = OpenZooKeeperStore(options, NoLog()).value();
  REQUIRE(store->Apply({{"a", "1"}}));
  const auto clock = MakeSystemClock();
  const auto begun = clock->Now();
  host.Stall();
  const Result<void> refused = store->Apply({{"a", "2"}, {"b", "2"}});
  const auto value = store->Get("a");
  host.GoOn();
  CHECK(clock->Now() - begun < 15s);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK_FALSE(value);
  bool works = false;
  for (int i = 0; i < 20 && !works; ++i)
    works = store->Apply({{"c", "3"}}).has_value();
  CHECK(works);
  CHECK(store->Get("c").value() == "3");
  // Of the change that was given up it is unknown whether it was made, but not half of it was.
  CHECK((store->Get("a").value() == "2") == (store->Get("b").value() == "2"));
}

TEST_CASE("retries end where the policy says so") {
  ZooKeeperHost host;
  ZooKeeperStoreOptions options = At(host.hosts());
  options.retries_max = 0;
  options.connect_timeout = 2s;
  const auto store = OpenZooKeeperStore(options, NoLog()).value();
  host.Kill();
  const auto clock = MakeSystemClock();
  const auto begun = clock->Now();
  const Result<void> refused = store->Apply({{"a", "1"}});
  REQUIRE_FALSE(refused);
  CHECK(clock->Now() - begun < 10s);
  CHECK(Says(refused.error(), "failed: connection loss."));
}

TEST_CASE("a ZooKeeper that is not there is an error when the store is opened, in time") {
  ZooKeeperStoreOptions options = At("127.0.0.1:1");
  options.connect_timeout = 300ms;
  const auto clock = MakeSystemClock();
  const auto begun = clock->Now();
  const auto refused = OpenZooKeeperStore(options, NoLog());
  CHECK(clock->Now() - begun < 10s);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(Says(refused.error(), "The store in ZooKeeper at '127.0.0.1:1' failed: connection loss."));
}

TEST_CASE("options that cannot be used are told") {
  using Access = ZooKeeperAccess;
  const std::string host = "127.0.0.1:1";
  const std::vector<std::pair<ZooKeeperStoreOptions, std::string>> rows = {
      {{}, "The store in ZooKeeper needs its hosts."},
      {{.hosts = host, .prefix = ""}, "'' cannot be a node of ZooKeeper"},
      {{.hosts = host, .prefix = "/livy"}, "'/livy' cannot be a node"},
      {{.hosts = host, .prefix = "a/../b"}, "'a/../b' cannot be a node"},
      {{.hosts = host, .prefix = "zookeeper"}, "'zookeeper' cannot be a node"},
      {{.hosts = host, .access = Access::kCreatorOnly}, "for their creator only need credentials"},
      {{.hosts = host, .certificate_file = "x"}, "needs the file of its authorities"},
  };
  for (const auto& [options, words] : rows) {
    CAPTURE(words);
    const auto refused = OpenZooKeeperStore(options, NoLog());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kInvalidArgument);
    CHECK(Says(refused.error(), words));
  }
}

std::string Missing() {
  if (FindJava().empty()) return "no java";
  if (FindZooKeeper().empty()) return "no ZooKeeper: needs the package zookeeper, or SPARK_HOME";
  return {};
}

}  // namespace
}  // namespace livy

int main(int argc, char** argv) {
  return livy::RunOrSkip(argc, argv, livy::Missing());
}
