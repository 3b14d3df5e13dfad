#include "server/application_log.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace livy::internal {
namespace {

// More of them say nothing new.
constexpr std::size_t kNotesMax = 100;

// Adds those of `lines` that belong into `page`, if the first of them is line `first` of the log
// and `page` may hold `count` in all.
void AddLines(const std::vector<std::string>& lines, std::int64_t first, std::int64_t count,
              LogPage& page) {
  const auto total = static_cast<std::int64_t>(lines.size());
  const std::int64_t begin = std::clamp<std::int64_t>(page.from - first, 0, total);
  const std::int64_t end = std::clamp<std::int64_t>(page.from + count - first, begin, total);
  page.lines.insert(page.lines.end(), lines.begin() + begin, lines.begin() + end);
}

}  // namespace

void LogNotes::Add(std::string_view line) {
  if (lines_.size() >= kNotesMax) lines_.erase(lines_.begin());
  lines_.emplace_back(line);
}

LogPage LogOf(const Application* application, const std::vector<std::string>& notes, int from,
              int size) {
  if (application != nullptr && notes.empty()) return application->Log(from, size);
  const std::vector<std::string> headers = {"stdout: ", "\nstderr: "};
  const int written = application != nullptr ? application->Log(0, 0).total : 2;
  LogPage page = {.total = written + static_cast<int>(notes.size())};
  const int count = size < 0 ? page.total : size;
  page.from = from < 0 ? std::max(0, page.total - count) : from;
  if (application == nullptr) {
    AddLines(headers, 0, count, page);
  } else if (page.from < written) {
    page.lines = application->Log(page.from, std::min(count, written - page.from)).lines;
  }
  AddLines(notes, written, count, page);
  return page;
}

}  // namespace livy::internal
