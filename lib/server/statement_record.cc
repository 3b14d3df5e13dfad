#include "server/statement_record.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/utf8.h"

namespace livy::internal {
namespace {

using enum StatementState;

// Of a statement that has not ended: 1 tells that it has.
constexpr double kProgressMax = 0.99;

bool MoveTo(StatementState to, StatementRecord& statement) {
  if (!CanMove(statement.state, to)) return false;
  statement.state = to;
  if (IsFinal(to)) {
    statement.progress = 1;
    statement.printed = nullptr;  // The output has all of it.
  }
  return true;
}

void SetError(std::string_view name, std::string_view value, StatementRecord& statement) {
  JsonWriter json;
  json.BeginObject().Key("status").String("error").Key("execution_count").Int(statement.id);
  json.Key("ename").String(name).Key("evalue").String(value);
  json.Key("traceback").Strings({}).EndObject();
  statement.output_json = std::make_shared<const std::string>(json.Take());
}

bool Cancelled(StatementRecord& statement) {
  if (statement.state == kRunning) MoveTo(kCancelling, statement);
  return MoveTo(kCancelled, statement);
}

}  // namespace

std::size_t TextBytes(const StatementRecord& statement) {
  return statement.code->size() + (statement.output_json ? statement.output_json->size() : 0);
}

void Abridge(StatementRecord& statement) {
  static const auto nothing = std::make_shared<const std::string>();
  statement.code = nothing;
  statement.output_json = nullptr;
  statement.is_abridged = true;
}

bool Apply(const StartedEvent& event, StatementRecord& statement) {
  // A statement that was cancelled here while its driver took it has still started.
  if (!MoveTo(kRunning, statement) && statement.state != kCancelled) return false;
  statement.started = event.at;
  return true;
}

bool Apply(const ProgressEvent& event, StatementRecord& statement) {
  if (IsFinal(statement.state)) return false;
  const bool has_moved = MoveTo(kRunning, statement);
  const double progress = std::min(event.progress, kProgressMax);
  if (progress <= statement.progress) return has_moved;
  statement.progress = progress;
  return true;
}

bool Apply(const OutputEvent& event, std::size_t bytes_max, StatementRecord& statement) {
  if (IsFinal(statement.state)) return false;
  const bool has_moved = MoveTo(kRunning, statement);
  const std::size_t held = statement.printed ? statement.printed->size() : 0;
  const std::string_view text = CutUtf8(event.text, bytes_max - std::min(held, bytes_max));
  if (text.empty()) return has_moved;
  // A new text, because views may hold the old one.
  auto printed = std::make_shared<std::string>();
  printed->reserve(held + text.size());
  if (statement.printed) *printed = *statement.printed;
  *printed += text;
  statement.printed = std::move(printed);
  return true;
}

bool Apply(const FinishedEvent& event, StatementRecord& statement) {
  if (statement.state == kAvailable) return false;
  if (event.state == kCancelled || statement.state == kCancelling) {
    Cancelled(statement);
  } else if (statement.state != kCancelled) {
    MoveTo(kRunning, statement);  // In case that it finished before we heard that it had started.
    MoveTo(kAvailable, statement);
  }
  statement.completed = event.at;
  if (event.output_json != "null") {
    statement.output_json = std::make_shared<const std::string>(event.output_json);
    const auto ran = std::chrono::duration_cast<std::chrono::milliseconds>(event.ran);
    if (statement.started == Statement::Time() && event.at.time_since_epoch() > ran) {
      statement.started = event.at - ran;
    }
  }
  return true;
}

bool ApplyCancel(StatementRecord& statement) {
  return MoveTo(statement.state == kWaiting ? kCancelled : kCancelling, statement);
}

bool ApplyEnd(Statement::Time now, std::string_view reason, StatementRecord& statement) {
  if (!Cancelled(statement)) return false;
  statement.completed = now;
  SetError("SessionEnded", reason, statement);
  return true;
}

void ReplaceOutput(std::string_view reason, StatementRecord& statement) {
  SetError("OutputNotStored", reason, statement);
}

ExecuteCommand ExecuteCommandFor(const StatementRecord& statement) {
  return {.id = statement.id,
          .kind = statement.kind,
          .code = *statement.code,
          .rows_max = statement.rows_max};
}

void WriteMembers(const StatementRecord& statement, JsonWriter& json) {
  json.Key("id").Int(statement.id).Key("code").String(*statement.code);
  json.Key("state").String(ToString(statement.state)).Key("output");
  statement.output_json ? json.Raw(*statement.output_json) : json.Null();
  json.Key("progress").Double(statement.progress);
  json.Key("started").Int(statement.started.time_since_epoch().count());
  json.Key("completed").Int(statement.completed.time_since_epoch().count());
}

void Write(const StatementRecord& statement, JsonWriter& json) {
  json.BeginObject();
  WriteMembers(statement, json);
  if (statement.printed) json.Key("stdout").String(*statement.printed);
  json.EndObject();
}

}  // namespace livy::internal
