#include "core/log_slice.h"

#include <algorithm>

namespace livy::internal {

LogSlice SliceLog(int total, int from, int size) {
  LogSlice slice = {.from = from};
  if (from < 0) slice.from = size < 0 ? 0 : std::max(0, total - size);
  slice.begin = std::min(slice.from, total);
  slice.end = size < 0 ? total : slice.begin + std::min(size, total - slice.begin);
  return slice;
}

LogPage PageOfLog(const std::vector<std::string>& lines, int from, int size) {
  const int total = static_cast<int>(lines.size());
  const LogSlice slice = SliceLog(total, from, size);
  return {.from = slice.from,
          .total = total,
          .lines = {lines.begin() + slice.begin, lines.begin() + slice.end}};
}

}  // namespace livy::internal
