#include "core/duration.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::array<std::pair<std::string_view, microseconds>, 8> kUnits = {{
    {"", milliseconds(1)},
    {"us", microseconds(1)},
    {"ms", milliseconds(1)},
    {"s", std::chrono::seconds(1)},
    {"m", std::chrono::minutes(1)},
    {"min", std::chrono::minutes(1)},
    {"h", std::chrono::hours(1)},
    {"d", std::chrono::hours(24)},
}};

Error Invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

std::string TrimmedLower(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return "";
  text = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace

Result<milliseconds> ParseDuration(std::string_view text) {
  const std::string lower = TrimmedLower(text);
  const char* end = lower.data() + lower.size();
  std::int64_t count = 0;
  const auto [stopped, failure] = std::from_chars(lower.data(), end, count);
  const std::string_view unit(stopped, static_cast<std::size_t>(end - stopped));
  if (failure != std::errc() || unit.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != unit.npos) {
    return Invalid(fmt::format("Invalid time string: {}", text));
  }
  if (count < 0) return Invalid(fmt::format("Invalid value: {}", count));
  for (const auto& [name, length] : kUnits) {
    if (name != unit) continue;
    if (count > std::numeric_limits<std::int64_t>::max() / 1000 / length.count()) {
      return Invalid(fmt::format("Invalid time string: {}", text));
    }
    return std::chrono::duration_cast<milliseconds>(count * length);
  }
  return Invalid(fmt::format("Invalid suffix: \"{}\"", unit));
}

std::string FormatDuration(milliseconds time) {
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    if (unit->first != "min" && time.count() != 0 && time % unit->second == milliseconds(0)) {
      return fmt::format("{}{}", time / unit->second, unit->first);
    }
  }
  return fmt::format("{}ms", time.count());
}

}  // namespace livy::internal
