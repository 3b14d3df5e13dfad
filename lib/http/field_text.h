// The texts that heads of requests and answers are made of.
#pragma once

#include <string_view>

namespace livy::internal {

// ASCII only, as names and tokens of HTTP are.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);
bool StartsWithIgnoringCase(std::string_view text, std::string_view start);

// Without the spaces and tabs at its ends.
std::string_view TrimField(std::string_view text);

// Whether `text` may be the name of a header, or a method.
bool IsToken(std::string_view text);

// Whether a header may have the value `text`: no control characters but tabs.
bool IsFieldText(std::string_view text);

// Whether `token` is one of a list such as "close, TE".
bool FieldListHas(std::string_view list, std::string_view token);

}  // namespace livy::internal
