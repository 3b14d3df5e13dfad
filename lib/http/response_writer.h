// The bytes of an answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <livy/clock.h>
#include <livy/http.h>

#include "http/request_head.h"

namespace livy::internal {

// How the body's end is told to the client.
enum class BodyFraming { kLength, kChunks, kClose };

struct ResponseForm {
  BodyFraming framing = BodyFraming::kLength;
  bool is_http_1_0 = false;  // The request was.
  bool omits_body = false;   // The request's method was HEAD.
  bool closes = false;       // The connection ends with this answer.
};

// Status line, headers and, with kLength, the body. Headers of `response` that are no header names
// or contain line ends are left out, as are those that this function writes itself.
std::string WriteResponse(const HttpResponse& response, const ResponseForm& form,
                          Clock::WallTime now);

// One chunk of a chunked body. `bytes` must not be empty.
std::string WriteChunk(std::string_view bytes);

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string HttpDate(Clock::WallTime time);

// The page that Jetty, and so Apache Livy, shows for a request it cannot read.
HttpResponse BadMessagePage(const Refusal& refusal);

}  // namespace livy::internal
