// Escapes in URLs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace livy::internal {

// The byte that text[at...] == "%XX" stands for, or -1.
int EscapedByte(std::string_view text, std::size_t at);

// "%C3%A9" to "é", and '+' to ' ' if `plus_is_space`. nullopt if an escape is malformed or decodes
// to a control character.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space = false);

// Everything but letters, digits and "-._~" as %XX.
std::string PercentEncode(std::string_view text);

}  // namespace livy::internal
