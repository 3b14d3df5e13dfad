#include <algorithm>

#include <livy/http.h>

namespace livy {
namespace {

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::optional<std::string_view> FindHeader(const HttpHeaders& headers, std::string_view name) {
  const auto found = std::ranges::find_if(headers, [&](const HttpHeader& header) {
    return std::ranges::equal(header.name, name, {}, Lower, Lower);
  });
  if (found == headers.end()) return std::nullopt;
  return found->value;
}

}  // namespace livy
