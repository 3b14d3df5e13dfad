#include "server/session_expiry.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/duration.h"

namespace livy::internal {
namespace {

using std::chrono::milliseconds;

// Longer ones are cut: 64 bits of nanoseconds hold some 290 years.
constexpr milliseconds kLongest = std::chrono::hours(24) * 10000;

std::optional<Clock::Duration> LimitOf(milliseconds limit) {
  if (limit <= milliseconds(0)) return std::nullopt;
  return std::min(limit, kLongest);
}

std::optional<Clock::Duration> LimitOf(const std::optional<std::string>& asked,
                                       milliseconds absent) {
  const Result<milliseconds> time = asked ? ParseDuration(*asked) : Result<milliseconds>(absent);
  return LimitOf(time ? *time : absent);
}

std::string InWords(const std::optional<Clock::Duration>& time) {
  return FormatDuration(
      std::chrono::duration_cast<milliseconds>(time.value_or(Clock::Duration::zero())));
}

}  // namespace

std::optional<Expiry> NextExpiry(const ExpiryLimits& limits, const SessionTimes& times) {
  std::optional<Expiry> next;
  const auto consider = [&](Clock::TimePoint at, ExpiryKind kind) {
    if (!next || at < next->at) next = Expiry{.at = at, .kind = kind};
  };
  if (limits.ttl) consider(times.started + *limits.ttl, ExpiryKind::kTtl);
  if (limits.idle && !(times.working && limits.skip_busy)) {
    consider(times.active + *limits.idle, ExpiryKind::kIdle);
  }
  if (limits.heartbeat && times.watchers == 0) {
    consider(times.touched + *limits.heartbeat, ExpiryKind::kHeartbeat);
  }
  return next;
}

std::string ReasonOf(ExpiryKind kind, const ExpiryLimits& limits, const SessionTimes& times) {
  switch (kind) {
    case ExpiryKind::kTtl:
      return fmt::format("ttl of {} is over", InWords(limits.ttl));
    case ExpiryKind::kIdle:
      return fmt::format("{} for {}", times.working ? "no activity" : "idle", InWords(limits.idle));
    case ExpiryKind::kHeartbeat:
      return fmt::format("no heartbeat for {}", InWords(limits.heartbeat));
  }
  return "";
}

ExpiryLimits LimitsFor(const SessionRequest& request, const SessionExpiry& expiry) {
  ExpiryLimits limits{.skip_busy = expiry.skip_busy};
  limits.ttl = LimitOf(request.ttl, expiry.ttl_check ? expiry.ttl : milliseconds(0));
  if (expiry.timeout_check) limits.idle = LimitOf(request.idle_timeout, expiry.timeout);
  limits.heartbeat = LimitOf(std::chrono::seconds(request.heartbeat_timeout_s.value_or(0)));
  return limits;
}

}  // namespace livy::internal
