#include "server/session_expiry.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Clock::TimePoint At(Clock::Duration time) {
  return Clock::TimePoint(time);
}

// What a session that started at 0, was active at 10 s and touched at 20 s is due to.
std::string Due(const ExpiryLimits& limits, bool working, int watchers) {
  const SessionTimes times = {.started = At(seconds(0)),
                              .active = At(seconds(10)),
                              .touched = At(seconds(20)),
                              .working = working,
                              .watchers = watchers};
  const std::optional<Expiry> next = NextExpiry(limits, times);
  if (!next) return "never";
  const auto at = std::chrono::duration_cast<seconds>(next->at.time_since_epoch());
  return std::to_string(at.count()) + ": " + ReasonOf(next->kind, limits, times);
}

TEST_CASE("the limit that is reached first ends a session") {
  struct Row {
    ExpiryLimits limits;
    bool working;
    int watchers;
    const char* due;
  };
  const Row rows[] = {
      {{}, false, 0, "never"},
      {{.ttl = hours(8)}, false, 0, "28800: ttl of 8h is over"},
      {{.ttl = hours(8)}, true, 1, "28800: ttl of 8h is over"},
      {{.idle = hours(1)}, false, 0, "3610: idle for 1h"},
      {{.idle = hours(1)}, false, 1, "3610: idle for 1h"},
      {{.idle = hours(1)}, true, 0, "never"},
      {{.idle = hours(1), .skip_busy = false}, true, 0, "3610: no activity for 1h"},
      {{.idle = hours(1), .skip_busy = false}, false, 0, "3610: idle for 1h"},
      {{.heartbeat = seconds(30)}, false, 0, "50: no heartbeat for 30s"},
      {{.heartbeat = seconds(30)}, true, 0, "50: no heartbeat for 30s"},
      {{.heartbeat = seconds(30)}, false, 1, "never"},
      {{.idle = minutes(1), .ttl = minutes(2), .heartbeat = minutes(3)},
       false,
       0,
       "70: idle for 1m"},
      {{.idle = minutes(1), .ttl = minutes(2), .heartbeat = minutes(3)},
       true,
       0,
       "120: ttl of 2m is over"},
      {{.idle = minutes(1), .ttl = minutes(2), .heartbeat = seconds(3)},
       false,
       0,
       "23: no heartbeat for 3s"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string_view(row.due));
    CHECK(Due(row.limits, row.working, row.watchers) == row.due);
  }
}

TEST_CASE("a request's times go before the server's, whose checks may switch them off") {
  struct Row {
    const char* what;
    SessionRequest request;
    SessionExpiry expiry;
    std::optional<Clock::Duration> idle;
    std::optional<Clock::Duration> ttl;
    std::optional<Clock::Duration> heartbeat;
  };
  const Row rows[] = {
      {"defaults", {}, {}, hours(1), {}, {}},
      {"asked for",
       {.heartbeat_timeout_s = 30, .ttl = "10h", .idle_timeout = "5m"},
       {},
       minutes(5),
       hours(10),
       seconds(30)},
      {"asked for never", {.idle_timeout = "0"}, {}, {}, {}, {}},
      {"no heartbeat", {.heartbeat_timeout_s = -5}, {}, hours(1), {}, {}},
      {"no idle check", {.idle_timeout = "5m"}, {.timeout_check = false}, {}, {}, {}},
      {"no limit by default", {}, {.timeout = seconds(0)}, {}, {}, {}},
      {"ttl for all", {}, {.ttl_check = true}, hours(1), hours(8), {}},
      {"another ttl", {.ttl = "1m"}, {.ttl_check = true}, hours(1), minutes(1), {}},
      {"ttl without idle check", {.ttl = "1m"}, {.timeout_check = false}, {}, minutes(1), {}},
      {"a very long time", {.idle_timeout = "20000d"}, {}, hours(240000), {}, {}},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string_view(row.what));
    const ExpiryLimits limits = LimitsFor(row.request, row.expiry);
    CHECK(limits.idle == row.idle);
    CHECK(limits.ttl == row.ttl);
    CHECK(limits.heartbeat == row.heartbeat);
  }
}

}  // namespace
}  // namespace livy::internal
