#include "http/response_parser.h"

#include <algorithm>

#include "http/field_text.h"
#include "http/status.h"

namespace livy::internal {
namespace {

// A server may announce much and send little.
constexpr std::uint64_t kReservedBytesMax = 1 << 20;

}  // namespace

ResponseParser::ResponseParser(const ResponseLimits& limits, std::string_view method)
    : limits_(limits),
      is_head_request_(method == "HEAD"),
      lines_(limits.header_bytes_max),
      chunks_(limits.body_bytes_max) {}

ResponseParser::State ResponseParser::Fail(std::string_view problem) {
  problem_ = problem;
  return State::kMalformed;
}

ResponseParser::State ResponseParser::Read(std::string_view& input) {
  while (part_ != Part::kComplete) {
    if (input.empty()) return State::kNeedMore;
    State state = State::kNeedMore;
    switch (part_) {
      case Part::kStatus:
      case Part::kHeaders:
        state = ReadLine(input);
        break;
      case Part::kLength:
        state = ReadLength(input);
        break;
      case Part::kChunks:
        state = ReadChunks(input);
        break;
      case Part::kUntilEnd:
        state = ReadUntilEnd(input);
        break;
      case Part::kComplete:
        break;
    }
    if (state != State::kNeedMore) return state;
  }
  return State::kComplete;
}

ResponseParser::State ResponseParser::ReadEnd() {
  if (part_ != Part::kUntilEnd) return Fail("it breaks off");
  part_ = Part::kComplete;
  return State::kComplete;
}

// ---- The head.

ResponseParser::State ResponseParser::ReadLine(std::string_view& input) {
  const std::size_t before = input.size();
  std::string_view line;
  const LineReader::State state = lines_.Read(input, line);
  head_bytes_ += before - input.size();
  if (state == LineReader::State::kTooLong || head_bytes_ > limits_.header_bytes_max) {
    return State::kHeadTooLarge;
  }
  if (state == LineReader::State::kNeedMore) return State::kNeedMore;
  if (state == LineReader::State::kBadEnd) return Fail("a line of its head ends badly");
  if (part_ == Part::kStatus) return TakeStatus(line);
  return line.empty() ? EndHead() : TakeHeader(line);
}

ResponseParser::State ResponseParser::TakeStatus(std::string_view line) {
  constexpr std::string_view kVersion = "HTTP/1.";
  constexpr std::size_t kStatusAt = 9;
  constexpr std::size_t kStatusEnd = 12;
  const bool has_version = line.starts_with(kVersion) && line.size() >= kStatusEnd &&
                           (line[7] == '0' || line[7] == '1') && line[8] == ' ';
  if (!has_version || (line.size() > kStatusEnd && line[kStatusEnd] != ' ') || !IsFieldText(line)) {
    return Fail("it does not begin as one of HTTP/1.1");
  }
  int status = 0;
  for (const char digit : line.substr(kStatusAt, 3)) {
    if (digit < '0' || digit > '9') return Fail("its status is no number");
    status = status * 10 + (digit - '0');
  }
  // 101 changes the protocol, which nobody has asked for.
  if (status < 100 || status == 101) return Fail("its status means nothing here");
  response_.status = status;
  is_http_1_0_ = line[7] == '0';
  keeps_alive_ = !is_http_1_0_;
  part_ = Part::kHeaders;
  return State::kNeedMore;
}

ResponseParser::State ResponseParser::TakeHeader(std::string_view line) {
  if (response_.headers.size() >= static_cast<std::size_t>(std::max(limits_.headers_max, 0))) {
    return State::kHeadTooLarge;
  }
  if (line.front() == ' ' || line.front() == '\t') return Fail("a header is folded");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Fail("a header has no colon");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = TrimField(line.substr(colon + 1));
  if (!IsToken(name) || !IsFieldText(value)) return Fail("a header contains what none may");
  const State state = TakeFraming(name, value);
  if (state == State::kNeedMore) {
    response_.headers.push_back({std::string(name), std::string(value)});
  }
  return state;
}

// Notes the headers that decide where the answer ends.
ResponseParser::State ResponseParser::TakeFraming(std::string_view name, std::string_view value) {
  if (EqualsIgnoringCase(name, "content-length")) {
    const std::uint64_t before = length_;
    if (!TakeLength(value)) return Fail("its Content-Length is no length");
    if (has_length_ && length_ != before) return Fail("it has two Content-Lengths");
    has_length_ = true;
  } else if (EqualsIgnoringCase(name, "transfer-encoding")) {
    if (is_chunked_) return Fail("it has two Transfer-Encodings");
    if (!EqualsIgnoringCase(value, "chunked")) return Fail("its Transfer-Encoding is not known");
    is_chunked_ = true;
  } else if (EqualsIgnoringCase(name, "connection")) {
    if (FieldListHas(value, "close")) keeps_alive_ = false;
    if (is_http_1_0_ && FieldListHas(value, "keep-alive")) keeps_alive_ = true;
  }
  return State::kNeedMore;
}

bool ResponseParser::TakeLength(std::string_view value) {
  constexpr std::size_t kDigitsMax = 18;  // Less than 2^63.
  length_ = 0;
  if (value.empty() || value.size() > kDigitsMax) return false;
  for (const char digit : value) {
    if (digit < '0' || digit > '9') return false;
    length_ = length_ * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return true;
}

ResponseParser::State ResponseParser::EndHead() {
  if (is_chunked_ && has_length_) return Fail("it has Content-Length and Transfer-Encoding");
  if (is_chunked_ && is_http_1_0_) return Fail("it has a Transfer-Encoding in HTTP/1.0");
  if (response_.status < 200) {
    // The final answer follows.
    response_ = {};
    has_length_ = is_chunked_ = false;
    length_ = 0;
    part_ = Part::kStatus;
    return State::kNeedMore;
  }
  if (is_head_request_ || IsBodiless(response_.status)) {
    part_ = Part::kComplete;
  } else if (is_chunked_) {
    part_ = Part::kChunks;
  } else if (has_length_) {
    if (length_ > limits_.body_bytes_max) return State::kBodyTooLarge;
    response_.body.reserve(static_cast<std::size_t>(std::min(length_, kReservedBytesMax)));
    part_ = length_ > 0 ? Part::kLength : Part::kComplete;
  } else {
    keeps_alive_ = false;
    part_ = Part::kUntilEnd;
  }
  return part_ == Part::kComplete ? State::kComplete : State::kNeedMore;
}

// ---- The body.

ResponseParser::State ResponseParser::ReadLength(std::string_view& input) {
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(length_, input.size()));
  response_.body += input.substr(0, size);
  input.remove_prefix(size);
  length_ -= size;
  if (length_ > 0) return State::kNeedMore;
  part_ = Part::kComplete;
  return State::kComplete;
}

ResponseParser::State ResponseParser::ReadChunks(std::string_view& input) {
  switch (chunks_.Decode(input, response_.body)) {
    case ChunkDecoder::State::kNeedMore:
      return State::kNeedMore;
    case ChunkDecoder::State::kComplete:
      part_ = Part::kComplete;
      return State::kComplete;
    case ChunkDecoder::State::kMalformed:
      break;
    case ChunkDecoder::State::kTooLarge:
      return State::kBodyTooLarge;
  }
  return Fail("a chunk of its body is malformed");
}

ResponseParser::State ResponseParser::ReadUntilEnd(std::string_view& input) {
  if (input.size() > limits_.body_bytes_max - length_) return State::kBodyTooLarge;
  length_ += input.size();
  response_.body += input;
  input = {};
  return State::kNeedMore;
}

}  // namespace livy::internal
