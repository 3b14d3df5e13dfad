#include "launch/properties.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {
namespace {

constexpr std::string_view kBlank = " \t\f";
constexpr std::uint32_t kReplacement = 0xFFFD;

std::string_view TrimLeft(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return text;
}

std::string_view TakeLine(std::string_view& text) {
  const std::size_t end = text.find_first_of("\r\n");
  const std::string_view line = text.substr(0, end);
  const bool both = end != std::string_view::npos && text.substr(end, 2) == "\r\n";
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + (both ? 2 : 1));
  return line;
}

// An odd number of backslashes at the end: the last one escapes the line's end.
bool GoesOn(std::string_view line) {
  const std::size_t last = line.find_last_not_of('\\');
  return (line.size() - (last == std::string_view::npos ? 0 : last + 1)) % 2 == 1;
}

// A line with those that continue it; unset for blanks and comments.
std::optional<std::string> TakeLogicalLine(std::string_view& text) {
  const std::string_view first = TrimLeft(TakeLine(text));
  if (first.empty() || first.front() == '#' || first.front() == '!') return std::nullopt;
  std::string line(first);
  while (GoesOn(line)) {
    line.pop_back();
    line += TrimLeft(TakeLine(text));
  }
  return line;
}

void AppendUtf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | code >> 18);
    text += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// The four digits after "\u", if there are four.
std::optional<std::uint32_t> TakeUnit(std::string_view& text) {
  std::uint32_t unit = 0;
  if (text.size() < 4) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 4, unit, 16);
  if (error != std::errc() || end != text.data() + 4) return std::nullopt;
  text.remove_prefix(4);
  return unit;
}

bool IsHigh(std::uint32_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}
bool IsLow(std::uint32_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

// `text` follows "\u". What is not hexadecimal stays as it is, where Java would refuse the file.
void AppendEscapedUnit(std::string& out, std::string_view& text) {
  const std::optional<std::uint32_t> unit = TakeUnit(text);
  if (!unit) {
    out += "\\u";
    return;
  }
  if (IsHigh(*unit) && text.starts_with("\\u")) {
    std::string_view rest = text.substr(2);
    if (const auto low = TakeUnit(rest); low && IsLow(*low)) {
      text = rest;
      AppendUtf8(out, 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00));
      return;
    }
  }
  AppendUtf8(out, IsHigh(*unit) || IsLow(*unit) ? kReplacement : *unit);
}

std::string Unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '\\' || text.empty()) {
      out += c;
      continue;
    }
    const char escaped = text.front();
    text.remove_prefix(1);
    if (escaped == 'u') {
      AppendEscapedUnit(out, text);
    } else {
      constexpr std::string_view kNames = "tnrf";
      const std::size_t index = kNames.find(escaped);
      out += index == std::string_view::npos ? escaped : "\t\n\r\f"[index];
    }
  }
  return out;
}

// Where the key ends: at the first separator that is not escaped.
std::size_t KeyEnd(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || kBlank.find(line[i]) != std::string_view::npos) {
      return i;
    }
  }
  return line.size();
}

// Spark trims blanks, but not line ends, which only an escape can have put there.
std::string Trim(std::string text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

// Takes one character of UTF-8. A byte that begins none, or none that is allowed, is U+FFFD.
std::uint32_t TakeCharacter(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  if (first < 0x80) return first;
  const std::size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  if (first < 0xC2 || first > 0xF4 || text.size() < more) return kReplacement;
  std::uint32_t code = first & (0x3FU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return kReplacement;
    code = code << 6 | (next & 0x3F);
  }
  constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  if (code < kLeast[more] || code > 0x10FFFF || IsHigh(code) || IsLow(code)) return kReplacement;
  text.remove_prefix(more);
  return code;
}

std::string Escape(std::string_view text) {
  // Escaping them in values too is allowed, and needs no rule for keys and for leading blanks.
  constexpr std::string_view kSpecial = "\\=:#! ";
  std::string out;
  while (!text.empty()) {
    const std::uint32_t code = TakeCharacter(text);
    if (code >= 0x10000) {
      out += fmt::format("\\u{:04X}\\u{:04X}", 0xD800 + ((code - 0x10000) >> 10),
                         0xDC00 + ((code - 0x10000) & 0x3FF));
    } else if (code < 0x20 || code >= 0x7F) {
      out += fmt::format("\\u{:04X}", code);
    } else {
      if (kSpecial.find(static_cast<char>(code)) != std::string_view::npos) out += '\\';
      out += static_cast<char>(code);
    }
  }
  return out;
}

}  // namespace

Properties ParseProperties(std::string_view text) {
  Properties properties;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    const std::optional<std::string> line = TakeLogicalLine(text);
    if (!line) continue;
    const std::size_t end = KeyEnd(*line);
    std::string_view value = TrimLeft(std::string_view(*line).substr(end));
    if (value.starts_with('=') || value.starts_with(':')) value = TrimLeft(value.substr(1));
    properties.insert_or_assign(Unescape(line->substr(0, end)), Trim(Unescape(value)));
  }
  return properties;
}

std::string FormatProperties(const Properties& properties) {
  std::string text;
  for (const auto& [key, value] : properties)
    text += fmt::format("{}={}\n", Escape(key), Escape(value));
  return text;
}

}  // namespace livy::internal
