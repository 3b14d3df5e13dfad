#include "http/line_reader.h"

namespace livy::internal {

LineReader::State LineReader::Read(std::string_view& input, std::string_view& line) {
  if (is_complete_) partial_.clear();
  is_complete_ = false;
  const std::size_t end = input.find('\n');
  const std::string_view part = input.substr(0, end == std::string_view::npos ? end : end + 1);
  if (part.size() > bytes_max_ - partial_.size()) return State::kTooLong;
  input.remove_prefix(part.size());
  if (end == std::string_view::npos) {
    partial_ += part;
    return State::kNeedMore;
  }
  line = part;
  if (!partial_.empty()) {
    partial_ += part;
    line = partial_;
  }
  is_complete_ = true;
  if (!line.ends_with("\r\n")) return State::kBadEnd;
  line.remove_suffix(2);
  return State::kLine;
}

}  // namespace livy::internal
