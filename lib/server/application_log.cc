#include "server/application_log.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <livy/output.h>

#include "server/page_range.h"

namespace livy::internal {
namespace {

const std::vector<std::string> kHeaders = {"stdout: ", "\nstderr: "};

// About as much as the last lines that are kept of an application that runs.
constexpr int kRestoredBytes = 16 << 10;

// More of them say nothing new.
constexpr std::size_t kNotesMax = 100;

// Adds those of `lines` that belong into `page`, if the first of them is line `first` of the log
// and `page` may hold `count` in all.
void AddLines(const std::vector<std::string>& lines, std::int64_t first, std::int64_t count,
              LogPage& page) {
  const PageRange range = RangeOfPage(page.from - first, count, lines.size());
  page.lines.insert(page.lines.end(), lines.begin() + range.begin, lines.begin() + range.end);
}

}  // namespace

void LogNotes::Add(std::string_view line) {
  if (lines_.size() >= kNotesMax) lines_.erase(lines_.begin());
  lines_.emplace_back(line);
}

std::vector<std::string> RestoredLog(const ApplicationOutput& output,
                                     const Application* application) {
  const Result<OutputPage> page = output.Read(-kRestoredBytes, kRestoredBytes);
  if (!page || page->text.empty()) return {};
  std::string_view text = page->text;
  // It begins within a line, unless it is all that there is.
  if (page->offset > 0) text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    lines.emplace_back(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  std::vector<std::string> log;
  if (application != nullptr) log = application->Log(0, -1).lines;
  if (log.empty()) log = kHeaders;
  // Its launcher has none of them. Where the first stream is the driver's, they are in the second.
  const auto second = std::ranges::find(log, kHeaders[1]);
  const bool has_first = second != log.end() && second - log.begin() > 1;
  log.insert(has_first ? second + 1 : log.begin() + 1, lines.begin(), lines.end());
  return log;
}

LogPage LogOf(const Application* application, const std::vector<std::string>& notes, int from,
              int size) {
  if (application != nullptr && notes.empty()) return application->Log(from, size);
  const int written = application != nullptr ? application->Log(0, 0).total : 2;
  LogPage page = {.total = written + static_cast<int>(notes.size())};
  const int count = size < 0 ? page.total : size;
  page.from = from < 0 ? std::max(0, page.total - count) : from;
  if (application == nullptr) {
    AddLines(kHeaders, 0, count, page);
  } else if (page.from < written) {
    page.lines = application->Log(page.from, std::min(count, written - page.from)).lines;
  }
  AddLines(notes, written, count, page);
  return page;
}

}  // namespace livy::internal
