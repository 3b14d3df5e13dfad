#include <livy/statement.h>

#include "core/json.h"
#include "core/names.h"

namespace livy {
namespace {

using enum StatementState;

constexpr internal::NameTable<StatementState, 5> kStates = {{
    {kWaiting, "waiting"},
    {kRunning, "running"},
    {kAvailable, "available"},
    {kCancelling, "cancelling"},
    {kCancelled, "cancelled"},
}};

}  // namespace

std::string_view ToString(StatementState state) {
  return internal::NameOf(kStates, state);
}

std::optional<StatementState> ParseStatementState(std::string_view text) {
  return internal::ValueOf(kStates, text);
}

bool CanMove(StatementState from, StatementState to) {
  switch (from) {
    case kWaiting:
      return to == kRunning || to == kCancelled;
    case kRunning:
      return to == kAvailable || to == kCancelling;
    case kCancelling:
      return to == kCancelled;
    case kAvailable:
    case kCancelled:
      return false;
  }
  return false;
}

bool IsFinal(StatementState state) {
  return state == kAvailable || state == kCancelled;
}

std::string StatementOutput::text() const {
  const auto found = data.find("text/plain");
  if (found == data.end()) return "";
  const Result<internal::JsonValue> value = internal::ParseJson(found->second);
  return value && value->AsString() != nullptr ? *value->AsString() : "";
}

std::optional<std::string> StatementOutput::json() const {
  const auto found = data.find("application/json");
  if (found == data.end()) return std::nullopt;
  return found->second;
}

}  // namespace livy
