// The head of a request: found, checked and taken apart before anything else sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <livy/http.h>

namespace livy::internal {

struct HeadLimits {
  std::size_t target_bytes_max = 8192;
  std::size_t header_bytes_max = 131072;
  int headers_max = 200;
};

struct RequestHead {
  std::string method = {};  // Upper case.
  std::string target = {};  // Path and query, or "*"; an absolute form is cut down to these.
  HttpHeaders headers = {};
  std::size_t size = 0;  // Bytes up to the body.
  std::uint64_t content_length = 0;
  bool is_chunked = false;
  bool is_http_1_0 = false;
  bool keeps_alive = false;
  bool expects_continue = false;

  bool has_body() const { return is_chunked || content_length > 0; }
};

// A request that is answered without asking a handler: the status and the reason shown.
struct Refusal {
  int status = 400;
  std::string reason = {};
};

struct NeedMore {};

// Reads heads out of a buffer that grows. One thread at a time.
class HeadParser {
 public:
  explicit HeadParser(const HeadLimits& limits) : limits_(limits) {}

  // `input` is everything received since the last head, the same bytes as before and more. Empty
  // lines before the request line are part of the head. Work is linear in the bytes received.
  std::variant<NeedMore, RequestHead, Refusal> Parse(std::string_view input);

  // Forgets what was seen, for the next head.
  void Reset();

 private:
  HeadLimits limits_;
  std::size_t scanned_ = 0;     // Lines before this offset are complete and well ended.
  std::size_t searched_ = 0;    // There is no end of line between scanned_ and this offset.
  std::size_t start_ = 0;       // Where the request line begins.
  std::size_t first_line_ = 0;  // The request line's length; 0: not there yet.
};

}  // namespace livy::internal
