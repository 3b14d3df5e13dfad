// PageRange: which entries of a list a page of it holds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace livy::internal {

// The entries from `begin` to before `end`, all of which there are.
struct PageRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// `from` may be negative, and then `size` is counted from there, as in Apache Livy.
inline PageRange RangeOfPage(std::int64_t from, std::int64_t size, std::size_t total) {
  const auto count = static_cast<std::int64_t>(total);
  const std::int64_t begin = std::clamp<std::int64_t>(from, 0, count);
  return {.begin = begin, .end = std::clamp<std::int64_t>(from + size, begin, count)};
}

}  // namespace livy::internal
