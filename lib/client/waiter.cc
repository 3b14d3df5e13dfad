#include "client/waiter.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/wire_client.h"

namespace livy::internal {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Statements take from milliseconds to hours: ask often at first, then seldom enough that a
// thousand waiting clients do not load the server.
constexpr Clock::Duration kFirstPause = milliseconds(100);
constexpr Clock::Duration kLongestPause = seconds(5);

// What a server is asked to wait: long enough to be rare, shorter than proxies let a request idle.
constexpr Clock::Duration kLongestWait = seconds(30);

// Kept back at the end for the last answer to arrive, and given to it even if nothing is left.
constexpr Clock::Duration kLastAnswerTime = milliseconds(100);

// How often in a row a server may fail before that is the result. With the pauses between, enough
// for a connection that broke, not for a server that is down.
constexpr int kFailuresMax = 5;

// So that a wait "for ever" does not overflow: a hundred years.
constexpr milliseconds kLongestTimeout = std::chrono::hours(24 * 365 * 100);

}  // namespace

Waiter::Waiter(Channel& channel, std::string target, milliseconds timeout)
    : channel_(channel),
      target_(std::move(target)),
      timeout_(timeout),
      deadline_(channel.clock().Now() + std::clamp(timeout, milliseconds(0), kLongestTimeout)),
      pause_(kFirstPause) {}

Result<JsonValue> Waiter::Next(std::string_view so_far) {
  // Only now is it clear that the answer was not early because all was done.
  if (asked_to_wait_) channel_.SetOffersWait(offered_);

  for (int failures = 1; true; ++failures) {
    if (!first_ && !waited_) Pause();
    first_ = false;
    // The last answer is read even if it comes at the very end: see kLastAnswerTime.
    if (expired_) return Failure({.code = ErrorCode::kDeadlineExceeded}, so_far);

    Channel::Asked asked = Ask();
    if (!failed_) return std::move(asked.answer);
    if (refused_ || expired_ || failures == kFailuresMax)
      return Failure(std::move(asked.answer).error(), so_far);
  }
}

Error Waiter::Failure(Error error, std::string_view so_far) const {
  if (expired_ && error.code == ErrorCode::kDeadlineExceeded)
    error.message = fmt::format("{} after {} ms.", so_far, timeout_.count());
  return error;
}

Clock::Duration Waiter::Left() const {
  return deadline_ - channel_.clock().Now();
}

milliseconds Waiter::QuestionTime(milliseconds extra) const {
  return std::min(channel_.request_timeout() + extra,
                  duration_cast<milliseconds>(std::max(Left(), kLastAnswerTime)));
}

Channel::Asked Waiter::Ask() {
  const Clock::TimePoint start = channel_.clock().Now();
  const Clock::Duration left = deadline_ - start;

  // Whole seconds, which every server reads; what is less is worth no long poll.
  const auto wait = duration_cast<seconds>(std::min(kLongestWait, left - kLastAnswerTime));
  // After a failure a plain question: a proxy may have cut a long one short.
  asked_to_wait_ = channel_.offers_wait() && !failed_ && wait >= seconds(1);

  std::string target = target_;
  milliseconds extra(0);
  if (asked_to_wait_) {
    const char mark = target.find('?') == target.npos ? '?' : '&';
    target += fmt::format("{}wait={}s", mark, wait.count());
    extra = wait;
  }
  Channel::Asked asked = channel_.Ask(std::move(target), QuestionTime(extra));
  offered_ = asked.waited;
  // One that says that it waited but did not would be asked again without a pause.
  waited_ = offered_ && channel_.clock().Now() - start >= kFirstPause;
  if (waited_) pause_ = kFirstPause;
  failed_ = !asked.answer;
  refused_ = failed_ && !asked.passing;
  if (failed_) {
    asked_to_wait_ = false;  // A failure does not tell what the server can do.
    expired_ = Left() <= kLastAnswerTime;
    pause_ = std::max<Clock::Duration>(pause_, asked.retry_after);
  }
  return asked;
}

void Waiter::Pause() {
  const Clock::Duration left = Left() - kLastAnswerTime;
  expired_ = left <= Clock::Duration::zero();
  if (expired_) return;
  channel_.clock().Sleep(std::min(pause_, left));
  // Longer than the longest only once, if a server asked for that.
  pause_ = std::min(2 * pause_, kLongestPause);
}

Result<OutputPage> AwaitOutput(Channel& channel, std::string_view target, std::int64_t offset,
                               std::chrono::milliseconds timeout) {
  Waiter waiter(channel, fmt::format("{}/output?offset={}", target, offset), timeout);
  OutputPage page = {.offset = offset, .next = offset, .end = offset};
  while (true) {
    const Result<JsonValue> json = waiter.Next("There was no output");
    if (!json && json.error().code == ErrorCode::kDeadlineExceeded) return page;
    if (!json) return json.error();
    Result<OutputPage> next = DecodeOutputPage(*json);
    if (!next || !next->text.empty() || next->ended) return next;
    page = *std::move(next);
  }
}

Error SessionEnded(const Session& session) {
  std::string message = fmt::format("Session {} is {}", session.id, ToString(session.state));
  if (session.end_reason) {
    return {ErrorCode::kUnavailable, fmt::format("{}: {}", message, *session.end_reason)};
  }
  if (session.log.empty()) return {ErrorCode::kUnavailable, message + "."};
  message += fmt::format("; its log ends with:\n{}", fmt::join(session.log, "\n"));
  return {ErrorCode::kUnavailable, std::move(message)};
}

}  // namespace livy::internal
