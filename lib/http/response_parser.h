// ResponseParser: an answer, out of the bytes of a server that may say anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <livy/http.h>

#include "http/chunk_decoder.h"
#include "http/line_reader.h"

namespace livy::internal {

struct ResponseLimits {
  std::size_t header_bytes_max = 131072;  // Of all heads, interim ones included.
  int headers_max = 200;
  std::size_t body_bytes_max = std::numeric_limits<std::size_t>::max();  // As sent.
};

// Reads one answer as its bytes arrive, by RFC 9112 and stricter than that: what two programs might
// read in two ways is malformed. One thread at a time.
class ResponseParser {
 public:
  enum class State { kNeedMore, kComplete, kMalformed, kHeadTooLarge, kBodyTooLarge };

  // `method` is the request's: an answer to HEAD has no body.
  ResponseParser(const ResponseLimits& limits, std::string_view method);

  // Takes what belongs to the answer off the front of `input`: all of it with kNeedMore. Interim
  // answers are skipped.
  State Read(std::string_view& input);

  // The connection has ended: kComplete for a body that was to last until then, else kMalformed.
  State ReadEnd();

  // Status and headers are those of the final answer once has_head(). The body grows with each
  // Read(); whoever wants it in pieces takes them out.
  HttpResponse& response() { return response_; }
  bool has_head() const { return part_ != Part::kStatus && part_ != Part::kHeaders; }

  // Whether another answer may follow on the same connection. Asked once complete.
  bool keeps_alive() const { return keeps_alive_; }

  // What is wrong with an answer that is malformed, such as "it has two Content-Lengths".
  std::string_view problem() const { return problem_; }

 private:
  enum class Part { kStatus, kHeaders, kLength, kChunks, kUntilEnd, kComplete };

  State Fail(std::string_view problem);
  State ReadLine(std::string_view& input);
  State ReadLength(std::string_view& input);
  State ReadChunks(std::string_view& input);
  State ReadUntilEnd(std::string_view& input);
  State TakeStatus(std::string_view line);
  State TakeHeader(std::string_view line);
  State TakeFraming(std::string_view name, std::string_view value);
  State EndHead();
  bool TakeLength(std::string_view value);

  ResponseLimits limits_;
  bool is_head_request_;
  LineReader lines_;
  ChunkDecoder chunks_;
  Part part_ = Part::kStatus;
  HttpResponse response_ = {};
  std::size_t head_bytes_ = 0;
  bool has_length_ = false;
  bool is_chunked_ = false;
  bool is_http_1_0_ = false;
  bool keeps_alive_ = true;
  std::uint64_t length_ = 0;  // By Content-Length, what is to come; without one, what has come.
  std::string_view problem_ = {};
};

}  // namespace livy::internal
