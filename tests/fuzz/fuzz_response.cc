// Answers of servers: whole, byte by byte, and within their bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/response_parser.h"

namespace {

using livy::internal::ResponseLimits;
using livy::internal::ResponseParser;
using State = ResponseParser::State;

constexpr ResponseLimits kLimits = {
    .header_bytes_max = 2000, .headers_max = 20, .body_bytes_max = 1000};

void Require(bool condition) {
  if (!condition) std::abort();
}

void Check(std::string_view input, std::string_view method) {
  ResponseParser whole(kLimits, method);
  std::string_view rest = input;
  const State at_once = whole.Read(rest);
  Require(rest.size() <= input.size());
  Require(at_once != State::kNeedMore || rest.empty());
  Require((at_once == State::kMalformed) == !whole.problem().empty());
  Require(whole.response().body.size() <= kLimits.body_bytes_max);
  Require(whole.response().headers.size() <= static_cast<std::size_t>(kLimits.headers_max));
  for (const livy::HttpHeader& header : whole.response().headers) {
    Require(!header.name.empty());
    Require(header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  }

  // What arrives byte by byte must be understood as what arrives at once.
  ResponseParser piecewise(kLimits, method);
  State state = State::kNeedMore;
  std::size_t seen = 0;
  for (; state == State::kNeedMore && seen < input.size(); ++seen) {
    std::string_view byte = input.substr(seen, 1);
    state = piecewise.Read(byte);
  }
  Require(state == at_once);
  Require(state != State::kComplete || seen == input.size() - rest.size());
  if (state != State::kComplete && state != State::kNeedMore) return;
  Require(piecewise.response().status == whole.response().status);
  Require(piecewise.response().headers == whole.response().headers);
  Require(piecewise.response().body == whole.response().body);
  Require(piecewise.keeps_alive() == whole.keeps_alive());
  if (state == State::kNeedMore) Require(piecewise.ReadEnd() == whole.ReadEnd());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Check(input, "GET");
  Check(input, "HEAD");
  return 0;
}
