// Why a session ended, for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace livy::internal {

// Who or what ended a session.
enum class EndedBy {
  kOrder,        // Somebody wanted it, or a limit that was set for it.
  kFailure,      // Something went wrong.
  kApplication,  // The driver has told of its end; why, its application can say.
};

// Lines of a log that LastWords() looks at.
constexpr int kLastWordsSearched = 100;

// The end of what an application wrote to its standard error, without what says nothing: frames of
// stack traces, reports that all is well, empty lines. `log` is the end of a log as Launcher's
// contract has it. Each line is bounded, and so is their number.
std::vector<std::string> LastWords(const std::vector<std::string>& log);

// The reason as one text: a sentence, and below it the last words.
std::string EndReason(std::string_view sentence, const std::vector<std::string>& last_words);

// The sentence of such a text.
std::string_view SentenceOf(std::string_view end_reason);

}  // namespace livy::internal
