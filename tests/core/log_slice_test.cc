#include "core/log_slice.h"

#include <limits>

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

TEST_CASE("a page of a log is counted from its beginning, or from its end, and never goes beyond") {
  constexpr int kHuge = std::numeric_limits<int>::max();
  struct Row {
    int from;
    int size;
    LogSlice slice;
  };
  const Row rows[] = {
      {0, 2, {0, 0, 2}},     {1, 2, {1, 1, 3}},   {3, 9, {3, 3, 5}},
      {5, 1, {5, 5, 5}},     {9, 2, {9, 5, 5}},   {0, 0, {0, 0, 0}},
      {0, -1, {0, 0, 5}},    {3, -1, {3, 3, 5}},  {9, -1, {9, 5, 5}},
      {-1, 2, {3, 3, 5}},    {-7, 2, {3, 3, 5}},  {-1, 9, {0, 0, 5}},
      {-1, 0, {5, 5, 5}},    {-1, -1, {0, 0, 5}}, {kHuge, kHuge, {kHuge, 5, 5}},
      {1, kHuge, {1, 1, 5}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.from);
    CAPTURE(row.size);
    const LogSlice slice = SliceLog(5, row.from, row.size);
    CHECK(slice.from == row.slice.from);
    CHECK(slice.begin == row.slice.begin);
    CHECK(slice.end == row.slice.end);
  }
}

TEST_CASE("a page has the lines of its slice") {
  const LogPage page = PageOfLog({"a", "b", "c"}, -1, 2);
  CHECK(page.from == 1);
  CHECK(page.total == 3);
  CHECK(page.lines == std::vector<std::string>{"b", "c"});
}

}  // namespace
}  // namespace livy::internal
