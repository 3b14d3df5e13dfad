// LineBuffer: bytes in, lines out.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace livy::internal {

// Lines end with "\n", "\r\n" or "\r", as Java's readLine() has it. Bytes that are not UTF-8 are
// left as they are. One thread at a time.
class LineBuffer {
 public:
  using Sink = std::function<void(std::string line)>;

  // What a line has beyond `line_bytes_max` is dropped.
  explicit LineBuffer(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  // Hands `sink` each line that these bytes complete.
  void Append(std::string_view bytes, const Sink& sink);

  // Hands over what came after the last end of a line, if anything did.
  void Finish(const Sink& sink);

 private:
  std::size_t line_bytes_max_;
  std::string line_ = {};
  bool any_ = false;           // Whether a line has begun.
  bool after_return_ = false;  // Whether "\n" would belong to the line end before it.
};

}  // namespace livy::internal
