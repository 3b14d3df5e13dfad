// Why a session or a batch ended, for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <livy/launcher.h>

namespace livy::internal {

// Who or what ended it.
enum class EndedBy {
  kOrder,        // Somebody wanted it, or a limit that was set for it.
  kFailure,      // Something went wrong.
  kApplication,  // The driver has told of its end; why, its application can say.
};

// The end of what an application wrote to its standard error, or to its standard output if there is
// nothing, without what says nothing: frames of stack traces, reports that all is well, empty
// lines. Where the log is that of a driver in a pod, of what the driver wrote. `log` is the end of
// a log as Launcher's contract has it. Each line is bounded, and so is their number.
std::vector<std::string> LastWords(const std::vector<std::string>& log);

// Those of an application. Its log is asked for; so no lock is to be held.
std::vector<std::string> LastWordsOf(const Application& application);

// The sentence, on one line. `said` is what was noted when the end began; an application that ended
// by itself knows better.
std::string EndSentence(EndedBy by, std::string_view said, const ApplicationStatus& status);

// The reason as one text: a sentence, and below it the last words.
std::string EndReason(std::string_view sentence, const std::vector<std::string>& last_words);

// The sentence of such a text.
std::string_view SentenceOf(std::string_view end_reason);

}  // namespace livy::internal
