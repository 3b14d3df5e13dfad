#include "store/tree_keys.h"

#include <set>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {
namespace {

// The byte after '/': what starts with "a/" lies from "a/" to below "a0".
constexpr char kAfterSlash = '/' + 1;

}  // namespace

bool IsKey(std::string_view key) {
  return !key.empty() && key.front() != '/' && key.back() != '/' &&
         key.find("//") == std::string_view::npos;
}

Result<void> CheckKeys(const std::vector<StoreChange>& changes) {
  for (const StoreChange& change : changes) {
    if (IsKey(change.key)) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is not a key: names separated by '/'.", change.key)};
  }
  return {};
}

Result<std::vector<std::string>> ChildNames(std::string_view key, const FindKey& find) {
  const std::string prefix = std::string(key) + '/';
  const std::string end = std::string(key) + kAfterSlash;
  // A set, because the keys' order does not group a child with its own children: "a/b-c" lies
  // between "a/b" and "a/b/c".
  std::set<std::string> names;
  std::string from = prefix;
  while (true) {
    Result<std::optional<std::string>> found = find(from, end);
    if (!found) return found.error();
    if (!*found) break;

    const std::size_t slash = (*found)->find('/', prefix.size());
    names.insert((*found)->substr(prefix.size(), slash - prefix.size()));
    if (slash == std::string::npos) {
      from = **found + '\0';  // The very next key there can be.
    } else {
      from = (*found)->substr(0, slash) + kAfterSlash;  // Past all keys below this name.
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace livy::internal
