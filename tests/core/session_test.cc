#include <livy/session.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <doctest/doctest.h>

namespace livy {
namespace {

using enum SessionState;

constexpr std::array kAllStates = {kNotStarted,   kStarting, kRecovering, kIdle,   kRunning, kBusy,
                                   kShuttingDown, kError,    kDead,       kKilled, kSuccess};

// The moves of a session and of a batch; every other pair is forbidden.
const std::map<SessionState, std::set<SessionState>> kAllowedMoves = {
    {kNotStarted,
     {kStarting, kIdle, kRunning, kBusy, kShuttingDown, kError, kDead, kKilled, kSuccess}},
    {kStarting, {kIdle, kRunning, kBusy, kShuttingDown, kError, kDead, kKilled, kSuccess}},
    {kRecovering,
     {kStarting, kIdle, kRunning, kBusy, kShuttingDown, kError, kDead, kKilled, kSuccess}},
    {kIdle, {kRunning, kBusy, kShuttingDown, kError, kDead, kKilled, kSuccess}},
    {kRunning, {kIdle, kBusy, kShuttingDown, kError, kDead, kKilled, kSuccess}},
    {kBusy, {kIdle, kRunning, kShuttingDown, kError, kDead, kKilled, kSuccess}},
    {kError, {kIdle, kRunning, kBusy, kShuttingDown, kDead, kKilled, kSuccess}},
    {kShuttingDown, {kDead, kKilled}},
    {kDead, {}},
    {kKilled, {}},
    {kSuccess, {}},
};

TEST_CASE("a session makes the allowed moves and no other") {
  for (const SessionState from : kAllStates) {
    for (const SessionState to : kAllStates) {
      CAPTURE(ToString(from));
      CAPTURE(ToString(to));
      CHECK(CanMove(from, to) == kAllowedMoves.at(from).contains(to));
    }
  }
}

TEST_CASE("a session that is not active never becomes active again") {
  for (const SessionState from : kAllStates) {
    for (const SessionState to : kAllStates) {
      CAPTURE(ToString(from));
      CAPTURE(ToString(to));
      if (!IsActive(from) && CanMove(from, to)) CHECK_FALSE(IsActive(to));
    }
  }
}

TEST_CASE("session states and kinds survive the way over the wire") {
  for (const SessionState state : kAllStates)
    CHECK(ParseSessionState(ToString(state)) == state);
  for (const Kind kind : {Kind::kSpark, Kind::kPySpark, Kind::kSparkR, Kind::kSql, Kind::kShared}) {
    CHECK(ParseKind(ToString(kind)) == kind);
  }
}

TEST_CASE("kinds have aliases and are case sensitive") {
  CHECK(ParseKind("scala") == Kind::kSpark);
  CHECK(ParseKind("python") == Kind::kPySpark);
  CHECK(ParseKind("r") == Kind::kSparkR);
  for (const char* unknown : {"SQL", "pyspark3", "", "ruby"})
    CHECK_FALSE(ParseKind(unknown));
}

}  // namespace
}  // namespace livy
