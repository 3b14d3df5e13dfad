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

// The log of an application that an earlier server has launched: the last lines of what it wrote
// then, and what its cluster tells since. Empty if nothing is kept of it. `application` may be
// null.
std::vector<std::string> RestoredLog(const ApplicationOutput& output,
                                     const Application* application);

// A page of both together, as Application::Log() has it. `application` may be null.
LogPage LogOf(const Application* application, const std::vector<std::string>& notes, int from,
              int size);

}  // namespace livy::internal
