// LogBuffer: the last lines of an application's output.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <livy/launcher.h>

#include "launch/process_watcher.h"

namespace livy::internal {

// One thread at a time.
class LogBuffer {
 public:
  // Keeps `lines_max` lines of each stream.
  explicit LogBuffer(std::size_t lines_max) : lines_max_(lines_max) {}

  void Add(OutputStream stream, std::string line);

  // Shows `lines` as the first stream, and what was added to both as the second. What was there is
  // replaced; keeps the last `lines_max`.
  void SetDriverLog(std::vector<std::string> lines);

  // Shows `lines` at the end of the second stream, in the same way.
  void SetDriverTail(std::vector<std::string> lines);

  // Shows `lines` below `header`, at the end; what was there is replaced.
  void SetDiagnostics(std::string header, std::vector<std::string> lines);

  // As Application::Log(). Costs what the page holds, not what is kept.
  LogPage Page(int from, int size) const;

 private:
  std::vector<std::string> LastOf(std::vector<std::string> lines) const;
  const std::string& Line(std::size_t index) const;

  std::size_t lines_max_;
  std::deque<std::string> out_ = {};
  std::deque<std::string> err_ = {};
  std::optional<std::vector<std::string>> driver_ = {};
  std::vector<std::string> tail_ = {};
  std::vector<std::string> diagnostics_ = {};  // With their header; empty: none are shown.
};

}  // namespace livy::internal
