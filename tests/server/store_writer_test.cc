#include "server/store_writer.h"

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "server/fakes.h"
#include "server/guarded.h"

namespace livy::internal {
namespace {

using std::chrono::seconds;

const Error kFull = {ErrorCode::kUnavailable, "The disk is full."};

struct WriterFixture {
  explicit WriterFixture(StoreWriterOptions options = {},
                         StoreThread thread = StoreThread::kCallers)
      : writer(options, store, clock, *log, thread) {}

  std::optional<std::string> Stored(std::string_view key) { return store.Get(key).value(); }

  testing::FakeClock clock = {};
  FailingStore store = {};
  std::unique_ptr<LogSink> log = MakeNullLogSink();
  StoreWriter writer;
};

// Does not return from Apply() until it is told to.
class SlowStore : public FailingStore {
 public:
  Result<void> Apply(const std::vector<StoreChange>& changes) override {
    if (is_slow) {
      entered.set_value();
      go_on.get_future().wait();
    }
    return FailingStore::Apply(changes);
  }

  std::atomic<bool> is_slow = true;
  std::promise<void> entered;
  std::promise<void> go_on;
};

// Makes changes, and says that it has not.
class LyingStore : public FailingStore {
 public:
  Result<void> Apply(const std::vector<StoreChange>& changes) override {
    const Result<void> made = FailingStore::Apply(changes);
    return lies ? Result<void>(kFull) : made;
  }
  bool lies = true;
};

TEST_CASE("a writer whose store was taken over says so, and owes no removal of what is new") {
  WriterFixture f;
  REQUIRE(f.writer.CheckOurs());
  CHECK(f.store.Children("v1").value().empty());
  f.store.failure = kFull;
  CHECK(f.writer.CheckOurs());

  f.store.failure = Error{ErrorCode::kPermissionDenied, "Another server has it."};
  const Error refused = {ErrorCode::kUnavailable, "Another server has it."};
  CHECK(f.writer.ApplyNew({{"a", "1"}}).error() == refused);
  CHECK(f.writer.owed() == 0);
  CHECK(f.writer.is_taken_over());
  CHECK(f.writer.CheckOurs().error() == refused);
  f.store.failure = kFull;
  CHECK_FALSE(f.writer.CheckOurs());
  f.store.failure.reset();
  CHECK(f.writer.CheckOurs());
}

TEST_CASE("what a store refuses is owed to it until it takes it") {
  WriterFixture f;
  f.store.failure = kFull;
  CHECK(f.writer.ApplyOrOwe({{"a", "1"}, {"b", "2"}}).error() == kFull);
  CHECK(f.writer.owed() == 2);
  CHECK_FALSE(f.writer.TryOwed());
  f.store.failure.reset();
  CHECK(f.writer.TryOwed());
  CHECK(f.writer.owed() == 0);
  CHECK(f.Stored("a") == "1");
  CHECK(f.Stored("b") == "2");
}

TEST_CASE("a later value of a key is not undone by one that was owed") {
  WriterFixture f;
  f.store.failure = kFull;
  CHECK_FALSE(f.writer.ApplyOrOwe({{"a", "old"}, {"b", "old"}, {"c", "old"}}));
  CHECK_FALSE(f.writer.Apply({{"c", "refused"}}));
  f.store.failure.reset();
  f.clock.Advance(seconds(1));
  REQUIRE(f.writer.Apply({{"a", "new"}}));
  REQUIRE(f.writer.ApplyOrOwe({{"b", std::nullopt}}));
  REQUIRE(f.writer.TryOwed());
  CHECK(f.Stored("a") == "new");
  CHECK(f.Stored("b") == std::nullopt);
  CHECK(f.Stored("c") == "old");
}

TEST_CASE("what was told not to be created is not there, also if the store had made it") {
  LyingStore store;
  testing::FakeClock clock;
  const auto log = MakeNullLogSink();
  StoreWriter writer({}, store, clock, *log, StoreThread::kCallers);
  CHECK_FALSE(writer.ApplyNew({{"a", "1"}}));
  CHECK(store.Get("a").value() == "1");
  store.lies = false;
  REQUIRE(writer.TryOwed());
  CHECK(store.Get("a").value() == std::nullopt);
}

TEST_CASE("what is owed is read as if it were stored") {
  WriterFixture f;
  REQUIRE(f.writer.Apply({{"a", "old"}, {"b", "old"}}));
  f.store.failure = kFull;
  CHECK_FALSE(f.writer.ApplyOrOwe({{"a", "new"}, {"b", std::nullopt}}));
  CHECK(f.writer.Get("a").value() == "new");
  CHECK(f.writer.Get("b").value() == std::nullopt);
}

TEST_CASE("of changes that are too many at once, each is made that can be") {
  WriterFixture f;
  f.store.changes_at_once_max = 2;
  CHECK(f.writer.ApplyOrOwe({{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  f.store.value_bytes_max = 5;
  CHECK_FALSE(f.writer.ApplyOrOwe({{"d", "too large"}, {"e", "5"}}));
  CHECK(f.Stored("c") == "3");
  CHECK(f.Stored("d") == std::nullopt);
  CHECK(f.Stored("e") == "5");
  CHECK(f.writer.owed() == 0);
}

TEST_CASE("after each failure a store is left in peace for a while") {
  WriterFixture f;
  f.store.failure = kFull;
  CHECK(f.writer.CheckThere());
  CHECK_FALSE(f.writer.ApplyOrOwe({{"a", "1"}}));
  CHECK_FALSE(f.writer.CheckThere());
  f.clock.Advance(seconds(1));
  CHECK(f.writer.CheckThere());
  CHECK_FALSE(f.writer.ApplyOrOwe({{"b", "1"}}));
  CHECK_FALSE(f.writer.CheckThere());
}

TEST_CASE("while too much is owed, nothing more is taken") {
  WriterFixture f({.owed_max = 2});
  f.store.failure = kFull;
  CHECK_FALSE(f.writer.ApplyOrOwe({{"a", "1"}, {"b", "2"}}));
  f.store.failure.reset();
  CHECK(f.writer.Apply({{"c", "3"}}).error() ==
        Error{ErrorCode::kUnavailable, "The store has yet to take the values of 2 keys."});
  REQUIRE(f.writer.TryOwed());
  CHECK(f.writer.Apply({{"c", "3"}}));
}

TEST_CASE("a removal is not owed of what the store was never asked to create") {
  WriterFixture f({.owed_max = 2});
  f.store.failure = kFull;
  CHECK_FALSE(f.writer.ApplyOrOwe({{"a", "1"}, {"b", "2"}}));
  CHECK_FALSE(f.writer.ApplyNew({{"c", "3"}, {"d", "4"}}));
  CHECK(f.writer.owed() == 2);
}

TEST_CASE("what the store refuses for good is dropped, and the rest is not") {
  WriterFixture f;
  f.store.failure = kFull;
  CHECK_FALSE(f.writer.ApplyOrOwe({{"a", "1"}, {"b", "too large"}, {"c", "3"}}));
  f.store.failure.reset();
  f.store.value_bytes_max = 5;
  CHECK(f.writer.TryOwed());
  CHECK(f.Stored("a") == "1");
  CHECK(f.Stored("b") == std::nullopt);
  CHECK(f.Stored("c") == "3");
}

TEST_CASE("a store that is away is not asked by everybody who owes it something") {
  WriterFixture f;
  f.store.failure = kFull;
  CHECK_FALSE(f.writer.ApplyOrOwe({{"a", "1"}}));
  int asked = 0;
  f.store.before_change = [&] { ++asked; };
  CHECK_FALSE(f.writer.ApplyOrOwe({{"b", "1"}}));
  CHECK(asked == 0);
}

TEST_CASE("threads do not pile up in a store that does not answer") {
  SlowStore store;
  testing::FakeClock clock;
  const auto log = MakeNullLogSink();
  StoreWriter writer({.callers_max = 1, .patience = seconds(1)}, store, clock, *log,
                     StoreThread::kCallers);
  auto first = std::async(std::launch::async, [&] { return writer.Apply({{"a", "1"}}); });
  store.entered.get_future().wait();
  auto second = std::async(std::launch::async, [&] { return writer.Apply({{"b", "1"}}); });
  clock.Advance(seconds(1));
  CHECK(second.get().error() ==
        Error{ErrorCode::kUnavailable, "The store does not answer: others wait for it."});
  CHECK_FALSE(writer.Apply({{"c", "1"}}));  // At once: the patience is over.
  CHECK_FALSE(writer.Get("a"));
  CHECK_FALSE(writer.Children(""));
  store.go_on.set_value();
  CHECK(first.get());
  CHECK(writer.Get("a").value() == "1");
}

TEST_CASE("a key whose owed value does not get into the store is refused, or owed a later one") {
  SlowStore store;
  testing::FakeClock clock;
  const auto log = MakeNullLogSink();
  StoreWriter writer({.patience = seconds(1)}, store, clock, *log, StoreThread::kCallers);
  store.is_slow = false;
  store.failure = kFull;
  CHECK_FALSE(writer.ApplyOrOwe({{"a", "1"}}));
  store.failure.reset();
  store.is_slow = true;
  auto owed = std::async(std::launch::async, [&] { return writer.TryOwed(); });
  store.entered.get_future().wait();
  auto change = std::async(std::launch::async, [&] { return writer.Apply({{"a", "2"}}); });
  clock.Advance(seconds(1));
  CHECK(change.get().error() ==
        Error{ErrorCode::kUnavailable, "The store does not take an earlier change now."});
  CHECK_FALSE(writer.ApplyOrOwe({{"a", "3"}}));
  store.is_slow = false;
  store.go_on.set_value();
  CHECK(owed.get());
  CHECK(store.Get("a").value() == "3");
}

TEST_CASE("what is posted runs on the writer's thread, in order, and before it stops") {
  WriterFixture f({}, StoreThread::kOwn);
  std::vector<int> ran;
  std::thread::id thread;
  for (int number = 0; number < 3; ++number) {
    f.writer.Post([&, number] {
      ran.push_back(number);
      thread = std::this_thread::get_id();
    });
  }
  f.writer.Stop();
  CHECK(ran == std::vector<int>{0, 1, 2});
  CHECK(thread != std::this_thread::get_id());
}

TEST_CASE("the writer's thread makes what is owed by itself") {
  WriterFixture f({}, StoreThread::kOwn);
  f.store.failure = kFull;
  std::promise<void> owes;
  f.writer.Post([&] {
    (void)f.writer.ApplyOrOwe({{"a", "1"}});
    f.store.failure.reset();
    owes.set_value();
  });
  owes.get_future().wait();
  std::promise<void> made;
  f.store.before_change = [&] { made.set_value(); };
  f.clock.Advance(seconds(10));
  made.get_future().wait();
  f.writer.Stop();
  CHECK(f.Stored("a") == "1");
}

TEST_CASE("a store that throws is one that cannot be used now") {
  class ThrowingStore : public FailingStore {
    Result<void> Apply(const std::vector<StoreChange>&) override {
      throw std::runtime_error("no connection");
    }
  };
  ThrowingStore store;
  CHECK(GuardedStore(store).Apply({}).error() ==
        Error{ErrorCode::kUnavailable, "The store failed: no connection"});
}

}  // namespace
}  // namespace livy::internal
