#include "launch/log_buffer.h"

#include <algorithm>
#include <utility>

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

LogPage LogBuffer::Page(int from, int size) const {
  const std::size_t total = out_.size() + err_.size() + 2;
  LogPage page{.from = from, .total = static_cast<int>(total)};
  if (from < 0) page.from = size < 0 ? 0 : std::max(0, page.total - size);

  // Beyond the end is an empty page that keeps its `from`, as in Apache Livy.
  const auto begin = std::min(static_cast<std::size_t>(page.from), total);
  const std::size_t count =
      size < 0 ? total - begin : std::min(static_cast<std::size_t>(size), total - begin);
  page.lines.reserve(count);
  for (std::size_t i = begin; i < begin + count; ++i)
    page.lines.push_back(Line(i));
  return page;
}

const std::string& LogBuffer::Line(std::size_t index) const {
  if (index == 0) return kOutHeader;
  if (index <= out_.size()) return out_[index - 1];
  if (index == out_.size() + 1) return kErrHeader;
  return err_[index - out_.size() - 2];
}

}  // namespace livy::internal
