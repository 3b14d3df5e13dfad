// The texts that travel between server and driver: docs/design/004-driver-wire.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <livy/result.h>
#include <livy/session.h>
#include <livy/statement.h>

namespace livy::internal {

// --- Commands, from the server ---

struct ExecuteCommand {
  int id = 0;
  Kind kind = Kind::kSpark;
  std::string code = {};
  std::optional<int> rows_max = {};  // Unset: the session's.
};

struct CancelCommand {
  int id = 0;
};

struct CompleteCommand {
  int id = 0;
  Kind kind = Kind::kSpark;
  std::string code = {};
  int cursor = 0;
};

// Either `uri` or `upload`, the name of a file that the server has for the driver.
struct AddCommand {
  int id = 0;
  ResourceKind resource = ResourceKind::kFile;
  std::string uri = {};
  std::string upload = {};
};

struct StopCommand {};

using DriverCommand =
    std::variant<ExecuteCommand, CancelCommand, CompleteCommand, AddCommand, StopCommand>;

// One line, its end included, with the server's number.
std::string EncodeCommand(const DriverCommand& command, std::int64_t number);

// The first line of a command stream: what the server has stored.
std::string EncodeHello(std::int64_t acknowledged);

// The line that shows that the server is still there.
std::string EncodePing();

// --- Events, from the driver ---

struct StateEvent {
  SessionState state = SessionState::kStarting;
  std::string message = {};  // Why, if the driver is not well.
};

struct ApplicationEvent {
  std::string app_id = {};
  std::optional<std::string> ui_url = {};
  std::string spark_version = {};
};

struct StartedEvent {
  int id = 0;
  Statement::Time at = {};
};

struct ProgressEvent {
  int id = 0;
  double progress = 0;
};

struct OutputEvent {
  int id = 0;
  std::string text = {};  // Printed since the last one.
};

struct FinishedEvent {
  int id = 0;
  StatementState state = StatementState::kAvailable;
  Statement::Time at = {};
  std::chrono::microseconds ran = {};  // In the interpreter.
  std::string output_json = "null";    // As the driver wrote it; "null" if the statement never ran.
};

struct CompletionEvent {
  int id = 0;
  std::vector<std::string> candidates = {};
};

struct AddedEvent {
  int id = 0;
  std::string error = {};  // Empty if it was added.
};

// Of a kind that this version does not know; only its number counts.
struct UnknownEvent {};

struct DriverEvent {
  std::int64_t number = 0;
  std::variant<StateEvent, ApplicationEvent, StartedEvent, ProgressEvent, OutputEvent,
               FinishedEvent, CompletionEvent, AddedEvent, UnknownEvent>
      what = {};
};

// Reads the lines of one request. Fails with kInvalidArgument at the first line that is not an
// event.
Result<std::vector<DriverEvent>> DecodeEvents(std::string_view lines);

}  // namespace livy::internal
