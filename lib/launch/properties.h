// Java's properties syntax, in which Spark reads its settings.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace livy::internal {

using Properties = std::map<std::string, std::string>;

// As java.util.Properties.load() reads it and Spark trims it: comments with '#' or '!', a key and a
// value separated by white space, '=' or ':', escapes, lines that go on after a backslash. The last
// of several values of a key counts.
Properties ParseProperties(std::string_view text);

// One line a property, ASCII only, so that it reads the same in UTF-8 and in ISO 8859-1. Bytes that
// are not UTF-8 become U+FFFD.
std::string FormatProperties(const Properties& properties);

}  // namespace livy::internal
