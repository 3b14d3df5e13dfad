// Names of enumerators on the wire.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace livy::internal {

// One row an enumerator, in the enumerators' order.
template <typename Enum, std::size_t kSize>
using NameTable = std::array<std::pair<Enum, std::string_view>, kSize>;

template <typename Enum, std::size_t kSize>
constexpr std::string_view NameOf(const NameTable<Enum, kSize>& names, Enum value) {
  return names[static_cast<std::size_t>(value)].second;
}

template <typename Enum, std::size_t kSize>
constexpr std::optional<Enum> ValueOf(const NameTable<Enum, kSize>& names, std::string_view text) {
  for (const auto& [value, name] : names) {
    if (name == text) return value;
  }
  return std::nullopt;
}

}  // namespace livy::internal
