// What the file store promises beyond the contract.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include <livy/store.h>

#include "../scratch.h"
#include "store/file_names.h"
#include "writer.h"

namespace livy {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

std::string Text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

TEST_CASE("files lie where Apache Livy has them") {
  const testing::Scratch scratch;
  const auto store = OpenFileStore(scratch.path()).value();
  REQUIRE(store->Apply({{"v1/interactive/state", R"({"nextSessionId":1})"},
                        {"v1/interactive/0", "{}"},
                        {"v1/interactive/0/statements/3", "[]"}}));
  CHECK(Text(scratch.path() / "v1/interactive/state") == R"({"nextSessionId":1})");
  CHECK(Text(scratch.path() / "v1/interactive/0") == "{}");
  CHECK(ModeOf(scratch.path() / "v1/interactive/0") == 0600);
  CHECK(ModeOf(scratch.path() / "v1/interactive") == 0700);
  CHECK(store->Children("v1/interactive").value() == Names{"0", "state"});
  CHECK(store->Children("v1").value() == Names{"interactive"});
}

TEST_CASE("a folder that Apache Livy has written is read, without what is not its own") {
  const testing::Scratch scratch;
  scratch.Write("v1/batch/state", R"({"nextSessionId":2})");
  scratch.Write("v1/batch/1", R"({"id":1,"version":1})");
  scratch.Write("v1/batch/.1.crc", "checksum");
  scratch.Write("v1/batch/0.tmp", "half a fi");
  const auto store = OpenFileStore(scratch.path()).value();
  CHECK(store->Children("v1/batch").value() == Names{"1", "state"});
  CHECK(store->Get("v1/batch/1").value() == R"({"id":1,"version":1})");
  CHECK(store->Get("v1/batch/0").value() == std::nullopt);
  CHECK_FALSE(fs::exists(scratch.path() / "v1/batch/0.tmp"));
}

TEST_CASE("no key leads out of the folder, and none is taken for another") {
  const testing::Scratch scratch;
  const fs::path folder = scratch.path() / "store";
  const auto store = OpenFileStore(folder).value();
  const Names names = {"..",
                       ".",
                       ".journal",
                       ".lock",
                       "0.children",
                       "0.tmp",
                       "0.value",
                       "0",
                       "a\nb",
                       "a b",
                       "%41",
                       "A",
                       "\xff",
                       "v1",
                       "x",
                       "x.value",
                       "X",
                       "a\\b",
                       std::string("\0", 1)};
  for (const std::string& name : names)
    REQUIRE(store->Apply({{"k/" + name, name}, {name + "/below", name}, {name, name}}));
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK(store->Get("k/" + name).value() == name);
    CHECK(store->Get(name).value() == name);
    CHECK(store->Get(name + "/below").value() == name);
  }
  CHECK(store->Children("k").value().size() == names.size());
  CHECK(std::distance(fs::directory_iterator(scratch.path()), {}) == 1);
}

TEST_CASE("entries that no key has made are no names") {
  for (const char* entry : {"", ".", "..", ".lock", "a.tmp", "%", "%4", "%4x", "%zz", ".value"}) {
    CAPTURE(entry);
    CHECK(internal::NameOfEntry(entry) == std::nullopt);
  }
}

TEST_CASE("what is forgotten leaves no folders behind") {
  const testing::Scratch scratch;
  const auto store = OpenFileStore(scratch.path()).value();
  REQUIRE(store->Apply({{"v1/interactive/0/statements/3", "x"}}));
  REQUIRE(store->Apply({{"v1/interactive/0/statements/3", {}}}));
  CHECK(store->Children("v1/interactive").value().empty());
  CHECK(fs::is_empty(scratch.path() / "v1/interactive"));
}

TEST_CASE("all that is in a folder can be forgotten in one change") {
  const testing::Scratch scratch;
  const auto store = OpenFileStore(scratch.path()).value();
  REQUIRE(store->Apply({{"a/b/1", "x"}, {"a/b/2", "y"}, {"a/c", "z"}}));
  CHECK(store->Apply({{"a/b/1", {}}, {"a/b/2", {}}, {"a/c", {}}}));
  CHECK(store->Children("a").value().empty());
  CHECK(store->Apply({{"a/b/1", "x"}}));
}

TEST_CASE("a folder is held by one store at a time") {
  const testing::Scratch scratch;
  const auto store = OpenFileStore(scratch.path()).value();
  const auto refused = OpenFileStore(scratch.path());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(Says(refused.error(), "is held by another server."));
}

TEST_CASE("what is not in a folder that is gone is not taken for unknown") {
  const testing::Scratch scratch;
  const auto store = OpenFileStore(scratch.path() / "state").value();
  REQUIRE(store->Apply({{"a/b", "1"}}));
  fs::rename(scratch.path() / "state", scratch.path() / "other");
  CHECK(store->Get("a/b").error().code == ErrorCode::kUnavailable);
  CHECK(store->Children("a").error().code == ErrorCode::kUnavailable);
}

TEST_CASE("a folder that has lost its lock is not changed, because another may have it") {
  const testing::Scratch scratch;
  const auto store = OpenFileStore(scratch.path()).value();
  REQUIRE(fs::remove(scratch.path() / ".lock"));
  CHECK_FALSE(store->Apply({{"a", "1"}}));
  const auto next = OpenFileStore(scratch.path()).value();
  CHECK_FALSE(store->Apply({{"a", "1"}}));
  CHECK(next->Get("a").value() == std::nullopt);
}

TEST_CASE("what was acknowledged by files survives kill -9, and no change is there in part") {
  const testing::Scratch scratch;
  for (const int transactions : {1, 2, 5, 9, 14, 20}) {
    CAPTURE(transactions);
    int acknowledged = -1;
    {
      Writer writer("file", scratch.path());
      while (acknowledged < transactions) {
        acknowledged = writer.Next();
        REQUIRE(acknowledged >= 0);
      }
      writer.KillNow();
      for (int number = writer.Next(); number >= 0; number = writer.Next())
        acknowledged = number;
    }
    const auto store = OpenFileStore(scratch.path()).value();
    const int last = std::stoi(store->Get("last").value().value());
    CHECK(last >= acknowledged);
    const std::string key = std::to_string(last);
    CHECK(store->Get("a/" + key).value() == store->Get("b/" + key).value());
    CHECK(store->Get("a/" + key).value().has_value());
    CHECK(store->Get("b/" + std::to_string(acknowledged)).value().has_value());
  }
}

// The state after a crash at each step of a change of two keys.
TEST_CASE("a change that a crash has cut is made wholly or not at all") {
  const testing::Scratch scratch;
  REQUIRE(OpenFileStore(scratch.path()).value()->Apply({{"a", "old"}, {"b", "old"}, {"c", "old"}}));
  const std::string journal = "keep a\nkeep b\nforget c\n";
  scratch.Write("a.tmp", "new");
  const auto values = [&] {
    const auto store = OpenFileStore(scratch.path()).value();
    return store->Get("a").value().value_or("-") + " " + store->Get("b").value().value_or("-") +
           " " + store->Get("c").value().value_or("-");
  };
  SUBCASE("before all files are written") {
    CHECK(values() == "old old old");
  }
  SUBCASE("before the journal has its name") {
    scratch.Write("b.tmp", "new");
    scratch.Write(".journal.tmp", journal);
    CHECK(values() == "old old old");
  }
  SUBCASE("before the first file has its name") {
    scratch.Write("b.tmp", "new");
    scratch.Write(".journal", journal);
    CHECK(values() == "new new -");
  }
  SUBCASE("between the files") {
    scratch.Write("b.tmp", "new");
    scratch.Write(".journal", journal);
    fs::rename(scratch.path() / "a.tmp", scratch.path() / "a");
    CHECK(values() == "new new -");
  }
  SUBCASE("before the journal goes") {
    fs::rename(scratch.path() / "a.tmp", scratch.path() / "a");
    scratch.Write("b", "new");
    fs::remove(scratch.path() / "c");
    scratch.Write(".journal", journal);
    CHECK(values() == "new new -");
  }
  CHECK_FALSE(fs::exists(scratch.path() / ".journal"));
  CHECK_FALSE(fs::exists(scratch.path() / "a.tmp"));
}

// Files can be no larger than this, as on a disk that is full.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() { setrlimit(RLIMIT_FSIZE, &before_); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_ = {};
};

TEST_CASE("a full disk refuses a change as a whole, and the store goes on") {
  const testing::Scratch scratch;
  const auto store = OpenFileStore(scratch.path()).value();
  REQUIRE(store->Apply({{"a", "old"}}));
  {
    const FileLimit limit(4096);
    const Result<void> refused = store->Apply({{"a", "new"}, {"b", std::string(9000, 'x')}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kUnavailable);
    CHECK(Says(refused.error(), "File too large"));
    CHECK(store->Get("a").value() == "old");
    CHECK(store->Get("b").value() == std::nullopt);
  }
  CHECK(store->Apply({{"a", "new"}}));
  CHECK(store->Get("a").value() == "new");
}

// The superuser may write everywhere; as somebody else, this thread may not.
class ReadOnly {
 public:
  explicit ReadOnly(const fs::path& folder) : folder_(folder) {
    fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec |
                                 fs::perms::others_read | fs::perms::others_exec);
    if (geteuid() == 0) setfsuid(kNobody);
  }
  ~ReadOnly() {
    if (geteuid() == 0) setfsuid(0);
    fs::permissions(folder_, fs::perms::owner_all);
  }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
  const fs::path folder_;
};

TEST_CASE("a folder that may not be written refuses changes and is used again when it may") {
  const testing::Scratch scratch;
  const auto store = OpenFileStore(scratch.path()).value();
  REQUIRE(store->Apply({{"a", "old"}}));
  {
    const ReadOnly read_only(scratch.path());
    const Result<void> refused = store->Apply({{"a", "new"}, {"b", "new"}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kUnavailable);
    CHECK(Says(refused.error(), "Permission denied"));
  }
  CHECK(store->Get("a").value() == "old");
  CHECK(store->Get("b").value() == std::nullopt);
  CHECK(store->Apply({{"a", "new"}, {"b", "new"}}));
  CHECK(store->Get("b").value() == "new");
}

}  // namespace
}  // namespace livy
