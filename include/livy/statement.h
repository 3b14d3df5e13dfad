// Values of statements: code to run in a session, and what came of it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <livy/session.h>

namespace livy {

// A statement that fails is `available` too: its output carries the failure. The REST
// documentation of Apache Livy also lists `error`, which its server never sends.
enum class StatementState { kWaiting, kRunning, kAvailable, kCancelling, kCancelled };

// The name on the wire, such as "waiting".
std::string_view ToString(StatementState state);

std::optional<StatementState> ParseStatementState(std::string_view text);

// Whether a statement in `from` may become `to`; no state may become itself.
bool CanMove(StatementState from, StatementState to);

// Whether no further move is possible, so that a waiting caller can stop.
bool IsFinal(StatementState state);

struct StatementRequest {
  std::string code = {};
  std::optional<Kind> kind = {};  // Unset: the session's kind.
  // Rows of its result, 1 to 1000000. Unset: as the session has it. Apache Livy refuses a statement
  // that has this.
  std::optional<int> rows_max = {};

  bool operator==(const StatementRequest&) const = default;
};

// What a statement gave: values by MIME type, or a failure of the code.
struct StatementOutput {
  bool ok = true;
  int execution_count = 0;
  // MIME type to JSON text; for "text/plain" and "image/png" that text is a JSON string.
  std::map<std::string, std::string> data = {};
  std::string ename = {};  // This and the next two: only if not ok.
  std::string evalue = {};
  std::vector<std::string> traceback = {};
  std::string stdout_text = {};  // What the code printed before it failed. liblivy's servers only.
  bool truncated = false;        // The output was longer and was cut. liblivy's servers only.

  // The value under "text/plain" as text; empty if there is none.
  std::string text() const;

  // The JSON text under "application/json"; nullopt if there is none.
  std::optional<std::string> json() const;

  bool operator==(const StatementOutput&) const = default;
};

struct Statement {
  using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

  int id = 0;
  std::string code = {};
  StatementState state = StatementState::kWaiting;
  std::optional<StatementOutput> output = {};  // Unset until the statement ends.
  std::string printed = {};  // By code that still runs, so far. liblivy's servers only.
  double progress = 0;       // 0 to 1.
  std::optional<Time> started = {};
  std::optional<Time> completed = {};

  bool operator==(const Statement&) const = default;
};

}  // namespace livy
