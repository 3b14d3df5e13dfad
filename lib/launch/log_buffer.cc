#include "launch/log_buffer.h"

#include <utility>

#include "core/log_slice.h"

namespace livy::internal {
namespace {

// Elements of the list like any other; clients know these very texts, the line feed included.
const std::string kOutHeader = "stdout: ";
const std::string kErrHeader = "\nstderr: ";

}  // namespace

void LogBuffer::Add(OutputStream stream, std::string line) {
  std::deque<std::string>& lines = stream == OutputStream::kOut ? out_ : err_;
  if (lines_max_ == 0) return;
  if (lines.size() == lines_max_) lines.pop_front();
  lines.push_back(std::move(line));
}

void LogBuffer::SetDiagnostics(std::string header, std::vector<std::string> lines) {
  diagnostics_ = std::move(lines);
  diagnostics_.insert(diagnostics_.begin(), std::move(header));
}

LogPage LogBuffer::Page(int from, int size) const {
  const int total = static_cast<int>(out_.size() + err_.size() + diagnostics_.size() + 2);
  const LogSlice slice = SliceLog(total, from, size);
  LogPage page{.from = slice.from, .total = total};
  page.lines.reserve(static_cast<std::size_t>(slice.end - slice.begin));
  for (int i = slice.begin; i < slice.end; ++i)
    page.lines.push_back(Line(static_cast<std::size_t>(i)));
  return page;
}

const std::string& LogBuffer::Line(std::size_t index) const {
  if (index == 0) return kOutHeader;
  if (index <= out_.size()) return out_[index - 1];
  if (index == out_.size() + 1) return kErrHeader;
  const std::size_t rest = index - out_.size() - 2;
  return rest < err_.size() ? err_[rest] : diagnostics_[rest - err_.size()];
}

}  // namespace livy::internal
