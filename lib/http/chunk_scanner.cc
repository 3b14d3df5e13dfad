#include "http/chunk_scanner.h"

#include <algorithm>
#include <charconv>

namespace livy::internal {
namespace {

// A size line holds at most 8 digits and an extension that nobody uses.
constexpr std::size_t kLineBytesMax = 256;
// One-byte chunks cost six bytes of framing for each byte of body; more has no honest reason.
constexpr std::size_t kFramingFactorMax = 8;
constexpr std::size_t kFramingBytesFree = 65536;

}  // namespace

bool ChunkScanner::TakeSize(std::string_view line) {
  constexpr std::size_t kDigitsMax = 8;
  std::string_view digits = line.substr(0, line.find(';'));
  while (digits.ends_with(' ') || digits.ends_with('\t'))
    digits.remove_suffix(1);
  if (digits.empty() || digits.size() > kDigitsMax) return false;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), remaining_, 16);
  return error == std::errc() && end == digits.data() + digits.size();
}

ChunkScanner::State ChunkScanner::TakeLine(std::string_view line) {
  framing_bytes_ += line.size() + 2;
  if (framing_bytes_ > kFramingBytesFree + kFramingFactorMax * body_bytes_) return State::kTooLarge;
  switch (part_) {
    case Part::kSize:
      last_chunk_ = at_;
      if (!TakeSize(line)) return State::kMalformed;
      body_bytes_ += remaining_;
      if (body_bytes_ > body_bytes_max_) return State::kTooLarge;
      part_ = remaining_ == 0 ? Part::kTrailer : Part::kData;
      return State::kNeedMore;
    case Part::kDataEnd:
      part_ = Part::kSize;
      return line.empty() ? State::kNeedMore : State::kMalformed;
    case Part::kTrailer:
      return line.empty() ? State::kComplete : State::kNeedMore;
    case Part::kData:
      break;
  }
  return State::kMalformed;
}

ChunkScanner::State ChunkScanner::Scan(std::string_view input) {
  while (true) {
    if (part_ == Part::kData) {
      const std::size_t taken = std::min(remaining_, input.size() - at_);
      at_ += taken;
      remaining_ -= taken;
      if (remaining_ > 0) return State::kNeedMore;
      part_ = Part::kDataEnd;
    }
    const std::size_t end = input.find('\n', std::max(at_, searched_));
    if (end == std::string_view::npos) {
      searched_ = input.size();
      return input.size() - at_ > kLineBytesMax ? State::kMalformed : State::kNeedMore;
    }
    if (end == at_ || input[end - 1] != '\r' || end - at_ > kLineBytesMax) {
      return State::kMalformed;
    }
    const State state = TakeLine(input.substr(at_, end - 1 - at_));
    at_ = end + 1;
    if (state != State::kNeedMore) return state;
  }
}

}  // namespace livy::internal
