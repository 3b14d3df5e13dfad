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

std::vector<std::string> LogBuffer::LastOf(std::vector<std::string> lines) const {
  if (lines.size() > lines_max_)
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(lines_max_));
  return lines;
}

void LogBuffer::SetDriverLog(std::vector<std::string> lines) {
  driver_ = LastOf(std::move(lines));
}

void LogBuffer::SetDriverTail(std::vector<std::string> lines) {
  tail_ = LastOf(std::move(lines));
}

void LogBuffer::SetDiagnostics(std::string header, std::vector<std::string> lines) {
  diagnostics_ = std::move(lines);
  diagnostics_.insert(diagnostics_.begin(), std::move(header));
}

LogPage LogBuffer::Page(int from, int size) const {
  const std::size_t driver = driver_ ? driver_->size() : 0;
  const int total =
      static_cast<int>(driver + out_.size() + err_.size() + tail_.size() + diagnostics_.size() + 2);
  const LogSlice slice = SliceLog(total, from, size);
  LogPage page{.from = slice.from, .total = total};
  page.lines.reserve(static_cast<std::size_t>(slice.end - slice.begin));
  for (int i = slice.begin; i < slice.end; ++i)
    page.lines.push_back(Line(static_cast<std::size_t>(i)));
  return page;
}

const std::string& LogBuffer::Line(std::size_t index) const {
  if (index == 0) return kOutHeader;
  const std::size_t first = driver_ ? driver_->size() : out_.size();
  if (index <= first) return driver_ ? (*driver_)[index - 1] : out_[index - 1];
  if (index == first + 1) return kErrHeader;
  std::size_t rest = index - first - 2;
  if (driver_) {
    if (rest < out_.size()) return out_[rest];
    rest -= out_.size();
  }
  if (rest < err_.size()) return err_[rest];
  rest -= err_.size();
  return rest < tail_.size() ? tail_[rest] : diagnostics_[rest - tail_.size()];
}

}  // namespace livy::internal
