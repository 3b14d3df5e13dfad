#include "http/chunk_decoder.h"

#include <string>

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

using State = ChunkDecoder::State;

TEST_CASE("a chunked body is understood the same in one piece and byte by byte") {
  struct Row {
    std::string input;
    State state;
    std::string body;
    std::string rest;
  };
  const std::string eight(8, 'x');
  const Row rows[] = {
      {"0\r\n\r\n", State::kComplete, "", ""},
      {"3\r\nabc\r\n0\r\n\r\nGET /", State::kComplete, "abc", "GET /"},
      {"3;a=b\r\nabc\r\nA \t;c\r\n0123456789\r\n00\r\n\r\n", State::kComplete, "abc0123456789", ""},
      {"00000008\r\n" + eight + "\r\n0;last\r\nA: b\r\nC: d\r\n\r\n", State::kComplete, eight, ""},
      {"2\r\n\r\n\r\n0\r\n\r\n", State::kComplete, "\r\n", ""},
      {"", State::kNeedMore, "", ""},
      {"a", State::kNeedMore, "", ""},
      {"3\r\nab", State::kNeedMore, "ab", ""},
      {"3\r\nabc\r", State::kNeedMore, "abc", ""},
      {"0\r\nA: b\r\n", State::kNeedMore, "", ""},
      // No size.
      {"\r\n", State::kMalformed, "", ""},
      {";a\r\n", State::kMalformed, "", ""},
      {"xyz\r\n", State::kMalformed, "", ""},
      {"3 3\r\nabc\r\n", State::kMalformed, "", "abc\r\n"},
      {" 3\r\nabc\r\n", State::kMalformed, "", "abc\r\n"},
      {"0x3\r\nabc\r\n", State::kMalformed, "", "abc\r\n"},
      {"+3\r\nabc\r\n", State::kMalformed, "", "abc\r\n"},
      {"-3\r\nabc\r\n", State::kMalformed, "", "abc\r\n"},
      {"ffffffffffffffff\r\n", State::kMalformed, "", ""},
      {"000000003\r\nabc\r\n", State::kMalformed, "", "abc\r\n"},
      // The data do not end where they should.
      {"3\r\nabcd\r\n", State::kMalformed, "abc", ""},
      {"3\r\nabc0\r\n\r\n", State::kMalformed, "abc", "\r\n"},
      // Lines that do not end well, or hide an end.
      {"3\nabc\n", State::kMalformed, "", "abc\n"},
      {"3;\rabc\r\n", State::kMalformed, "", ""},
      {"0\r\nA: b\rC\r\n\r\n", State::kMalformed, "", "\r\n"},
      {"0\r\nA: b\n\r\n", State::kMalformed, "", "\r\n"},
      {std::string("3;a\0b\r\n", 7), State::kMalformed, "", ""},
      // Larger than the bound, which is 20 bytes.
      {"14\r\n" + std::string(20, 'x') + "\r\n0\r\n\r\n", State::kComplete, std::string(20, 'x'),
       ""},
      {"15\r\n", State::kTooLarge, "", ""},
      {"a\r\n0123456789\r\nb\r\nx", State::kTooLarge, "0123456789", "x"},
      {"ffffffff\r\n", State::kTooLarge, "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.input);
    ChunkDecoder whole(20);
    std::string_view rest = row.input;
    std::string body;
    CHECK(whole.Decode(rest, body) == row.state);
    CHECK(body == row.body);
    CHECK(rest == row.rest);

    ChunkDecoder piecewise(20);
    std::string same;
    State state = State::kNeedMore;
    std::size_t seen = 0;
    for (; state == State::kNeedMore && seen < row.input.size(); ++seen) {
      std::string_view byte(&row.input[seen], 1);
      state = piecewise.Decode(byte, same);
    }
    CHECK(state == row.state);
    CHECK(same == row.body);
    CHECK(row.input.substr(seen) == row.rest);
  }
}

TEST_CASE("the framing of a chunked body is bounded as well") {
  ChunkDecoder decoder(1 << 20);
  std::string body;
  State state = State::kNeedMore;
  std::size_t bytes = 0;
  const std::string chunk = "1;" + std::string(100, 'e') + "\r\nx\r\n";
  while (state == State::kNeedMore && bytes < 1 << 20) {
    std::string_view input = chunk;
    state = decoder.Decode(input, body);
    bytes += chunk.size();
  }
  CHECK(state == State::kTooLarge);

  ChunkDecoder honest(1 << 20);
  state = State::kNeedMore;
  for (int i = 0; i < 1 << 20; ++i) {
    std::string_view input = "1\r\nx\r\n";
    state = honest.Decode(input, body);
  }
  CHECK(state == State::kNeedMore);
}

}  // namespace
}  // namespace livy::internal
