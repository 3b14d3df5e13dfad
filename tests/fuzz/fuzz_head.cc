// Heads and chunked bodies of requests: whole, in pieces, and consistent with each other.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "http/chunk_decoder.h"
#include "http/request_head.h"

namespace {

using livy::internal::ChunkDecoder;
using livy::internal::HeadParser;
using livy::internal::NeedMore;
using livy::internal::RequestHead;

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  HeadParser whole({.target_bytes_max = 100, .header_bytes_max = 2000, .headers_max = 20});
  const auto at_once = whole.Parse(input);

  // What arrives byte by byte must be understood as what arrives at once.
  HeadParser piecewise({.target_bytes_max = 100, .header_bytes_max = 2000, .headers_max = 20});
  auto step = piecewise.Parse("");
  std::size_t seen = 0;
  while (std::holds_alternative<NeedMore>(step) && seen < size) {
    step = piecewise.Parse(input.substr(0, ++seen));
  }
  if (const auto* head = std::get_if<RequestHead>(&at_once)) {
    const auto* same = std::get_if<RequestHead>(&step);
    Require(same != nullptr && same->size == head->size && same->headers == head->headers);
    Require(head->size <= size && head->target.size() <= 100);
    Require(head->headers.size() <= 20);
    for (const livy::HttpHeader& header : head->headers) {
      Require(header.value.find_first_of("\r\n") == std::string::npos);
    }
  }

  constexpr std::size_t kBodyBytesMax = 1000;
  ChunkDecoder decoder(kBodyBytesMax);
  std::string_view rest = input;
  std::string body;
  const auto decoded = decoder.Decode(rest, body);
  Require(body.size() <= kBodyBytesMax && rest.size() <= size);
  Require(decoded != ChunkDecoder::State::kNeedMore || rest.empty());
  ChunkDecoder slow(kBodyBytesMax);
  auto state = ChunkDecoder::State::kNeedMore;
  std::string same;
  for (seen = 0; state == ChunkDecoder::State::kNeedMore && seen < size; ++seen) {
    std::string_view byte = input.substr(seen, 1);
    state = slow.Decode(byte, same);
  }
  Require(state == decoded && same == body);
  if (state == ChunkDecoder::State::kComplete) Require(size - rest.size() == seen);
  return 0;
}
