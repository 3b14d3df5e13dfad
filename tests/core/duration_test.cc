#include "core/duration.h"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

using std::chrono::milliseconds;

TEST_CASE("a length of time is digits and a unit, in any case and with blanks around it") {
  struct Row {
    const char* text;
    std::int64_t millis;
  };
  const Row rows[] = {{"5", 5},           {"5ms", 5},        {" 90S ", 90'000},
                      {"2m", 120'000},    {"2min", 120'000}, {"1h", 3'600'000},
                      {"1d", 86'400'000}, {"1999us", 1},     {"0", 0}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(ParseDuration(row.text).value() == milliseconds(row.millis));
  }
}

TEST_CASE("a length of time is written in the largest unit that is exact") {
  CHECK(FormatDuration(std::chrono::hours(48)) == "2d");
  CHECK(FormatDuration(std::chrono::hours(25)) == "25h");
  CHECK(FormatDuration(std::chrono::minutes(2)) == "2m");
  CHECK(FormatDuration(std::chrono::seconds(90)) == "90s");
  CHECK(FormatDuration(milliseconds(1500)) == "1500ms");
  CHECK(FormatDuration(milliseconds(0)) == "0ms");
}

TEST_CASE("a wrong length of time is refused in Livy's words") {
  struct Row {
    const char* text;
    const char* message;
  };
  const Row rows[] = {
      {"abc", "Invalid time string: abc"},
      {"", "Invalid time string: "},
      {"1 h", "Invalid time string: 1 h"},
      {"1.5h", "Invalid time string: 1.5h"},
      {"5x", "Invalid suffix: \"x\""},
      {"-1", "Invalid value: -1"},
      {"99999999999999999999", "Invalid time string: 99999999999999999999"},
      {"9000000000000d", "Invalid time string: 9000000000000d"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Result<milliseconds> time = ParseDuration(row.text);
    REQUIRE_FALSE(time);
    CHECK(time.error().message == row.message);
  }
}

}  // namespace
}  // namespace livy::internal
