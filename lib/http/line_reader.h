// LineReader: lines that end with CR and LF, out of bytes that arrive in pieces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace livy::internal {

// One thread at a time.
class LineReader {
 public:
  enum class State { kLine, kNeedMore, kBadEnd, kTooLong };

  // Lines of more than `bytes_max`, with their ends, are too long.
  explicit LineReader(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Takes what belongs to the line off the front of `input`; all of it if the line goes on. With
  // kLine, `line` is the line without its end, until the next call and as long as the input lives.
  // kBadEnd: it ends with LF alone.
  State Read(std::string_view& input, std::string_view& line);

 private:
  std::size_t bytes_max_;
  std::string partial_ = {};  // What came of the line in earlier calls.
  bool is_complete_ = false;  // What is in partial_ was returned.
};

}  // namespace livy::internal
