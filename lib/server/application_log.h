// The log of a session or a batch: what its application wrote, and below it what the server adds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <livy/launcher.h>

#include "server/application_output.h"

namespace livy::internal {

// Lines that the server adds; of too many the oldest go. For one thread at a time.
class LogNotes {
 public:
  void Add(std::string_view line);
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

// The last lines of what an application wrote under an earlier server, as a log of its own; empty
// if nothing is kept of it.
std::vector<std::string> RestoredLog(const ApplicationOutput& output);

// A page of both together, as Application::Log() has it. `application` may be null.
LogPage LogOf(const Application* application, const std::vector<std::string>& notes, int from,
              int size);

}  // namespace livy::internal
