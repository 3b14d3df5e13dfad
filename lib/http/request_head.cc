#include "http/request_head.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "http/field_text.h"

namespace livy::internal {
namespace {

// Some clients send an empty line after a body; more than a few are no mistake.
constexpr std::size_t kEmptyBytesMax = 8;
// What may stand beside the target in a request line: a method, two spaces, a version.
constexpr std::size_t kRequestLineExtraBytes = 48;
constexpr std::size_t kMethodBytesMax = 32;

bool HasControl(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

Refusal Bad(std::string reason) {
  return {.status = 400, .reason = std::move(reason)};
}

// "http://host:1/a?b" to "/a?b", which proxies and old clients send.
std::string_view WithoutAuthority(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return target;
  if (!EqualsIgnoringCase(target.substr(0, scheme), "http") &&
      !EqualsIgnoringCase(target.substr(0, scheme), "https")) {
    return target;
  }
  const std::size_t path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

std::optional<Refusal> CheckTarget(std::string_view target) {
  if (target == "*") return std::nullopt;
  if (!target.starts_with('/')) return Bad("Bad URI");
  const std::string_view path = target.substr(0, target.find('?'));
  for (std::size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    if (path.size() - at < 3 || !IsHex(path[at + 1]) || !IsHex(path[at + 2])) {
      return Bad("Bad URI escape");
    }
  }
  return std::nullopt;
}

std::optional<Refusal> ReadRequestLine(std::string_view line, const HeadLimits& limits,
                                       RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::string_view method = line.substr(0, first);
  if (!IsToken(method) || method.size() > kMethodBytesMax) return Bad("Illegal character");
  if (first == std::string_view::npos) return Bad("No URI");
  const std::size_t last = line.rfind(' ');
  if (first == last) return Refusal{505, "HTTP/0.9 not supported"};
  const std::string_view version = line.substr(last + 1);
  if (version == "HTTP/2.0" && method == "PRI") return Refusal{426, "Upgrade Required"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Refusal{505, "Unknown Version"};
  const std::string_view whole = line.substr(first + 1, last - first - 1);
  if (HasControl(whole)) return Bad("Illegal character");
  const std::string_view target = WithoutAuthority(whole);
  if (target.size() > limits.target_bytes_max) return Refusal{414, "URI Too Long"};
  if (target.find(' ') != std::string_view::npos) return Bad("Bad URI");
  if (auto refusal = CheckTarget(target)) return refusal;
  head.is_http_1_0 = version == "HTTP/1.0";
  head.target = target;
  head.method = method;
  std::ranges::transform(head.method, head.method.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return std::nullopt;
}

// Headers that decide how the message is framed, counted because two of them may disagree.
struct Framing {
  int lengths = 0;
  int encodings = 0;
  int hosts = 0;
};

std::optional<Refusal> ReadContentLength(std::string_view value, RequestHead& head) {
  constexpr std::size_t kDigitsMax = 18;  // Less than 2^63.
  if (value.empty() || value.size() > kDigitsMax ||
      value.find_first_not_of("0123456789") != std::string_view::npos) {
    return Bad("Invalid Content-Length Value");
  }
  head.content_length = 0;
  for (const char digit : value) {
    head.content_length = head.content_length * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return std::nullopt;
}

std::optional<Refusal> NoteHeader(std::string_view name, std::string_view value, RequestHead& head,
                                  Framing& framing) {
  if (EqualsIgnoringCase(name, "content-length")) {
    if (++framing.lengths > 1) return Bad("Multiple Content-Lengths");
    return ReadContentLength(value, head);
  }
  if (EqualsIgnoringCase(name, "transfer-encoding")) {
    if (++framing.encodings > 1) return Bad("Multiple Transfer-Encodings");
    if (!EqualsIgnoringCase(value, "chunked")) return Refusal{501, "Bad Transfer-Encoding"};
    head.is_chunked = true;
  } else if (EqualsIgnoringCase(name, "host")) {
    if (++framing.hosts > 1) return Bad("Multiple Hosts");
  } else if (EqualsIgnoringCase(name, "connection")) {
    if (FieldListHas(value, "close")) head.keeps_alive = false;
    if (head.is_http_1_0 && FieldListHas(value, "keep-alive")) head.keeps_alive = true;
  } else if (EqualsIgnoringCase(name, "expect") && !head.is_http_1_0) {
    if (!EqualsIgnoringCase(value, "100-continue")) return Refusal{417, "Expectation Failed"};
    head.expects_continue = true;
  }
  return std::nullopt;
}

// `lines` are the header lines, each with its end of line.
std::optional<Refusal> ReadHeaders(std::string_view lines, const HeadLimits& limits,
                                   RequestHead& head) {
  Framing framing;
  head.keeps_alive = !head.is_http_1_0;
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    if (head.headers.size() >= static_cast<std::size_t>(limits.headers_max)) {
      return Refusal{431, "Request Header Fields Too Large"};
    }
    if (line.front() == ' ' || line.front() == '\t') return Bad("Header Folding");
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return Bad("No colon");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = TrimField(line.substr(colon + 1));
    if (!IsToken(name) || !IsFieldText(value)) return Bad("Illegal character");
    if (auto refusal = NoteHeader(name, value, head, framing)) return refusal;
    head.headers.push_back({std::string(name), std::string(value)});
  }
  if (framing.lengths > 0 && framing.encodings > 0) {
    return Bad("Transfer-Encoding and Content-Length");
  }
  if (head.is_chunked && head.is_http_1_0) return Bad("Transfer-Encoding in HTTP/1.0");
  if (framing.hosts == 0 && !head.is_http_1_0) return Bad("No Host");
  return std::nullopt;
}

}  // namespace

void HeadParser::Reset() {
  *this = HeadParser(limits_);
}

std::variant<NeedMore, RequestHead, Refusal> HeadParser::Parse(std::string_view input) {
  while (true) {
    const std::size_t end = input.find('\n', std::max(scanned_, searched_));
    if (end == std::string_view::npos) break;
    if (end == 0 || input[end - 1] != '\r') return Bad("Bad EOL");
    const std::string_view line = input.substr(scanned_, end - 1 - scanned_);
    scanned_ = end + 1;
    if (first_line_ == 0) {
      if (line.empty()) {
        start_ = scanned_;
        if (start_ > kEmptyBytesMax) return Bad("Illegal character");
        continue;
      }
      if (end - start_ > limits_.target_bytes_max + kRequestLineExtraBytes) {
        return Refusal{414, "URI Too Long"};
      }
      first_line_ = line.size();
      // Checked before the headers are there: a client of another protocol waits for an answer.
      RequestHead probe;
      if (auto refusal = ReadRequestLine(line, limits_, probe)) return *std::move(refusal);
      continue;
    }
    if (!line.empty()) continue;
    RequestHead head;
    head.size = scanned_;
    if (head.size > limits_.header_bytes_max) break;
    const std::size_t headers = start_ + first_line_ + 2;
    if (auto refusal = ReadRequestLine(input.substr(start_, first_line_), limits_, head)) {
      return *std::move(refusal);
    }
    if (auto refusal = ReadHeaders(input.substr(headers, end - 1 - headers), limits_, head)) {
      return *std::move(refusal);
    }
    return head;
  }
  searched_ = input.size();
  if (first_line_ == 0 &&
      input.size() - start_ > limits_.target_bytes_max + kRequestLineExtraBytes) {
    return Refusal{414, "URI Too Long"};
  }
  if (input.size() > limits_.header_bytes_max) {
    return Refusal{431, "Request Header Fields Too Large"};
  }
  return NeedMore{};
}

}  // namespace livy::internal
