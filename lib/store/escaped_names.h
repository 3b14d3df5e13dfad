// Names of keys where not every byte may stand: in a file's name, in the path of a node.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace livy::internal {

// Letters, digits, '_' and '-' stay; every other byte is written as %XX.
std::string EscapedName(std::string_view name);

// nullopt for what EscapedName() has not made.
std::optional<std::string> UnescapedName(std::string_view escaped);

}  // namespace livy::internal
