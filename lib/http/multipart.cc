#include "http/multipart.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/percent.h"
#include "http/field_text.h"

namespace livy::internal {
namespace {

constexpr std::size_t kPartsMax = 100;
constexpr std::size_t kPartHeadBytesMax = 8192;
constexpr std::size_t kBoundaryBytesMax = 70;  // RFC 2046, section 5.1.1.

Error Malformed(std::string_view what) {
  return {ErrorCode::kInvalidArgument, fmt::format("The form is malformed: {}.", what)};
}

// A value that stands in quotes, with '\' before a quote or a '\' in it. Takes it off `rest`.
std::string TakeQuoted(std::string_view& rest) {
  std::string value;
  std::size_t at = 1;
  for (; at < rest.size() && rest[at] != '"'; ++at) {
    const bool escapes =
        rest[at] == '\\' && at + 1 < rest.size() && (rest[at + 1] == '"' || rest[at + 1] == '\\');
    value += escapes ? rest[++at] : rest[at];
  }
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return value;
}

// The parameter `name` of a header value such as `form-data; name="file"; filename="a.jar"`.
std::optional<std::string> Parameter(std::string_view value, std::string_view name) {
  std::string_view rest = value.substr(std::min(value.find(';'), value.size()));
  while (!rest.empty()) {
    rest.remove_prefix(1);  // The semicolon.
    const std::size_t equals = rest.find_first_of("=;");
    const bool has_value = equals != rest.npos && rest[equals] == '=';
    const std::string_view found = TrimField(rest.substr(0, equals));
    rest.remove_prefix(std::min(has_value ? equals + 1 : equals, rest.size()));
    if (has_value) rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    std::string text;
    if (has_value && rest.starts_with('"')) {
      text = TakeQuoted(rest);
    } else if (has_value) {
      text = TrimField(rest.substr(0, rest.find(';')));
    }
    if (EqualsIgnoringCase(found, name)) return text;
    rest.remove_prefix(std::min(rest.find(';'), rest.size()));
  }
  return std::nullopt;
}

// RFC 5987: UTF-8'en'na%C3%AFve. Other charsets are not taken.
std::optional<std::string> ExtendedName(std::string_view value) {
  const std::size_t first = value.find('\'');
  const std::size_t second = first == value.npos ? value.npos : value.find('\'', first + 1);
  if (second == value.npos || !EqualsIgnoringCase(value.substr(0, first), "utf-8"))
    return std::nullopt;
  return PercentDecode(value.substr(second + 1));
}

// The part's name and its file's, out of its header lines.
Result<FormPart> ParsePartHead(std::string_view head) {
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(line.size() + 2, head.size()));
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return Malformed("a part has a header line without a colon");
    if (!EqualsIgnoringCase(line.substr(0, colon), "Content-Disposition")) continue;
    const std::string_view value = line.substr(colon + 1);
    std::optional<std::string> name = Parameter(value, "name");
    if (!name) break;
    FormPart part = {.name = *std::move(name), .file_name = Parameter(value, "filename")};
    const std::optional<std::string> extended = Parameter(value, "filename*");
    if (extended && ExtendedName(*extended)) part.file_name = ExtendedName(*extended);
    return part;
  }
  return Malformed("a part has no name");
}

}  // namespace

Result<std::vector<FormPart>> ParseMultipart(std::string_view content_type, std::string_view body) {
  const std::string_view type = TrimField(content_type.substr(0, content_type.find(';')));
  if (!EqualsIgnoringCase(type, "multipart/form-data")) {
    return Error{ErrorCode::kInvalidArgument,
                 "The Content-Type of an upload must be multipart/form-data."};
  }
  const std::optional<std::string> boundary = Parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kBoundaryBytesMax) {
    return Malformed("its Content-Type names no boundary");
  }
  // What comes before the first boundary does not count; that one may be the body's first line.
  const std::string delimiter = "\r\n--" + *boundary;
  const std::string_view opening = std::string_view(delimiter).substr(2);
  std::size_t at = body.starts_with(opening) ? opening.size() : body.find(delimiter);
  if (at == body.npos) return Malformed("its boundary is not in the body");
  if (!body.starts_with(opening)) at += delimiter.size();

  std::vector<FormPart> parts;
  while (!body.substr(at).starts_with("--")) {
    const std::size_t line_end = body.find("\r\n", at);
    if (line_end == body.npos) return Malformed("a boundary's line has no end");
    const std::size_t start = line_end + 2;
    const std::size_t head_end = body.substr(start, kPartHeadBytesMax).find("\r\n\r\n");
    if (head_end == body.npos) return Malformed("a part's headers have no end or are too long");
    Result<FormPart> part = ParsePartHead(body.substr(start, head_end));
    if (!part) return part.error();
    const std::size_t content = start + head_end + 4;
    // An empty part's end may begin with the line end of its headers.
    const std::size_t end = body.find(delimiter, content - 2);
    if (end == body.npos) return Malformed("the last boundary is missing");
    part->content = body.substr(content, end < content ? 0 : end - content);
    if (parts.size() == kPartsMax) return Malformed("it has too many parts");
    parts.push_back(*std::move(part));
    at = end + delimiter.size();
  }
  return parts;
}

}  // namespace livy::internal
