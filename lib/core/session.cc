#include <livy/session.h>

#include "core/names.h"

namespace livy {
namespace {

using enum SessionState;

constexpr internal::NameTable<Kind, 5> kKinds = {{
    {Kind::kSpark, "spark"},
    {Kind::kPySpark, "pyspark"},
    {Kind::kSparkR, "sparkr"},
    {Kind::kSql, "sql"},
    {Kind::kShared, "shared"},
}};

constexpr internal::NameTable<SessionState, 11> kStates = {{
    {kNotStarted, "not_started"},
    {kStarting, "starting"},
    {kRecovering, "recovering"},
    {kIdle, "idle"},
    {kRunning, "running"},
    {kBusy, "busy"},
    {kShuttingDown, "shutting_down"},
    {kError, "error"},
    {kDead, "dead"},
    {kKilled, "killed"},
    {kSuccess, "success"},
}};

constexpr internal::NameTable<ResourceKind, 3> kResourceKinds = {{
    {ResourceKind::kJar, "jar"},
    {ResourceKind::kPyFile, "pyfile"},
    {ResourceKind::kFile, "file"},
}};

}  // namespace

std::string_view ToString(Kind kind) {
  return internal::NameOf(kKinds, kind);
}

std::optional<Kind> ParseKind(std::string_view text) {
  if (text == "scala") return Kind::kSpark;
  if (text == "python") return Kind::kPySpark;
  if (text == "r") return Kind::kSparkR;
  return internal::ValueOf(kKinds, text);
}

std::string_view ToString(ResourceKind kind) {
  return internal::NameOf(kResourceKinds, kind);
}

std::string_view ToString(SessionState state) {
  return internal::NameOf(kStates, state);
}

std::optional<SessionState> ParseSessionState(std::string_view text) {
  return internal::ValueOf(kStates, text);
}

bool CanMove(SessionState from, SessionState to) {
  if (from == to) return false;
  switch (from) {
    case kNotStarted:
    case kStarting:
    case kRecovering:
    case kIdle:
    case kRunning:
    case kBusy:
    case kError:
      // Nothing that has begun becomes unbegun, and only a restart of the server recovers.
      return to != kNotStarted && to != kRecovering &&
             (to != kStarting || from == kNotStarted || from == kRecovering);
    case kShuttingDown:
      return to == kDead || to == kKilled;
    case kDead:
    case kKilled:
    case kSuccess:
      return false;
  }
  return false;
}

bool IsActive(SessionState state) {
  switch (state) {
    case kNotStarted:
    case kStarting:
    case kRecovering:
    case kIdle:
    case kRunning:
    case kBusy:
    case kError:  // An interpreter died; the driver lives and other kinds can still be used.
      return true;
    case kShuttingDown:
    case kDead:
    case kKilled:
    case kSuccess:
      return false;
  }
  return false;
}

}  // namespace livy
