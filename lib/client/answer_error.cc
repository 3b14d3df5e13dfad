#include "client/answer_error.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"
#include "core/utf8.h"

namespace livy::internal {
namespace {

constexpr std::size_t kMessageBytesMax = 4096;

constexpr std::string_view kTitleOpen = "<title>";

std::optional<std::string> JsonWords(std::string_view body) {
  const Result<JsonValue> json = ParseJson(body);
  if (!json) return std::nullopt;
  if (json->AsString() != nullptr) return *json->AsString();
  for (const std::string_view name : {"msg", "message"}) {
    const JsonValue* const member = json->Find(name);
    if (member != nullptr && member->AsString() != nullptr) return *member->AsString();
  }
  return std::nullopt;
}

// The title of an HTML page: containers and proxies put the reason there.
std::optional<std::string> PageTitle(std::string_view body) {
  const std::size_t open = body.find(kTitleOpen);
  if (open == body.npos) return std::nullopt;
  const std::size_t begin = open + kTitleOpen.size();
  const std::size_t end = body.find("</title>", begin);
  if (end == body.npos) return std::nullopt;
  return std::string(body.substr(begin, end - begin));
}

// One sentence for a person: no stack trace, and not a whole page.
std::string Shortened(std::string words) {
  for (const std::string_view trace : {"\n\tat ", "\n at ", "\r\n\tat "})
    words.resize(std::min(words.size(), words.find(trace)));
  if (words.size() <= kMessageBytesMax) return words;
  return std::string(CutUtf8(words, kMessageBytesMax)) + "...";
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

ErrorCode CodeOf400(std::string_view words) {
  if (Contains(words, "too many sessions")) return ErrorCode::kResourceExhausted;
  if (Contains(words, "Session isn't active")) return ErrorCode::kUnavailable;
  return ErrorCode::kInvalidArgument;
}

ErrorCode CodeOf500(std::string_view words) {
  if (Contains(words, "Session is in state")) return ErrorCode::kUnavailable;
  // A statement without a usable kind: the driver's complaint, passed on.
  if (Contains(words, "IllegalArgumentException")) return ErrorCode::kInvalidArgument;
  return ErrorCode::kInternal;
}

ErrorCode CodeOf(int status, std::string_view words) {
  switch (status) {
    case 400:
      return CodeOf400(words);
    case 401:
    case 407:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
    case 410:
      return ErrorCode::kNotFound;
    case 408:
    case 502:
    case 503:
      return ErrorCode::kUnavailable;
    case 429:
      return ErrorCode::kResourceExhausted;
    case 500:
      return CodeOf500(words);
    case 504:
      return ErrorCode::kDeadlineExceeded;
    default:
      return status >= 400 && status < 500 ? ErrorCode::kInvalidArgument : ErrorCode::kInternal;
  }
}

}  // namespace

Error AnswerError(const HttpRequest& request, const HttpResponse& response) {
  std::string words = JsonWords(response.body).value_or(PageTitle(response.body).value_or(""));
  const ErrorCode code = CodeOf(response.status, words);
  words = Shortened(std::move(words));
  if (words.empty()) {
    words = fmt::format("The server answered {} {} with status {}.", request.method, request.target,
                        response.status);
  }
  const auto location = FindHeader(response.headers, "location");
  if (response.status >= 300 && response.status < 400 && location)
    words += fmt::format(" It points to {}.", *location);
  if (const auto pause = FindHeader(response.headers, "retry-after"); pause)
    words += fmt::format(" Retry after {} seconds.", *pause);
  return Error{code, std::move(words)};
}

bool IsPassing(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

}  // namespace livy::internal
