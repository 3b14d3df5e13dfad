// Takes chunked bodies apart, of requests and of answers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "http/line_reader.h"

namespace livy::internal {

// Reads a body as its bytes arrive. One thread at a time.
class ChunkDecoder {
 public:
  enum class State { kNeedMore, kComplete, kMalformed, kTooLarge };

  // Bodies whose chunks hold more than `body_bytes_max` are too large.
  explicit ChunkDecoder(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  // Takes what belongs to the body off the front of `input` and appends what it says to `body`.
  // With kNeedMore nothing is left of the input. Extensions and trailers are read and forgotten.
  State Decode(std::string_view& input, std::string& body);

 private:
  enum class Part { kSize, kData, kDataEnd, kTrailer };

  // A size line holds at most 8 digits and an extension that nobody uses; trailers may be longer.
  static constexpr std::size_t kLineBytesMax = 4096;

  State TakeLine(std::string_view line);
  bool TakeSize(std::string_view line);

  std::size_t body_bytes_max_;
  LineReader lines_{kLineBytesMax};
  Part part_ = Part::kSize;
  std::size_t remaining_ = 0;      // Of the current chunk's data.
  std::size_t body_bytes_ = 0;     // Of all chunks that have begun.
  std::size_t framing_bytes_ = 0;  // Sizes, extensions and trailers.
};

}  // namespace livy::internal
