// StatementRecord: a statement as the server keeps it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <livy/statement.h>

#include "core/json.h"
#include "driver_link/wire.h"

namespace livy::internal {

// Cheap to copy: the long texts are shared.
struct StatementRecord {
  int id = 0;
  Kind kind = Kind::kSpark;
  std::optional<int> rows_max = {};  // As its request had it.
  std::shared_ptr<const std::string> code = {};
  StatementState state = StatementState::kWaiting;
  std::shared_ptr<const std::string> output_json = {};  // Null until there is an output.
  std::shared_ptr<const std::string> printed = {};      // While it runs. Null if nothing yet.
  double progress = 0;
  Statement::Time started = {};  // The epoch until it has started; so for `completed`.
  Statement::Time completed = {};
  bool is_abridged = false;  // Code and output are in the store only.
};

// What its long texts need.
std::size_t TextBytes(const StatementRecord& statement);

// Leaves its code and its output to the store.
void Abridge(StatementRecord& statement);

// Each applies what happened, and returns whether anything changed. A forbidden move of the state
// is not made. That a statement has started is not stored (docs/design/007-what-is-stored.md), so
// whatever only happens to one that runs shows it, too.
bool Apply(const StartedEvent& event, StatementRecord& statement);
bool Apply(const ProgressEvent& event, StatementRecord& statement);
// Keeps `bytes_max` of the text; the driver sends no more unless it is wrong.
bool Apply(const OutputEvent& event, std::size_t bytes_max, StatementRecord& statement);
bool Apply(const FinishedEvent& event, StatementRecord& statement);

// A cancel request: a waiting statement is cancelled at once, a running one asked to stop.
bool ApplyCancel(StatementRecord& statement);

// The session has ended: what was not final is cancelled, and its output says why.
bool ApplyEnd(Statement::Time now, std::string_view reason, StatementRecord& statement);

// The output cannot be kept: an error that says why takes its place.
void ReplaceOutput(std::string_view reason, StatementRecord& statement);

// As the REST interface shows it, with what it has printed so far as an extra member of ours.
void Write(const StatementRecord& statement, JsonWriter& json);

// What makes the driver run it.
ExecuteCommand ExecuteCommandFor(const StatementRecord& statement);

// The members that Apache Livy has, in its order.
void WriteMembers(const StatementRecord& statement, JsonWriter& json);

}  // namespace livy::internal
