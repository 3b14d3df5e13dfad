#include "server/end_reason.h"

#include <algorithm>
#include <cstddef>

#include "core/utf8.h"

namespace livy::internal {
namespace {

constexpr std::string_view kOutHeader = "stdout: ";
constexpr std::string_view kErrHeader = "\nstderr: ";
// Where it stands, the driver's log is the first stream, and below is what it was submitted with.
constexpr std::string_view kPodHeader = "\nKubernetes Diagnostics: ";
constexpr int kLastWordsSearched = 100;
constexpr std::size_t kLinesMax = 5;
constexpr std::size_t kLineBytesMax = 500;

bool SaysNothing(std::string_view line) {
  if (line.starts_with('\n')) return true;  // A header: nothing that was written has a line feed.
  const std::size_t text = line.find_first_not_of(" \t\r");
  if (text == line.npos) return true;
  const std::string_view rest = line.substr(text);
  const bool is_frame = text > 0 && (rest.starts_with("at ") || rest.starts_with("... ") ||
                                     rest.starts_with("File \""));
  // As Spark's own logging writes it: the time, the level, the class. Each start has warnings.
  return is_frame || line.find(" INFO ") != line.npos || line.find(" WARN ") != line.npos;
}

using LogLine = std::vector<std::string>::const_iterator;

std::vector<std::string> LastWordsAmong(LogLine first, LogLine line) {
  std::vector<std::string> words;
  while (line != first && words.size() < kLinesMax) {
    --line;
    if (!SaysNothing(*line) && *line != kOutHeader)
      words.emplace_back(CutUtf8(*line, kLineBytesMax));
  }
  std::ranges::reverse(words);
  return words;
}

}  // namespace

std::vector<std::string> LastWords(const std::vector<std::string>& log) {
  const auto header = std::ranges::find(log, kErrHeader);
  if (header == log.end()) return LastWordsAmong(log.begin(), log.end());
  const auto pod = std::find(header, log.end(), kPodHeader);
  if (pod != log.end()) {
    std::vector<std::string> words = LastWordsAmong(log.begin(), header);
    return words.empty() ? LastWordsAmong(header + 1, pod) : words;
  }
  std::vector<std::string> words = LastWordsAmong(header + 1, log.end());
  return words.empty() ? LastWordsAmong(log.begin(), header) : words;
}

std::vector<std::string> LastWordsOf(const Application& application) {
  const std::vector<std::string> end = application.Log(-1, kLastWordsSearched).lines;
  const bool is_driver_first = std::ranges::find(end, kPodHeader) != end.end();
  return LastWords(is_driver_first ? application.Log(0, -1).lines : end);
}

std::string EndSentence(EndedBy by, std::string_view said, const ApplicationStatus& status) {
  const bool knows_better = by == EndedBy::kApplication && !status.reason.empty();
  std::string sentence(knows_better ? status.reason : said);
  if (sentence.empty()) sentence = "the application has ended";
  // Whoever wrote it: what stands below it belongs to the application.
  std::ranges::replace(sentence, '\n', ' ');
  return sentence;
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
