// The contract of Store, over every implementation.
#include <livy/store.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "../scratch.h"

namespace livy {
namespace {

using Names = std::vector<std::string>;
using Value = std::optional<std::string>;

class AMemoryStore {
 public:
  static constexpr int kChangesPerThread = 200;

  Store& operator*() { return *store_; }
  Store* operator->() { return store_.get(); }

 private:
  std::unique_ptr<Store> store_ = MakeMemoryStore();
};

class ASqliteStore {
 public:
  static constexpr int kChangesPerThread = 200;

  Store& operator*() { return *store_; }
  Store* operator->() { return store_.get(); }

 private:
  testing::Scratch scratch_;
  std::unique_ptr<Store> store_ = OpenSqliteStore(scratch_.path() / "livy.db").value();
};

class AFileStore {
 public:
  static constexpr int kChangesPerThread = 10;  // Each waits for the disk.

  Store& operator*() { return *store_; }
  Store* operator->() { return store_.get(); }

 private:
  testing::Scratch scratch_;
  std::unique_ptr<Store> store_ = OpenFileStore(scratch_.path() / "livy").value();
};

#define LIVY_STORES AMemoryStore, ASqliteStore, AFileStore

TEST_CASE_TEMPLATE("an unknown key has no value and no children", AnyStore, LIVY_STORES) {
  AnyStore store;
  CHECK(store->Get("missing").value() == std::nullopt);
  CHECK(store->Children("missing").value() == Names{});
}

TEST_CASE_TEMPLATE("a value is kept byte for byte until it is replaced or forgotten", AnyStore,
                   LIVY_STORES) {
  AnyStore store;
  const std::string bytes("\0 \xff '\n\xc3\xa4 \"", 9);
  REQUIRE(store->Apply({{"a/b", bytes}}));
  CHECK(store->Get("a/b").value() == bytes);
  REQUIRE(store->Apply({{"a/b", ""}}));
  CHECK(store->Get("a/b").value() == Value(""));
  REQUIRE(store->Apply({{"a/b", std::nullopt}}));
  CHECK(store->Get("a/b").value() == std::nullopt);
}

TEST_CASE_TEMPLATE("forgetting an unknown key succeeds", AnyStore, LIVY_STORES) {
  AnyStore store;
  CHECK(store->Apply({{"missing", std::nullopt}}));
  CHECK(store->Apply({}));
}

TEST_CASE_TEMPLATE("a key may have a value and children, and forgetting it keeps them", AnyStore,
                   LIVY_STORES) {
  AnyStore store;
  REQUIRE(store->Apply({{"a", "1"}, {"a/b", "2"}}));
  REQUIRE(store->Apply({{"a", std::nullopt}}));
  CHECK(store->Get("a").value() == std::nullopt);
  CHECK(store->Get("a/b").value() == "2");
}

TEST_CASE_TEMPLATE("children are named once, in order, without grandchildren", AnyStore,
                   LIVY_STORES) {
  AnyStore store;
  // '-' sorts before '/', so a store that walks its keys in order meets "b" on both sides of "b-c".
  for (const char* key : {"a/b", "a/b-c", "a/b/d", "a/b/e/f", "a/e/f", "a/\xff", "a", "a0", "ab"})
    REQUIRE(store->Apply({{key, ""}}));
  CHECK(store->Children("a").value() == Names{"b", "b-c", "e", "\xff"});
  CHECK(store->Children("a/b").value() == Names{"d", "e"});
  CHECK(store->Children("a/b/d").value() == Names{});
}

TEST_CASE_TEMPLATE("changes are made in order", AnyStore, LIVY_STORES) {
  AnyStore store;
  REQUIRE(store->Apply({{"k", "1"}, {"k", std::nullopt}, {"k", "2"}, {"j", "1"}, {"j", {}}}));
  CHECK(store->Get("k").value() == "2");
  CHECK(store->Get("j").value() == std::nullopt);
}

TEST_CASE_TEMPLATE("one malformed key refuses all changes", AnyStore, LIVY_STORES) {
  for (const char* key : {"", "/", "/a", "a/", "a//b"}) {
    CAPTURE(key);
    AnyStore store;
    const Result<void> result = store->Apply({{"before", "1"}, {key, "2"}, {"after", "3"}});
    REQUIRE_FALSE(result);
    CHECK(result.error() == Error{ErrorCode::kInvalidArgument,
                                  fmt::format("'{}' is not a key: names separated by '/'.", key)});
    CHECK(store->Get("before").value() == std::nullopt);
    CHECK(store->Get("after").value() == std::nullopt);
  }
}

TEST_CASE_TEMPLATE("eight threads change a store at once and nothing is lost", AnyStore,
                   LIVY_STORES) {
  AnyStore store;
  std::vector<std::jthread> threads;
  constexpr int kChanges = AnyStore::kChangesPerThread;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&store, thread] {
      for (int i = 0; i < kChanges; ++i) {
        const std::string key = fmt::format("t/{}/{}", thread, i);
        CHECK(store->Apply({{key, key}, {fmt::format("last/{}", thread), key}}));
        CHECK(store->Get(key).value() == key);
      }
    });
  }
  threads.clear();  // Joins.
  CHECK(store->Children("t").value().size() == 8);
  for (int thread = 0; thread < 8; ++thread) {
    CHECK(store->Children(fmt::format("t/{}", thread)).value().size() == kChanges);
    CHECK(store->Get(fmt::format("last/{}", thread)).value() ==
          fmt::format("t/{}/{}", thread, kChanges - 1));
  }
}

}  // namespace
}  // namespace livy
