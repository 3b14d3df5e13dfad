// When a session's time is over: a function of its times and limits.
#pragma once

#include <optional>
#include <string>

#include <livy/clock.h>
#include <livy/server.h>
#include <livy/session.h>

namespace livy::internal {

// Of one session. What is unset does not end it.
struct ExpiryLimits {
  std::optional<Clock::Duration> idle = {};       // Without activity.
  std::optional<Clock::Duration> ttl = {};        // From its start.
  std::optional<Clock::Duration> heartbeat = {};  // Without a request for it.
  bool skip_busy = true;                          // What works is not idle, however long it takes.
};

struct SessionTimes {
  Clock::TimePoint started = {};
  Clock::TimePoint active = {};   // Last.
  Clock::TimePoint touched = {};  // The last request for it.
  bool working = true;            // It starts, or statements run or wait.
  int watchers = 0;               // Requests for it that are still open.
};

enum class ExpiryKind { kTtl, kIdle, kHeartbeat };

struct Expiry {
  Clock::TimePoint at = {};
  ExpiryKind kind = ExpiryKind::kTtl;
};

// The next moment at which the session is to end if nothing happens before; nullopt for never.
std::optional<Expiry> NextExpiry(const ExpiryLimits& limits, const SessionTimes& times);

// As a session's end has it, such as "idle for 1h".
std::string ReasonOf(ExpiryKind kind, const ExpiryLimits& limits, const SessionTimes& times);

// What holds for a session. Times of the request that cannot be read count as absent.
ExpiryLimits LimitsFor(const SessionRequest& request, const SessionExpiry& expiry);

}  // namespace livy::internal
