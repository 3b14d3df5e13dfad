#include "server/stored_ids.h"

#include <algorithm>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "core/json.h"
#include "core/number.h"

namespace livy::internal {
namespace {

constexpr int kIdMax = std::numeric_limits<int>::max();

}  // namespace

std::string StoredIds::CounterKey() const {
  return root_ + "/state";
}

Result<int> StoredIds::LoadCounter() const {
  const Result<std::optional<std::string>> text = store_.Get(CounterKey());
  if (!text) return text.error();
  if (!*text) return 0;
  const Result<JsonValue> json = ParseJson(**text);
  const JsonValue* next = json ? json->Find("nextSessionId") : nullptr;
  if (next == nullptr || !next->AsInt() || *next->AsInt() < 0) {
    return Error{
        ErrorCode::kUnavailable,
        fmt::format("The store's value of '{}' is not a counter: {}", CounterKey(), **text)};
  }
  return *next->AsInt();
}

Result<std::vector<int>> StoredIds::Load() {
  const Result<int> counter = LoadCounter();
  if (!counter) return counter.error();
  Result<std::vector<int>> ids = List();
  if (!ids) return ids;
  const Turns::Turn turn = turns_.Wait();
  next_ = *counter;
  // The counter may be lost, or of an older copy.
  if (!ids->empty() && ids->back() >= next_) next_ = ids->back() + (ids->back() < kIdMax ? 1 : 0);
  return ids;
}

Result<int> StoredIds::Take() {
  const Result<Turns::Turn> turn = turns_.Take();
  if (!turn) return turn.error();
  if (next_ == kIdMax) return Error{ErrorCode::kResourceExhausted, "All ids have been given."};
  const Result<void> saved = store_.Apply(
      {{.key = CounterKey(), .value = fmt::format("{{\"nextSessionId\":{}}}", next_ + 1)}});
  if (!saved) return saved.error();
  return next_++;
}

Result<std::vector<int>> StoredIds::List() const {
  const Result<std::vector<std::string>> names = store_.Children(root_);
  if (!names) return names.error();
  std::vector<int> ids;
  for (const std::string& name : *names) {
    const std::optional<int> id = ParseNumber<int>(name);
    // Livy ignores other names, too; "state" is one.
    if (id && *id >= 0) ids.push_back(*id);
  }
  std::ranges::sort(ids);
  return ids;
}

}  // namespace livy::internal
