#include "store/file_names.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace livy::internal {
namespace {

constexpr std::array<std::string_view, 3> kLivyFolders = {"v1", "v1/interactive", "v1/batch"};
constexpr std::string_view kChildren = ".children";
constexpr std::string_view kValue = ".value";
// Only these have a dot in front that is not escaped, so that no name looks as if it had one.
constexpr std::array<std::string_view, 2> kSuffixes = {kChildren, kValue};

bool IsLivyFolder(std::string_view key) {
  return std::ranges::find(kLivyFolders, key) != kLivyFolders.end();
}

bool IsPlain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
         c == '-';
}

std::string Escaped(std::string_view name) {
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

std::optional<std::string> Unescaped(std::string_view escaped) {
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
  return name;
}

// The folder in which the key's entries are, and its last name, escaped.
std::filesystem::path Parent(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  return slash == key.npos ? std::filesystem::path() : ChildrenPath(key.substr(0, slash));
}
std::string Entry(std::string_view key) {
  return Escaped(key.substr(key.rfind('/') + 1));
}

}  // namespace

std::filesystem::path ValuePath(std::string_view key) {
  return Parent(key) / (Entry(key) + std::string(IsLivyFolder(key) ? kValue : ""));
}

std::filesystem::path ChildrenPath(std::string_view key) {
  return Parent(key) / (Entry(key) + std::string(IsLivyFolder(key) ? "" : kChildren));
}

std::optional<std::string> NameOfEntry(std::string_view entry) {
  for (const std::string_view suffix : kSuffixes) {
    if (entry.ends_with(suffix)) {
      entry.remove_suffix(suffix.size());
      break;
    }
  }
  if (entry.empty()) return std::nullopt;
  return Unescaped(entry);
}

}  // namespace livy::internal
