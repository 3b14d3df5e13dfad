#include "launch/line_buffer.h"

#include <algorithm>
#include <utility>

namespace livy::internal {

void LineBuffer::Append(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    if (std::exchange(after_return_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view piece = bytes.substr(0, end);
    line_.append(piece.substr(0, line_bytes_max_ - line_.size()));
    any_ = true;
    if (end == std::string_view::npos) return;
    after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    Finish(sink);
  }
}

void LineBuffer::Finish(const Sink& sink) {
  if (!std::exchange(any_, false)) return;
  sink(std::exchange(line_, {}));
}

}  // namespace livy::internal
