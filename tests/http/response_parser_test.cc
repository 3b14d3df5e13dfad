#include "http/response_parser.h"

#include <string>

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

using State = ResponseParser::State;

constexpr ResponseLimits kLimits = {
    .header_bytes_max = 200, .headers_max = 4, .body_bytes_max = 20};
const std::string kOk = "HTTP/1.1 200 OK\r\n";

struct Row {
  std::string input;
  State state;
  std::string body = {};
  std::string rest = {};
  const char* method = "GET";
};

State ReadWhole(ResponseParser& parser, std::string_view& input) {
  return input.empty() ? State::kNeedMore : parser.Read(input);
}

State ReadBytes(ResponseParser& parser, std::string_view& input) {
  State state = State::kNeedMore;
  while (state == State::kNeedMore && !input.empty()) {
    std::string_view byte = input.substr(0, 1);
    state = parser.Read(byte);
    input.remove_prefix(1 - byte.size());
  }
  return state;
}

TEST_CASE("an answer ends where its framing says, in one piece and byte by byte") {
  const Row rows[] = {
      {kOk + "Content-Length: 2\r\n\r\nokHTTP", State::kComplete, "ok", "HTTP"},
      {kOk + "Content-Length: 0\r\n\r\nHTTP", State::kComplete, "", "HTTP"},
      {kOk + "Content-Length: 2\r\ncontent-length: 2\r\n\r\nok", State::kComplete, "ok"},
      {kOk + "Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nrest", State::kComplete, "ok",
       "rest"},
      {"HTTP/1.1 204 No Content\r\n\r\nrest", State::kComplete, "", "rest"},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", State::kComplete},
      {kOk + "Content-Length: 5\r\n\r\nrest", State::kComplete, "", "rest", "HEAD"},
      {kOk + "Content-Length: 500\r\n\r\n", State::kComplete, "", "", "HEAD"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n" + kOk +
           "Content-Length: 1\r\n\r\nx",
       State::kComplete, "x"},
      {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", State::kComplete, "x"},
      {kOk + "\r\nuntil the end", State::kNeedMore, "until the end"},
      {kOk + "Content-Length: 4\r\n\r\nhal", State::kNeedMore, "hal"},
      {kOk + "Transfer-Encoding: chunked\r\n\r\n4\r\nhal", State::kNeedMore, "hal"},
      {"", State::kNeedMore},
      {"HTTP/1.1 200 O", State::kNeedMore},
  };
  for (const Row& row : rows) {
    for (const auto read : {ReadWhole, ReadBytes}) {
      CAPTURE(row.input);
      CAPTURE(read == ReadWhole);
      ResponseParser parser(kLimits, row.method);
      std::string_view input = row.input;
      CHECK(read(parser, input) == row.state);
      CHECK(parser.response().body == row.body);
      CHECK(input == row.rest);
      if (row.state == State::kComplete) CHECK(parser.has_head());
    }
  }
}

TEST_CASE("an answer that two programs might read in two ways is malformed") {
  const std::string bad_status[] = {"\r\n",
                                    "HTTP/2 200 OK\r\n",
                                    "HTTP/1.2 200 OK\r\n",
                                    "HTTP/1.1  200 OK\r\n",
                                    "HTTP/1.1 20 OK\r\n",
                                    "HTTP/1.1 2000 OK\r\n",
                                    "HTTP/1.1 +20 OK\r\n",
                                    "HTTP/1.1 099 Low\r\n",
                                    "HTTP/1.1 101 Switching Protocols\r\n",
                                    "http/1.1 200 OK\r\n",
                                    "ICY 200 OK\r\n",
                                    "HTTP/1.1 200 OK\n",
                                    "HTTP/1.1 200 O\rK\r\n",
                                    "SSH-2.0-server\r\n",
                                    std::string("HTTP/1.1 200 O\0K\r\n", 18)};
  for (const std::string& line : bad_status) {
    CAPTURE(line);
    for (const auto read : {ReadWhole, ReadBytes}) {
      ResponseParser parser(kLimits, "GET");
      std::string_view input = line;
      CHECK(read(parser, input) == State::kMalformed);
      CHECK_FALSE(parser.problem().empty());
    }
  }
  const std::string bad_headers[] = {"A: b\n",
                                     " folded: x\r\n",
                                     "A: b\r\n\tfolded\r\n",
                                     "no colon\r\n",
                                     ": no name\r\n",
                                     "A : b\r\n",
                                     "A b: c\r\n",
                                     "A: b\rC: d\r\n",
                                     std::string("A: b\0c\r\n", 8),
                                     "A: b\x7f\r\n",
                                     "Content-Length: -1\r\n",
                                     "Content-Length: \r\n",
                                     "Content-Length: 1x\r\n",
                                     "Content-Length: 0x1\r\n",
                                     "Content-Length: 1, 1\r\n",
                                     "Content-Length: 99999999999999999999\r\n",
                                     "Content-Length: 1\r\nContent-Length: 2\r\n",
                                     "Transfer-Encoding: gzip\r\n",
                                     "Transfer-Encoding: gzip, chunked\r\n",
                                     "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                                     "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
                                     "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                                     "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
                                     "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
                                     "Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n"};
  for (const std::string& lines : bad_headers) {
    CAPTURE(lines);
    for (const auto read : {ReadWhole, ReadBytes}) {
      ResponseParser parser(kLimits, "GET");
      const std::string text = kOk + lines;
      std::string_view input = text;
      CHECK(read(parser, input) == State::kMalformed);
      CHECK_FALSE(parser.problem().empty());
    }
  }
  ResponseParser old(kLimits, "GET");
  std::string_view input = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(old.Read(input) == State::kMalformed);
}

TEST_CASE("heads and bodies of answers are bounded") {
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";
  const Row rows[] = {
      {kOk + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n", State::kHeadTooLarge},
      {kOk + "A: " + std::string(200, 'a') + "\r\n", State::kHeadTooLarge},
      {kOk + "A: " + std::string(300, 'a'), State::kHeadTooLarge},
      {std::string(300, 'a'), State::kHeadTooLarge},
      {kOk + "Content-Length: 21\r\n\r\n", State::kBodyTooLarge},
      {kOk + "Content-Length: 20\r\n\r\n" + std::string(20, 'x'), State::kComplete},
      {kOk + chunked + "15\r\n", State::kBodyTooLarge},
      {kOk + chunked + "14\r\n" + std::string(20, 'x') + "\r\n1\r\n", State::kBodyTooLarge},
      {kOk + "\r\n" + std::string(20, 'x'), State::kNeedMore},
      {kOk + "\r\n" + std::string(21, 'x'), State::kBodyTooLarge},
  };
  for (const Row& row : rows) {
    CAPTURE(row.input);
    for (const auto read : {ReadWhole, ReadBytes}) {
      ResponseParser parser(kLimits, "GET");
      std::string_view input = row.input;
      CHECK(read(parser, input) == row.state);
    }
  }
  // A server cannot go on with interim answers for ever.
  ResponseParser parser(kLimits, "GET");
  State state = State::kNeedMore;
  for (int i = 0; i < 100 && state == State::kNeedMore; ++i) {
    std::string_view input = "HTTP/1.1 102 Processing\r\n\r\n";
    state = parser.Read(input);
  }
  CHECK(state == State::kHeadTooLarge);
}

TEST_CASE("the end of the connection completes an answer without a length, and no other") {
  for (const auto& [text, state] :
       {std::pair(kOk + "\r\nsome", State::kComplete), std::pair(kOk + "\r\n", State::kComplete),
        std::pair(kOk + "Content-Length: 9\r\n\r\nsome", State::kMalformed),
        std::pair(kOk + "Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n", State::kMalformed),
        std::pair(kOk + "A: b\r\n", State::kMalformed),
        std::pair(std::string(), State::kMalformed)}) {
    CAPTURE(text);
    ResponseParser parser(kLimits, "GET");
    std::string_view input = text;
    CHECK(ReadWhole(parser, input) == State::kNeedMore);
    CHECK(parser.ReadEnd() == state);
  }
}

TEST_CASE("a connection is kept after an answer unless its version or its headers say no") {
  struct Kept {
    const char* head;
    bool is_kept;
  };
  const Kept rows[] = {
      {"HTTP/1.1 200 OK\r\n", true},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\n", false},
      {"HTTP/1.1 200 OK\r\nConnection: TE, Close\r\n", false},
      {"HTTP/1.0 200 OK\r\n", false},
      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", true},
      {"HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\n", true},
  };
  for (const Kept& row : rows) {
    CAPTURE(row.head);
    ResponseParser parser(kLimits, "GET");
    const std::string text = std::string(row.head) + "Content-Length: 0\r\n\r\n";
    std::string_view input = text;
    CHECK(parser.Read(input) == State::kComplete);
    CHECK(parser.keeps_alive() == row.is_kept);
  }
}

}  // namespace
}  // namespace livy::internal
