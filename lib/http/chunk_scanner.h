// Finds where a chunked body ends, without taking it apart.
#pragma once

#include <cstddef>
#include <string_view>

namespace livy::internal {

// Lets a connection wait for a whole body without a thread; decoding is cpp-httplib's
// (body_reader). One thread at a time.
class ChunkScanner {
 public:
  enum class State { kNeedMore, kComplete, kMalformed, kTooLarge };

  // Bodies whose chunks hold more than `body_bytes_max` are too large.
  explicit ChunkScanner(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  // `input` is the body as received so far: the same bytes as before and more.
  State Scan(std::string_view input);

  // Once complete: where the last, empty chunk begins, and where the body with its trailers ends.
  std::size_t last_chunk() const { return last_chunk_; }
  std::size_t end() const { return at_; }

 private:
  enum class Part { kSize, kData, kDataEnd, kTrailer };

  State TakeLine(std::string_view line);
  bool TakeSize(std::string_view line);

  std::size_t body_bytes_max_;
  Part part_ = Part::kSize;
  std::size_t at_ = 0;         // Everything before this offset is understood.
  std::size_t searched_ = 0;   // No end of line between at_ and this offset.
  std::size_t remaining_ = 0;  // Of the current chunk's data.
  std::size_t body_bytes_ = 0;
  std::size_t framing_bytes_ = 0;  // Sizes, extensions and trailers.
  std::size_t last_chunk_ = 0;
};

}  // namespace livy::internal
