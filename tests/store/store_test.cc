// The contract of Store, over the implementations that need no server, and over stores that break
// it.
#include <livy/store.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <livy/testing/store_contract.h>

#include "../scratch.h"
#include "words.h"

namespace livy {
namespace {

using testing::CheckStoreContract;
namespace fs = std::filesystem;
using Names = std::vector<std::string>;

// What the implementations have in common beyond the contract: the words.
void CheckWords(Store& store) {
  const Result<void> refused = store.Apply({{"a//b", "1"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error() ==
        Error{ErrorCode::kInvalidArgument, "'a//b' is not a key: names separated by '/'."});
}

TEST_CASE("the store in memory keeps the contract") {
  CHECK(Broken(MakeMemoryStore) == "");
  CheckWords(*MakeMemoryStore());
}

TEST_CASE("the store in SQLite keeps the contract") {
  const testing::Scratch scratch;
  int opened = 0;
  const auto open = [&] {
    return OpenSqliteStore(scratch.path() / fmt::format("{}.db", ++opened)).value();
  };
  CHECK(Broken(open, {.changes_per_thread = 100}) == "");
  CheckWords(*open());
}

TEST_CASE("the store of files keeps the contract") {
  const testing::Scratch scratch;
  int opened = 0;
  const auto open = [&] {
    return OpenFileStore(scratch.path() / fmt::format("{}", ++opened)).value();
  };
  // Each change waits for the disk.
  CHECK(Broken(open, {.threads = 4, .changes_per_thread = 3}) == "");
  CheckWords(*open());
}

// A durable store of a server that runs, in a folder of its own.
struct Kind {
  const char* name = nullptr;
  const char* place = nullptr;  // Below the folder.
  Result<std::unique_ptr<Store>> (*open)(const fs::path&) = nullptr;
};
const std::vector<Kind> kKinds = {{"sqlite", "livy.db", OpenSqliteStore},
                                  {"files", "", OpenFileStore}};

void CheckGone(Store& store) {
  const Result<void> refused = store.Apply({{"a", "2"}, {"b", "2"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(Says(refused.error(), "was removed or moved away while a server had it"));
}

TEST_CASE("a store whose folder is removed refuses changes, and its place is free for another") {
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    const testing::Scratch scratch;
    const fs::path folder = scratch.path() / "state";
    auto store = kind.open(folder / kind.place).value();
    REQUIRE(store->Apply({{"a", "1"}}));
    fs::remove_all(folder);
    CheckGone(*store);
    CHECK_FALSE(fs::exists(folder));

    const auto next = kind.open(folder / kind.place).value();
    CHECK(next->Apply({{"a", "next"}}));
    CheckGone(*store);
    CHECK(next->Get("a").value() == "next");
    store.reset();  // Takes nothing of the other's with it.
    CHECK(next->Apply({{"b", "next"}}));
    CHECK_FALSE(kind.open(folder / kind.place));
  }
}

TEST_CASE("a store whose folder is moved away refuses changes until it is back") {
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    const testing::Scratch scratch;
    const fs::path folder = scratch.path() / "state";
    const auto store = kind.open(folder / kind.place).value();
    REQUIRE(store->Apply({{"a", "1"}}));
    fs::rename(folder, scratch.path() / "other");
    CheckGone(*store);
    fs::rename(scratch.path() / "other", folder);
    CHECK(store->Apply({{"b", "2"}}));
    CHECK(store->Get("a").value() == "1");
    CHECK(store->Get("b").value() == "2");
  }
}

// A store in memory with one thing wrong.
class ABrokenStore : public Store {
 public:
  enum class Defect { kForgetsSecond, kLosesEmpty, kListsBackwards, kTakesAnyKey, kFails };

  explicit ABrokenStore(Defect defect) : defect_(defect) {}

  Result<void> Apply(const std::vector<StoreChange>& changes) override {
    if (defect_ == Defect::kFails) return Error{ErrorCode::kUnavailable, "full"};
    std::vector<StoreChange> made = changes;
    if (defect_ == Defect::kForgetsSecond && made.size() > 1) made.resize(1);
    if (defect_ == Defect::kTakesAnyKey && !store_->Apply(made)) return {};
    return store_->Apply(made);
  }
  Result<std::optional<std::string>> Get(std::string_view key) const override {
    Result<std::optional<std::string>> value = store_->Get(key);
    if (defect_ == Defect::kLosesEmpty && *value == "") return std::optional<std::string>();
    return value;
  }
  Result<Names> Children(std::string_view key) const override {
    Names names = store_->Children(key).value();
    if (defect_ == Defect::kListsBackwards) names = Names(names.rbegin(), names.rend());
    return names;
  }

 private:
  const Defect defect_;
  const std::unique_ptr<Store> store_ = MakeMemoryStore();
};

TEST_CASE("the contract says in words what a store breaks") {
  using enum ABrokenStore::Defect;
  const std::vector<std::pair<ABrokenStore::Defect, std::string>> rows = {
      {kForgetsSecond, "Get('k') gave \"1\" and not \"2\"."},
      {kLosesEmpty, "Get('a/b') gave no value and not \"\"."},
      {kListsBackwards, "Children('a/b') gave [e, d] and not [d, e]."},
      {kTakesAnyKey, "the malformed key '/a' was accepted."},
      {kFails, "a change of 'a' and so on was refused: full."},
  };
  for (const auto& [defect, words] : rows) {
    CAPTURE(words);
    const Names broken =
        CheckStoreContract([defect = defect] { return std::make_unique<ABrokenStore>(defect); },
                           {.threads = 2, .changes_per_thread = 2});
    bool said = false;
    for (const std::string& sentence : broken)
      said = said || sentence.ends_with(": " + words);
    CHECK(said);
  }
}

}  // namespace
}  // namespace livy
