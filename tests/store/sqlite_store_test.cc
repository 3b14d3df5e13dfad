// What SQLite's store promises beyond the contract.
#include "store/sqlite_store.h"

#include <atomic>
#include <barrier>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <livy/store.h>

#include "../scratch.h"
#include "store/commit_queue.h"
#include "store/sqlite_database.h"
#include "store/store_lock.h"
#include "writer.h"

namespace livy {
namespace {

using internal::CommitQueue;
using internal::PendingBatch;
using internal::SqliteDatabase;
using internal::SqliteStore;

TEST_CASE("a store that is opened again has everything") {
  const testing::Scratch scratch;
  const std::filesystem::path file = scratch.path() / "livy.db";
  REQUIRE(OpenSqliteStore(file).value()->Apply({{"a/1", "x"}, {"a/2", "y"}}));
  REQUIRE(OpenSqliteStore(file).value()->Apply({{"a/1", std::nullopt}, {"a/3", "z"}}));
  const std::unique_ptr<Store> store = OpenSqliteStore(file).value();
  CHECK(store->Children("a").value() == std::vector<std::string>{"2", "3"});
  CHECK(store->Get("a/3").value() == "z");
}

TEST_CASE("the file, its log and its directory are the owner's alone") {
  const testing::Scratch scratch;
  const std::filesystem::path directory = scratch.path() / "var" / "livy";
  const mode_t mask = umask(0);
  const std::unique_ptr<Store> store = OpenSqliteStore(directory / "livy.db").value();
  REQUIRE(store->Apply({{"a", "1"}}));
  umask(mask);
  CHECK(ModeOf(directory) == 0700);
  CHECK(ModeOf(directory.parent_path()) == 0700);
  CHECK(ModeOf(directory / "livy.db") == 0600);
  CHECK(ModeOf(directory / "livy.db-wal") == 0600);
  CHECK(ModeOf(directory / "livy.db-lock") == 0600);
}

TEST_CASE("what was acknowledged survives kill -9, and no transaction is there in part") {
  const testing::Scratch scratch;
  const std::filesystem::path file = scratch.path() / "livy.db";
  // Different moments of the copying back of the log into the file.
  for (const int transactions : {1, 70, 150, 301}) {
    CAPTURE(transactions);
    int acknowledged = -1;
    {
      Writer writer("sqlite", file);
      while (acknowledged < transactions) {
        acknowledged = writer.Next();
        REQUIRE(acknowledged >= 0);
      }
      writer.KillNow();
      for (int number = writer.Next(); number >= 0; number = writer.Next())
        acknowledged = number;
    }
    const std::unique_ptr<Store> store = OpenSqliteStore(file).value();
    // The one in flight may or may not have been made, but as a whole.
    const int last = std::stoi(*store->Get("last").value());
    CHECK(last >= acknowledged);
    CHECK(last <= acknowledged + 1);
    for (int number = 0; number <= last; ++number) {
      const std::string text = std::to_string(number);
      REQUIRE(store->Get("a/" + text).value() == text + std::string(6000, 'x'));
      REQUIRE(store->Get("b/" + text).value() == text + std::string(6000, 'x'));
    }
  }
}

TEST_CASE("a store is refused to a second owner, in this process or another") {
  const testing::Scratch scratch;
  const std::filesystem::path file = scratch.path() / "livy.db";
  {
    Writer writer("sqlite", file);
    REQUIRE(writer.Next() >= 0);
    const auto refused = OpenSqliteStore(file);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kUnavailable);
    CHECK(Says(refused.error(), "livy.db' is held by another server."));
  }
  const std::unique_ptr<Store> store = OpenSqliteStore(file).value();
  const auto refused = OpenSqliteStore(file);
  REQUIRE_FALSE(refused);
  CHECK(Says(refused.error(), "livy.db' is held by another server."));

  // The refused attempt must not have loosened the first one's hold.
  Writer writer("sqlite", file);
  CHECK(writer.Next() == -1);
}

TEST_CASE("of two that open a new store at once, one has it") {
  const testing::Scratch scratch;
  for (int round = 0; round < 40; ++round) {
    const std::filesystem::path file = scratch.path() / fmt::format("{}/livy.db", round);
    std::vector<std::unique_ptr<Store>> stores(2);
    std::barrier begin(2);
    std::vector<std::jthread> threads;
    for (std::unique_ptr<Store>& store : stores) {
      threads.emplace_back([&] {
        begin.arrive_and_wait();
        if (auto opened = OpenSqliteStore(file)) store = *std::move(opened);
      });
    }
    threads.clear();  // Joins.
    CHECK((stores[0] == nullptr) != (stores[1] == nullptr));
  }
}

TEST_CASE("a store that another server is about to open is left alone") {
  const testing::Scratch scratch;
  const std::filesystem::path file = scratch.path() / "livy.db";
  const auto held = internal::StoreLock::Take(scratch.path() / "livy.db-lock", file);
  REQUIRE(held);
  const auto refused = OpenSqliteStore(file);
  REQUIRE_FALSE(refused);
  CHECK(Says(refused.error(), "livy.db' is held by another server."));
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("a file that is not a store is refused and left as it was") {
  const testing::Scratch scratch;
  const std::filesystem::path file = scratch.path() / "livy.db";

  SUBCASE("garbage") {
    const std::string garbage(10000, 'g');
    std::ofstream(file) << garbage;
    const auto refused = OpenSqliteStore(file);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kUnavailable);
    CHECK(Says(refused.error(), "livy.db' failed: file is not a database"));
    std::ifstream in(file);
    CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == garbage);
  }
  SUBCASE("a directory") {
    std::filesystem::create_directory(file);
    const auto refused = OpenSqliteStore(file);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kUnavailable);
  }
  SUBCASE("another program's database") {
    std::ofstream(file).close();
    REQUIRE(SqliteDatabase::Open(file).value().Execute("CREATE TABLE theirs (a)"));
    const auto refused = OpenSqliteStore(file);
    REQUIRE_FALSE(refused);
    CHECK(Says(refused.error(), "livy.db' is a database, but not a Livy store."));
    CHECK(SqliteDatabase::Open(file).value().Query("PRAGMA journal_mode").value() == "delete");
  }
  SUBCASE("a store of a newer version") {
    REQUIRE(OpenSqliteStore(file));
    REQUIRE(SqliteDatabase::Open(file).value().Execute("PRAGMA user_version = 2"));
    const auto refused = OpenSqliteStore(file);
    REQUIRE_FALSE(refused);
    CHECK(Says(refused.error(),
               "was written by a newer version: it has schema 2, and this version knows 1."));
  }
}

TEST_CASE("a store that loses its file or its log refuses changes") {
  const testing::Scratch scratch;
  const std::filesystem::path file = scratch.path() / "livy.db";
  const std::unique_ptr<Store> store = OpenSqliteStore(file).value();
  // Nothing has been changed yet.
  SUBCASE("the file") {
    std::filesystem::remove(file);
  }
  SUBCASE("the file, and another one came") {
    std::filesystem::remove(file);
    std::ofstream(file).close();
  }
  SUBCASE("the log") {
    REQUIRE(std::filesystem::remove(scratch.path() / "livy.db-wal"));
  }
  const Result<void> refused = store->Apply({{"a", "1"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(Says(refused.error(), "livy.db' was removed or moved away while a server had it"));
}

TEST_CASE("a damaged page is an error and never a wrong value") {
  const testing::Scratch scratch;
  const std::filesystem::path file = scratch.path() / "livy.db";
  {
    const std::unique_ptr<Store> store = OpenSqliteStore(file).value();
    for (int i = 0; i < 200; ++i)
      REQUIRE(store->Apply({{fmt::format("k/{}", i), std::string(500, 'v')}}));
  }
  {
    // All but the first page, which holds the schema.
    const auto size = static_cast<std::size_t>(std::filesystem::file_size(file));
    std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(4096);
    out << std::string(size - 4096, '\xa5');
  }
  const auto store = OpenSqliteStore(file);
  REQUIRE(store);
  const auto value = (*store)->Get("k/7");
  REQUIRE_FALSE(value);
  CHECK(value.error().code == ErrorCode::kUnavailable);
  CHECK(Says(value.error(), "malformed"));
}

TEST_CASE("a directory that cannot be made is named") {
  const testing::Scratch scratch;
  std::ofstream(scratch.path() / "file").close();
  const auto refused = OpenSqliteStore(scratch.path() / "file" / "sub" / "livy.db");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(Says(refused.error(), "directory"));
}

TEST_CASE("a full store refuses whole transactions and works again when there is room") {
  const testing::Scratch scratch;
  const std::unique_ptr<SqliteStore> store =
      SqliteStore::Open({.file = scratch.path() / "livy.db", .pages_max = 40}).value();
  const std::string value(8000, 'v');
  Result<void> stored;
  int count = 0;
  for (; stored && count < 100; ++count) {
    const std::string text = std::to_string(count);
    // The small one still fits when the large ones do not.
    stored = store->Apply({{"small/" + text, ""}, {"a/" + text, value}, {"b/" + text, value}});
  }
  REQUIRE_FALSE(stored);
  CHECK(stored.error().code == ErrorCode::kUnavailable);
  CHECK(Says(stored.error(), "database or disk is full"));
  CHECK(store->Children("a").value().size() == static_cast<std::size_t>(count - 1));
  CHECK(store->Children("b").value().size() == static_cast<std::size_t>(count - 1));
  CHECK(store->Children("small").value().size() == static_cast<std::size_t>(count - 1));

  REQUIRE(store->Apply({{"a/0", std::nullopt}, {"b/0", std::nullopt}}));
  CHECK(store->Apply({{"a/new", value}, {"b/new", value}}));
  CHECK(store->Get("a/new").value() == value);
}

TEST_CASE("a write that the system refuses leaves nothing half done") {
  const testing::Scratch scratch;
  const std::unique_ptr<Store> store = OpenSqliteStore(scratch.path() / "livy.db").value();
  REQUIRE(store->Apply({{"a", "old"}}));

  rlimit usual = {};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &usual) == 0);
  const rlimit tight = {.rlim_cur = 65536, .rlim_max = usual.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const Result<void> refused = store->Apply({{"a", "new"}, {"b", std::string(200000, 'b')}});
  REQUIRE(setrlimit(RLIMIT_FSIZE, &usual) == 0);
  std::signal(SIGXFSZ, old_handler);

  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(store->Get("a").value() == "old");
  CHECK(store->Get("b").value() == std::nullopt);
  CHECK(store->Apply({{"a", "new"}, {"b", std::string(200000, 'b')}}));
  CHECK(store->Get("a").value() == "new");
}

TEST_CASE("one batch that cannot be stored does not fail those that share its transaction") {
  const testing::Scratch scratch;
  const std::unique_ptr<SqliteStore> store =
      SqliteStore::Open({.file = scratch.path() / "livy.db", .pages_max = 100}).value();
  std::atomic<int> refused = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 20; ++i) {
        const std::string key = fmt::format("k{}/{}", thread, i);
        const bool huge = thread == 0;
        const Result<void> done =
            store->Apply({{key, huge ? std::string(1000000, 'h') : std::string("small")}});
        CHECK(done.has_value() == !huge);
        if (!done) ++refused;
      }
    });
  }
  threads.clear();  // Joins.
  CHECK(refused == 20);
  CHECK(store->Children("k0").value().empty());
  for (int thread = 1; thread < 8; ++thread)
    CHECK(store->Children(fmt::format("k{}", thread)).value().size() == 20);
}

TEST_CASE("changes that arrive during a write are written together, as many as are allowed") {
  constexpr std::size_t kThreads = 5;
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  std::vector<std::size_t> sizes;
  CommitQueue queue(
      [&](const std::vector<PendingBatch*>& batches) {
        std::unique_lock lock(mutex);
        sizes.push_back(batches.size());
        changed.notify_all();
        changed.wait(lock, [&] { return released; });
        for (PendingBatch* batch : batches) {
          if (batch->changes->front().key == "bad")
            batch->result = Error{ErrorCode::kUnavailable, "full"};
        }
      },
      3);
  std::vector<std::jthread> threads;
  std::atomic<std::size_t> failed = 0;
  threads.emplace_back([&] { CHECK(queue.Submit({{"first", "1"}})); });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return sizes.size() == 1; });
  }
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      if (!queue.Submit({{i == 0 ? "bad" : "good", "1"}})) ++failed;
    });
  }
  while (queue.waiting() < kThreads)
    std::this_thread::yield();
  {
    const std::lock_guard lock(mutex);
    released = true;
  }
  changed.notify_all();
  threads.clear();  // Joins.
  CHECK(sizes == std::vector<std::size_t>{1, 3, 2});
  CHECK(failed == 1);
}

}  // namespace
}  // namespace livy
