#include "http/chunk_decoder.h"

#include <algorithm>
#include <charconv>

#include "http/field_text.h"

namespace livy::internal {
namespace {

// One-byte chunks cost five bytes of framing for each byte of body; more has no honest reason.
constexpr std::size_t kFramingFactorMax = 8;
constexpr std::size_t kFramingBytesFree = 65536;

}  // namespace

bool ChunkDecoder::TakeSize(std::string_view line) {
  constexpr std::size_t kDigitsMax = 8;
  std::string_view digits = line.substr(0, line.find(';'));
  while (digits.ends_with(' ') || digits.ends_with('\t'))
    digits.remove_suffix(1);
  if (digits.empty() || digits.size() > kDigitsMax) return false;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), remaining_, 16);
  return error == std::errc() && end == digits.data() + digits.size();
}

ChunkDecoder::State ChunkDecoder::TakeLine(std::string_view line) {
  framing_bytes_ += line.size() + 2;
  // A lone CR or a NUL here is read differently by different programs.
  if (!IsFieldText(line)) return State::kMalformed;
  switch (part_) {
    case Part::kSize:
      if (!TakeSize(line)) return State::kMalformed;
      if (remaining_ > body_bytes_max_ - body_bytes_) return State::kTooLarge;
      body_bytes_ += remaining_;
      part_ = remaining_ == 0 ? Part::kTrailer : Part::kData;
      break;
    case Part::kDataEnd:
      if (!line.empty()) return State::kMalformed;
      part_ = Part::kSize;
      break;
    case Part::kTrailer:
      if (line.empty()) return State::kComplete;
      break;
    case Part::kData:
      return State::kMalformed;
  }
  const std::size_t framing_bytes_max = kFramingBytesFree + kFramingFactorMax * body_bytes_;
  return framing_bytes_ > framing_bytes_max ? State::kTooLarge : State::kNeedMore;
}

ChunkDecoder::State ChunkDecoder::Decode(std::string_view& input, std::string& body) {
  while (!input.empty()) {
    if (part_ == Part::kData) {
      const std::string_view data = input.substr(0, std::min(remaining_, input.size()));
      body += data;
      input.remove_prefix(data.size());
      remaining_ -= data.size();
      if (remaining_ == 0) part_ = Part::kDataEnd;
      continue;
    }
    std::string_view line;
    switch (lines_.Read(input, line)) {
      case LineReader::State::kLine:
        break;
      case LineReader::State::kNeedMore:
        return State::kNeedMore;
      case LineReader::State::kBadEnd:
      case LineReader::State::kTooLong:
        return State::kMalformed;
    }
    const State state = TakeLine(line);
    if (state != State::kNeedMore) return state;
  }
  return State::kNeedMore;
}

}  // namespace livy::internal
