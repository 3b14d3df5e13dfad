#include "store/file_names.h"

#include <algorithm>
#include <array>

#include "store/escaped_names.h"

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

// The folder in which the key's entries are, and its last name, escaped.
std::filesystem::path Parent(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  return slash == key.npos ? std::filesystem::path() : ChildrenPath(key.substr(0, slash));
}
std::string Entry(std::string_view key) {
  return EscapedName(key.substr(key.rfind('/') + 1));
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
  return UnescapedName(entry);
}

}  // namespace livy::internal
