// Texts in UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace livy::internal {

// The beginning of `text`, `bytes_max` long at most, without half a character at its end.
inline std::string_view CutUtf8(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return text.substr(0, end);
}

}  // namespace livy::internal
