// What the store in Redis promises, against a real server.
#define DOCTEST_CONFIG_IMPLEMENT
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <livy/clock.h>
#include <livy/store.h>

#include "losing_proxy.h"
#include "redis_host.h"
#include "store_faults.h"
#include "words.h"

namespace livy {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;

// For the tests that do the server no harm. Each takes a prefix of its own.
RedisHost& SharedHost() {
  static RedisHost host;
  return host;
}
std::string NewPrefix() {
  static int number = 0;
  return fmt::format("livy-test{}", ++number);
}
RedisStoreOptions At(const RedisHost& host) {
  return {.unix_socket = host.socket_path(),
          .prefix = NewPrefix(),
          .connect_timeout = 30s,
          .request_timeout = 30s};
}
RedisStoreOptions At(int port) {
  return {.port = port, .prefix = NewPrefix(), .connect_timeout = 30s, .request_timeout = 30s};
}
std::unique_ptr<Store> OpenShared() {
  return OpenRedisStore(At(SharedHost()), NoLog()).value();
}

TEST_CASE("the store in Redis keeps the contract") {
  CHECK(Broken(OpenShared, {.changes_per_thread = 30}) == "");
}

TEST_CASE("a store that is opened again has everything, and other prefixes and databases nothing") {
  RedisStoreOptions options = At(SharedHost());
  REQUIRE(OpenRedisStore(options, NoLog()).value()->Apply({{"a/1", "x"}}));
  CHECK(OpenRedisStore(options, NoLog()).value()->Get("a/1").value() == "x");
  CHECK(OpenRedisStore(options, NoLog()).value()->Children("a").value() == Names{"1"});
  CHECK(OpenShared()->Get("a/1").value() == std::nullopt);
  options.database = 3;
  CHECK(OpenRedisStore(options, NoLog()).value()->Get("a/1").value() == std::nullopt);
}

TEST_CASE("the last store that began to write goes on, and the one before is refused") {
  const RedisStoreOptions options = At(SharedHost());
  const auto first = OpenRedisStore(options, NoLog()).value();
  const auto second = OpenRedisStore(options, NoLog()).value();
  REQUIRE(first->Apply({{"a", "first"}}));
  CHECK(second->Get("a").value() == "first");
  CHECK(first->Apply({{"a", "still"}}));  // Reading takes nothing over.
  REQUIRE(second->Apply({{"a", "second"}}));
  const Result<void> refused = first->Apply({{"a", "late"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kPermissionDenied);
  CHECK(Says(refused.error(), "another server has taken this store over"));
  CHECK_FALSE(first->Apply({{.key = "nothing"}}));
  CHECK(second->Get("a").value() == "second");
}

TEST_CASE("a change whose answer is lost is found, and one that was not made is made") {
  const int port = FreePort();
  const RedisHost host({"--port", fmt::format("{}", port)});
  LosingProxy proxy(port);
  RedisStoreOptions options = At(proxy.port());
  const auto store = OpenRedisStore(options, NoLog()).value();
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

TEST_CASE("what Redis acknowledged survives its being killed, and nothing is there in part") {
  RedisHost host;
  Lines log;
  const auto store = OpenRedisStore(At(host), log).value();
  FaultWriters writers(*store, 4);
  for (int round = 0; round < 5; ++round) {
    writers.AwaitMore(20);
    host.Kill();
    host.Start();
  }
  writers.AwaitMore(20);
  writers.Stop();
  CHECK(writers.failures() == 0);
  writers.CheckAll();
  CHECK(log.Has("store: connected to Redis at "));
}

TEST_CASE("a Redis that does not answer is given up in time, and used again when it does") {
  RedisHost host;
  RedisStoreOptions options = At(host);
  options.request_timeout = 1s;
  const auto store = OpenRedisStore(options, NoLog()).value();
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
  CHECK((store->Get("a").value() == "2") == (store->Get("b").value() == "2"));
}

TEST_CASE("a full Redis refuses whole changes and works again when there is room") {
  const RedisHost host({"--maxmemory", "4mb", "--maxmemory-policy", "noeviction"});
  const auto store = OpenRedisStore(At(host), NoLog()).value();
  const std::string value(100'000, 'v');
  Result<void> stored;
  int count = 0;
  for (; stored && count < 200; ++count) {
    stored =
        store->Apply({{fmt::format("small/{}", count), ""}, {fmt::format("a/{}", count), value}});
  }
  REQUIRE_FALSE(stored);
  CHECK(stored.error().code == ErrorCode::kUnavailable);
  CHECK(Says(stored.error(), "OOM"));
  CHECK(store->Children("a").value().size() == static_cast<std::size_t>(count - 1));
  CHECK(store->Children("small").value().size() == static_cast<std::size_t>(count - 1));
}

TEST_CASE("a password is given, and a wrong or missing one is told when the store is opened") {
  const RedisHost host({"--requirepass", "secret"});
  RedisStoreOptions options = At(host);
  options.password = "secret";
  CHECK(OpenRedisStore(options, NoLog()).value()->Apply({{"a", "1"}}));
  options.user = "default";
  CHECK(OpenRedisStore(options, NoLog()).value()->Get("a").value() == "1");
  options.password = "wrong";
  const auto wrong = OpenRedisStore(options, NoLog());
  REQUIRE_FALSE(wrong);
  CHECK(Says(wrong.error(), "WRONGPASS"));
  options.password.clear();
  const auto missing = OpenRedisStore(options, NoLog());
  REQUIRE_FALSE(missing);
  CHECK(Says(missing.error(), "NOAUTH"));
}

TEST_CASE("a Redis that forgets is warned about") {
  const RedisHost host({"--appendonly", "no"});
  Lines log;
  REQUIRE(OpenRedisStore(At(host), log));
  CHECK(log.Has("store: Redis keeps no append-only file"));
}

TEST_CASE("a Redis that has lost everything is changed again by a new store only") {
  RedisHost host({"--appendonly", "no"});
  const RedisStoreOptions options = At(host);
  const auto store = OpenRedisStore(options, NoLog()).value();
  REQUIRE(store->Apply({{"a", "1"}}));
  REQUIRE(store->Apply({{"a", "2"}}));
  host.Kill();
  host.Start();
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Result<void> refused = store->Apply({{"a/below", "3"}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kUnavailable);
    CHECK(Says(refused.error(), "what was stored is gone"));
  }
  CHECK(store->Children("a").value() == Names{});

  const auto next = OpenRedisStore(options, NoLog()).value();
  CHECK(next->Apply({{"b", "next"}}));
  CHECK(store->Apply({{"b", "late"}}).error().code == ErrorCode::kPermissionDenied);
}

TEST_CASE("a value of another kind under a name of the store is an error, and nothing is changed") {
  RedisStoreOptions options = At(SharedHost());
  REQUIRE(OpenRedisStore(options, NoLog()).value()->Apply({{"c/x", "text"}}));
  // With this prefix "PREFIX:v" the name "PREFIX:v:c:x" is a set of children.
  RedisStoreOptions other = options;
  other.prefix = options.prefix + ":v";
  REQUIRE(OpenRedisStore(other, NoLog()).value()->Apply({{"y/z", "text"}}));
  const auto store = OpenRedisStore(options, NoLog()).value();
  CHECK(Says(store->Get("c:y").error(), "WRONGTYPE"));
}

// A certificate for 127.0.0.1, of an authority of its own.
void MakeCertificate(const std::filesystem::path& folder) {
  const std::string command = fmt::format(
      "cd '{}' && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem "
      "-subj /CN=redis -addext subjectAltName=IP:127.0.0.1 2>/dev/null",
      folder.string());
  REQUIRE(std::system(command.c_str()) == 0);
}

TEST_CASE("by TLS, a Redis is believed if its certificate is for its address") {
  const testing::Scratch scratch;
  MakeCertificate(scratch.path());
  const std::string certificate = scratch.path() / "cert.pem";
  const int port = FreePort();
  const RedisHost host({"--tls-port", fmt::format("{}", port), "--tls-cert-file", certificate,
                        "--tls-key-file", scratch.path() / "key.pem", "--tls-ca-cert-file",
                        certificate});
  RedisStoreOptions options = At(port);
  options.security = RedisSecurity::kTls;
  options.ca_file = certificate;
  options.certificate_file = certificate;
  options.key_file = scratch.path() / "key.pem";
  const auto open = [&] {
    options.prefix = NewPrefix();
    return OpenRedisStore(options, NoLog()).value();
  };
  CHECK(Broken(open, {.threads = 2, .changes_per_thread = 5}) == "");
  SUBCASE("but not if its authority is unknown") {
    options.ca_file.clear();
  }
  SUBCASE("but not under another name") {
    options.host = "localhost";
  }
  SUBCASE("but not without a certificate of ours, if it asks for one") {
    options.certificate_file.clear();
    options.key_file.clear();
  }
  SUBCASE("but not without TLS") {
    options = At(port);
    options.connect_timeout = 1s;
  }
  const auto refused = OpenRedisStore(options, NoLog());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kUnavailable);
}

TEST_CASE("a Redis that goes away does not kill the program") {
  RedisHost host;
  RedisStoreOptions options = At(host);
  options.request_timeout = 300ms;
  const auto store = OpenRedisStore(options, NoLog()).value();
  REQUIRE(store->Apply({{"a", "1"}}));
  const auto before = std::signal(SIGPIPE, SIG_DFL);
  host.Kill();
  CHECK_FALSE(store->Apply({{"a", std::string(1'000'000, 'x')}}));
  std::signal(SIGPIPE, before);
}

TEST_CASE("a Redis that is not there is an error when the store is opened") {
  const auto refused = OpenRedisStore({.port = 1}, NoLog());
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == Error{ErrorCode::kUnavailable,
                                 "The store in Redis at '127.0.0.1:1' failed: connecting failed: "
                                 "Connection refused."});
}

TEST_CASE("options for Redis that cannot be used are told") {
  const std::vector<std::pair<RedisStoreOptions, std::string>> rows = {
      {{.host = ""}, "needs a host or a socket"},
      {{.port = 0}, "0 is no port"},
      {{.database = -1}, "-1 is no database"},
      {{.prefix = ""}, "needs a prefix"},
      {{.security = RedisSecurity::kTls, .certificate_file = "x"}, "go together"},
      {{.ca_file = "x"}, "but no TLS"},
  };
  for (const auto& [options, words] : rows) {
    CAPTURE(words);
    const auto refused = OpenRedisStore(options, NoLog());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kInvalidArgument);
    CHECK(Says(refused.error(), words));
  }
}

}  // namespace
}  // namespace livy

int main(int argc, char** argv) {
  return livy::RunOrSkip(argc, argv, livy::FindRedis().empty() ? "no redis-server" : "");
}
