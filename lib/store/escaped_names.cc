#include "store/escaped_names.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace livy::internal {
namespace {

bool IsPlain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
         c == '-';
}

}  // namespace

std::string EscapedName(std::string_view name) {
  std::string escaped;
  for (const char c : name) {
    if (IsPlain(c)) {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

std::optional<std::string> UnescapedName(std::string_view escaped) {
  std::string name;
  for (std::size_t at = 0; at < escaped.size(); ++at) {
    if (IsPlain(escaped[at])) {
      name += escaped[at];
      continue;
    }
    unsigned byte = 0;
    const char* end = escaped.data() + std::min(at + 3, escaped.size());
    if (escaped[at] != '%' || std::from_chars(escaped.data() + at + 1, end, byte, 16).ptr != end ||
        end - (escaped.data() + at) != 3) {
      return std::nullopt;
    }
    name += static_cast<char>(byte);
    at += 2;
  }
  if (name.empty()) return std::nullopt;
  return name;
}

}  // namespace livy::internal
