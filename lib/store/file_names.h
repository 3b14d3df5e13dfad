// How keys of a store become paths below a folder, in the layout of Apache Livy's file system
// store.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace livy::internal {

// "v1/interactive/3" is the file v1/interactive/3, as Livy has it. What lies below that key is in
// the folder v1/interactive/3.children, because a file cannot be a folder too. The folders that
// Livy has, v1, v1/interactive and v1/batch, have their plain names; their own values, which Livy
// does not have, end in ".value". Bytes that may mean something else in a path are written as %XX.
std::filesystem::path ValuePath(std::string_view key);
std::filesystem::path ChildrenPath(std::string_view key);

// The key's last name, of which an entry of its parent's folder tells; nullopt for entries that are
// none of ours, such as a file that was being written.
std::optional<std::string> NameOfEntry(std::string_view entry);

}  // namespace livy::internal
