#include "server/stored_ids.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "core/json.h"
#include "core/number.h"

namespace livy::internal {

std::string StoredIds::CounterKey() const {
  return root_ + "/state";
}

Result<void> StoredIds::Load() {
  const Result<std::optional<std::string>> text = store_.Get(CounterKey());
  if (!text) return text.error();
  const Turns::Turn turn = turns_.Wait();
  next_ = 0;
  if (!*text) return {};
  const Result<JsonValue> json = ParseJson(**text);
  const JsonValue* next = json ? json->Find("nextSessionId") : nullptr;
  if (next == nullptr || !next->AsInt() || *next->AsInt() < 0) {
    return Error{
        ErrorCode::kUnavailable,
        fmt::format("The store's value of '{}' is not a counter: {}", CounterKey(), **text)};
  }
  next_ = *next->AsInt();
  return {};
}

Result<int> StoredIds::Take() {
  const Result<Turns::Turn> turn = turns_.Take();
  if (!turn) return turn.error();
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
