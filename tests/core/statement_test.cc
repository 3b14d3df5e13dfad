#include <livy/statement.h>

#include <algorithm>
#include <array>
#include <utility>

#include <doctest/doctest.h>

namespace livy {
namespace {

using enum StatementState;

constexpr std::array kAllStates = {kWaiting, kRunning, kAvailable, kCancelling, kCancelled};

// Every other pair is forbidden.
constexpr std::array<std::pair<StatementState, StatementState>, 5> kAllowedMoves = {{
    {kWaiting, kRunning},
    {kWaiting, kCancelled},
    {kRunning, kAvailable},
    {kRunning, kCancelling},
    {kCancelling, kCancelled},
}};

TEST_CASE("a statement makes the allowed moves and no other") {
  for (const StatementState from : kAllStates) {
    for (const StatementState to : kAllStates) {
      CAPTURE(ToString(from));
      CAPTURE(ToString(to));
      const bool allowed =
          std::ranges::find(kAllowedMoves, std::pair(from, to)) != kAllowedMoves.end();
      CHECK(CanMove(from, to) == allowed);
    }
  }
}

TEST_CASE("a statement's state is final exactly when no move leaves it") {
  for (const StatementState from : kAllStates) {
    CAPTURE(ToString(from));
    const bool can_leave =
        std::ranges::any_of(kAllStates, [&](StatementState to) { return CanMove(from, to); });
    CHECK(IsFinal(from) == !can_leave);
  }
}

TEST_CASE("statement states survive the way over the wire") {
  for (const StatementState state : kAllStates)
    CHECK(ParseStatementState(ToString(state)) == state);
  CHECK(ParseStatementState("error") == std::nullopt);
}

TEST_CASE("an output's text is the decoded text/plain, and empty without one") {
  StatementOutput output{.data = {{"text/plain", R"("a\nb")"}}};
  CHECK(output.text() == "a\nb");
  output.data = {{"application/json", "[1]"}};
  CHECK(output.text().empty());
  CHECK(output.json() == "[1]");
}

}  // namespace
}  // namespace livy
