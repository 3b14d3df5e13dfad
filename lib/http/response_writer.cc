#include "http/response_writer.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "http/field_text.h"
#include "http/status.h"

namespace livy::internal {
namespace {

std::string_view ReasonPhrase(int status) {
  // "Server Error" is Jetty's phrase, which clients of Apache Livy see.
  static constexpr std::pair<int, std::string_view> kPhrases[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Payload Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Entity"},
      {426, "Upgrade Required"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  const auto* found = std::ranges::find(kPhrases, status, &std::pair<int, std::string_view>::first);
  return found == std::end(kPhrases) ? "Unknown" : found->second;
}

// Formatting a date costs as much as all the rest of a head; it changes once a second.
std::string_view CachedDate(Clock::WallTime now) {
  static thread_local std::int64_t second = -1;
  static thread_local std::string text;
  const auto current = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (current != second) {
    text = HttpDate(now);
    second = current;
  }
  return text;
}

void AppendHeader(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

struct WrittenHeaders {
  bool has_date = false;
  std::string_view length = {};
};

WrittenHeaders AppendOwnHeaders(std::string& out, const HttpHeaders& headers) {
  WrittenHeaders written;
  for (const HttpHeader& header : headers) {
    if (!IsToken(header.name) || !IsFieldText(header.value)) continue;
    if (EqualsIgnoringCase(header.name, "content-length")) {
      written.length = header.value;
      continue;
    }
    if (EqualsIgnoringCase(header.name, "connection") ||
        EqualsIgnoringCase(header.name, "transfer-encoding")) {
      continue;
    }
    if (EqualsIgnoringCase(header.name, "date")) written.has_date = true;
    AppendHeader(out, header.name, header.value);
  }
  return written;
}

}  // namespace

std::string HttpDate(Clock::WallTime time) {
  constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                     "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // Not strftime(), whose names follow the host's locale.
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                     kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string WriteResponse(const HttpResponse& response, const ResponseForm& form,
                          Clock::WallTime now) {
  constexpr std::size_t kHeadBytesUsual = 512;
  const bool has_body =
      form.framing == BodyFraming::kLength && !form.omits_body && !IsBodiless(response.status);
  std::string out;
  out.reserve(kHeadBytesUsual + (has_body ? response.body.size() : 0));
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out.append(ReasonPhrase(response.status)).append("\r\n");
  const WrittenHeaders written = AppendOwnHeaders(out, response.headers);
  if (!written.has_date) AppendHeader(out, "Date", CachedDate(now));
  if (form.framing == BodyFraming::kChunks) {
    AppendHeader(out, "Transfer-Encoding", "chunked");
  } else if (form.framing == BodyFraming::kLength && !IsBodiless(response.status)) {
    // A handler that answers HEAD without making the body may say how long it would be.
    if (form.omits_body && response.body.empty() && !written.length.empty()) {
      AppendHeader(out, "Content-Length", written.length);
    } else {
      AppendHeader(out, "Content-Length", fmt::format_int(response.body.size()).c_str());
    }
  }
  if (form.closes) {
    AppendHeader(out, "Connection", "close");
  } else if (form.is_http_1_0) {
    AppendHeader(out, "Connection", "keep-alive");
  }
  out += "\r\n";
  if (has_body) out += response.body;
  return out;
}

std::string WriteChunk(std::string_view bytes) {
  std::string chunk = fmt::format("{:x}\r\n", bytes.size());
  chunk.append(bytes).append("\r\n");
  return chunk;
}

HttpResponse BadMessagePage(const Refusal& refusal) {
  HttpResponse page = {
      .status = refusal.status,
      .headers = {{"Content-Type", "text/html;charset=iso-8859-1"}},
      .body = fmt::format("<h1>Bad Message {}</h1><pre>reason: {}</pre>", refusal.status,
                          refusal.reason),
  };
  if (refusal.status == 503) page.headers.push_back({"Retry-After", "1"});
  if (refusal.status == 426) page.headers.push_back({"Upgrade", "HTTP/1.1"});
  return page;
}

}  // namespace livy::internal
