// Apache Livy's way of writing a length of time, such as "90s" or "1h".
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <livy/result.h>

namespace livy::internal {

// Digits and one of the units us, ms, s, m, min, h, d, in any case, with blanks around them; no
// unit means milliseconds. Microseconds are rounded down. Fails with kInvalidArgument and Livy's
// own words.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);

// In the largest of these units that is exact: "90s", "1h".
std::string FormatDuration(std::chrono::milliseconds time);

}  // namespace livy::internal
