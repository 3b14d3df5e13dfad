// LogSlice: which lines of a log a page of it holds.
#pragma once

#include <string>
#include <vector>

#include <livy/launcher.h>

namespace livy::internal {

struct LogSlice {
  int from = 0;   // What the page says: beyond the end too, as in Apache Livy.
  int begin = 0;  // The lines from `begin` to before `end`, all of which there are.
  int end = 0;
};

// What Application::Log(from, size) means for a log of `total` lines.
LogSlice SliceLog(int total, int from, int size);

LogPage PageOfLog(const std::vector<std::string>& lines, int from, int size);

}  // namespace livy::internal
