#include "server/end_reason.h"

#include <algorithm>
#include <cstddef>

namespace livy::internal {
namespace {

constexpr std::string_view kErrHeader = "\nstderr: ";
constexpr std::size_t kLinesMax = 5;
constexpr std::size_t kLineBytesMax = 500;

bool SaysNothing(std::string_view line) {
  const std::size_t text = line.find_first_not_of(" \t\r");
  if (text == line.npos) return true;
  const std::string_view rest = line.substr(text);
  const bool is_frame = text > 0 && (rest.starts_with("at ") || rest.starts_with("... "));
  // As Spark's own logging writes it: the time, the level, the class. Each start has warnings.
  return is_frame || line.find(" INFO ") != line.npos || line.find(" WARN ") != line.npos;
}

// Not more than the bound, and no character in halves.
std::string_view Cut(std::string_view line) {
  if (line.size() <= kLineBytesMax) return line;
  std::size_t end = kLineBytesMax;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80)
    --end;
  return line.substr(0, end);
}

}  // namespace

std::vector<std::string> LastWords(const std::vector<std::string>& log) {
  const auto header = std::ranges::find(log, kErrHeader);
  auto line = log.end();
  const auto first = header == log.end() ? log.begin() : header + 1;
  std::vector<std::string> words;
  while (line != first && words.size() < kLinesMax) {
    --line;
    if (!SaysNothing(*line)) words.emplace_back(Cut(*line));
  }
  std::ranges::reverse(words);
  return words;
}

std::string EndReason(std::string_view sentence, const std::vector<std::string>& last_words) {
  std::string reason(sentence);
  for (const std::string& line : last_words) {
    reason += '\n';
    reason += line;
  }
  return reason;
}

std::string_view SentenceOf(std::string_view end_reason) {
  return end_reason.substr(0, end_reason.find('\n'));
}

}  // namespace livy::internal
