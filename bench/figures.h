// Figures that a measuring program prints, as members of one JSON object for bench/run to read.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace livy::bench {

using Times = std::vector<std::chrono::nanoseconds>;

// The time that `share` (0 to 1) of all times do not exceed. `sorted` is not empty.
inline double Millis(const Times& sorted, double share) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return static_cast<double>(sorted[static_cast<std::size_t>(share * last)].count()) / 1e6;
}

// Such as `"name":{"count":200,"min":0.52,"median":0.61,"p95":1.2}`, in milliseconds.
inline std::string Figures(std::string_view name, Times times) {
  if (times.empty()) return fmt::format(R"("{}":{{"count":0}})", name);
  std::ranges::sort(times);
  return fmt::format(R"("{}":{{"count":{},"min":{:.3f},"median":{:.3f},"p95":{:.3f}}})", name,
                     times.size(), Millis(times, 0), Millis(times, 0.5), Millis(times, 0.95));
}

}  // namespace livy::bench
