#include <livy/testing/store_contract.h>

#include <iterator>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace livy::testing {
namespace {

using Names = std::vector<std::string>;
using Value = std::optional<std::string>;

constexpr std::size_t kShownMax = 60;

std::string Shown(const Value& value) {
  if (!value) return "no value";
  if (value->size() > kShownMax) return fmt::format("a value of {} bytes", value->size());
  return fmt::format("\"{}\"", *value);
}
std::string Shown(const Names& names) {
  return fmt::format("[{}]", fmt::join(names, ", "));
}

// A store with everything that was found wrong with it. Safe to use from several threads.
class Subject {
 public:
  Subject(std::unique_ptr<Store> store, std::string_view rule)
      : store_(std::move(store)), rule_(rule) {}

  void Apply(const std::vector<StoreChange>& changes) {
    if (const Result<void> made = store_->Apply(changes); !made) {
      Broken(fmt::format("a change of '{}' and so on was refused: {}",
                         changes.empty() ? "" : changes.front().key, made.error().message));
    }
  }

  void ExpectRefused(const std::vector<StoreChange>& changes, std::string_view what) {
    const Result<void> made = store_->Apply(changes);
    if (made) return Broken(fmt::format("{} was accepted", what));
    if (made.error().code != ErrorCode::kInvalidArgument) {
      Broken(fmt::format("{} was refused as {} and not as {}", what, ToString(made.error().code),
                         ToString(ErrorCode::kInvalidArgument)));
    }
  }

  void Expect(std::string_view key, const Value& wanted) {
    const Result<Value> value = store_->Get(key);
    if (!value) {
      Broken(fmt::format("Get('{}') failed: {}", key, value.error().message));
    } else if (*value != wanted) {
      Broken(fmt::format("Get('{}') gave {} and not {}", key, Shown(*value), Shown(wanted)));
    }
  }

  void ExpectChildren(std::string_view key, const Names& wanted) {
    const Result<Names> names = store_->Children(key);
    if (!names) {
      Broken(fmt::format("Children('{}') failed: {}", key, names.error().message));
    } else if (*names != wanted) {
      Broken(fmt::format("Children('{}') gave {} and not {}", key, Shown(*names), Shown(wanted)));
    }
  }

  std::vector<std::string> TakeBroken() {
    const std::lock_guard lock(mutex_);
    return std::move(broken_);
  }

 private:
  void Broken(const std::string& what) {
    const std::lock_guard lock(mutex_);
    broken_.push_back(fmt::format("{}: {}.", rule_, what));
  }

  const std::unique_ptr<Store> store_;
  const std::string_view rule_;
  std::mutex mutex_;
  std::vector<std::string> broken_;  // Guarded by mutex_.
};

void CheckUnknown(Subject& store, const StoreContractOptions&) {
  store.Expect("missing", std::nullopt);
  store.ExpectChildren("missing", {});
  store.Apply({});
  store.Apply({{"missing", std::nullopt}});
  store.Apply({{"missing/below", std::nullopt}});
  store.ExpectChildren("missing", {});
}

void CheckValues(Subject& store, const StoreContractOptions&) {
  const Names values = {std::string("\0 \xff '\n\xc3\xa4 \"", 9),
                        "",
                        std::string(1, '\0'),
                        std::string(3, '\0'),
                        R"({"nextSessionId":7})",
                        std::string(200'000, 'x')};
  for (const std::string& value : values) {
    store.Apply({{"a/b", value}});
    store.Expect("a/b", value);
  }
  store.Apply({{"a/b", std::nullopt}});
  store.Expect("a/b", std::nullopt);
  store.ExpectChildren("a", {});
}

void CheckNames(Subject& store, const StoreContractOptions&) {
  const Names names = {std::string(1, '\0'),
                       "\n",
                       " ",
                       "%",
                       "%41",
                       ".",
                       "..",
                       ".journal",
                       "0",
                       "00",
                       "A",
                       "a",
                       "a.b",
                       "a\\b",
                       "state",
                       "x:v:",
                       "{x}",
                       "~",
                       "\xc3\xa4",
                       "\xff"};
  for (const std::string& name : names)
    store.Apply({{"k/" + name, name}, {name + "/below", name}});
  for (const std::string& name : names) {
    store.Expect("k/" + name, name);
    store.Expect(name + "/below", name);
    store.ExpectChildren(name, {"below"});
  }
  store.ExpectChildren("k", names);
}

void CheckTree(Subject& store, const StoreContractOptions&) {
  // '-' sorts before '/', so a store that walks its keys in order meets "b" on both sides of "b-c".
  for (const char* key : {"a/b", "a/b-c", "a/b/d", "a/b/e/f", "a/e/f", "a/\xff", "a", "a0", "ab"})
    store.Apply({{key, ""}});
  store.ExpectChildren("a", {"b", "b-c", "e", "\xff"});
  store.ExpectChildren("a/b", {"d", "e"});
  store.ExpectChildren("a/b/d", {});
  store.Expect("a/e", std::nullopt);
}

void CheckForgetting(Subject& store, const StoreContractOptions&) {
  store.Apply({{"a", "1"}, {"a/b", "2"}, {"a/c/d/e", "3"}, {"a/c/d/f", "4"}});
  store.Apply({{"a", std::nullopt}});
  store.Expect("a", std::nullopt);
  store.Expect("a/b", "2");
  store.Apply({{"a/c/d/e", std::nullopt}});
  store.ExpectChildren("a", {"b", "c"});
  store.Apply({{"a/c/d/f", std::nullopt}});
  store.ExpectChildren("a", {"b"});
  store.ExpectChildren("a/c", {});
  store.Apply({{"a/b", std::nullopt}, {"a/g/h", "5"}});
  store.ExpectChildren("a", {"g"});
}

void CheckOrder(Subject& store, const StoreContractOptions&) {
  store.Apply({{"k", "1"}, {"k", std::nullopt}, {"k", "2"}, {"j", "1"}, {"j", std::nullopt}});
  store.Expect("k", "2");
  store.Expect("j", std::nullopt);
  store.Apply({{"k/a/b", "1"}, {"k/a", "2"}, {"k/a/b", std::nullopt}, {"k", std::nullopt}});
  store.Expect("k", std::nullopt);
  store.ExpectChildren("k", {"a"});
  store.ExpectChildren("k/a", {});
}

void CheckMalformed(Subject& store, const StoreContractOptions&) {
  for (const char* key : {"", "/", "/a", "a/", "a//b"}) {
    store.ExpectRefused({{"before", "1"}, {key, "2"}, {"after", "3"}},
                        fmt::format("the malformed key '{}'", key));
    store.Expect("before", std::nullopt);
    store.Expect("after", std::nullopt);
  }
}

void CheckManyAtOnce(Subject& store, const StoreContractOptions&) {
  std::vector<StoreChange> changes;
  for (int i = 0; i < 60; ++i)
    changes.push_back({fmt::format("many/{:03}", i), std::to_string(i)});
  store.Apply(changes);
  store.Expect("many/059", "59");
  for (StoreChange& change : changes)
    change.value.reset();
  store.Apply(changes);
  store.ExpectChildren("many", {});
}

void CheckThreads(Subject& store, const StoreContractOptions& options) {
  Names names;
  for (int thread = 0; thread < options.threads; ++thread)
    names.push_back(fmt::format("{:03}", thread));
  std::vector<std::jthread> threads;
  for (const std::string& name : names) {
    threads.emplace_back([&store, &options, name] {
      for (int i = 0; i < options.changes_per_thread; ++i) {
        const std::string key = fmt::format("t/{}/{:05}", name, i);
        store.Apply({{key, key}, {"last/" + name, key}, {"gone/" + name + key, key}});
        store.Expect(key, key);
        store.Apply({{"gone/" + name + key, std::nullopt}});
      }
    });
  }
  threads.clear();  // Joins.
  Names numbers;
  for (int i = 0; i < options.changes_per_thread; ++i)
    numbers.push_back(fmt::format("{:05}", i));
  store.ExpectChildren("t", names);
  store.ExpectChildren("gone", {});
  for (const std::string& name : names) {
    store.ExpectChildren("t/" + name, numbers);
    store.Expect("last/" + name, fmt::format("t/{}/{}", name, numbers.back()));
  }
}

struct Rule {
  std::string_view text;
  void (*check)(Subject&, const StoreContractOptions&);
};

constexpr Rule kRules[] = {
    {"An unknown key has no value and no children, and can be forgotten", CheckUnknown},
    {"A value is kept byte for byte until it is replaced or forgotten", CheckValues},
    {"A name may have any bytes but '/'", CheckNames},
    {"Children are named once, in order, without grandchildren", CheckTree},
    {"Forgetting a key keeps its children, and leaves no empty ones", CheckForgetting},
    {"Changes are made in order", CheckOrder},
    {"One malformed key refuses all changes", CheckMalformed},
    {"Many changes are made at once", CheckManyAtOnce},
    {"Of what several threads change at once nothing is lost", CheckThreads},
};

}  // namespace

std::vector<std::string> CheckStoreContract(const std::function<std::unique_ptr<Store>()>& open,
                                            const StoreContractOptions& options) {
  std::vector<std::string> broken;
  for (const Rule& rule : kRules) {
    Subject subject(open(), rule.text);
    rule.check(subject, options);
    std::vector<std::string> found = subject.TakeBroken();
    broken.insert(broken.end(), std::make_move_iterator(found.begin()),
                  std::make_move_iterator(found.end()));
  }
  return broken;
}

}  // namespace livy::testing
