// What a request may set for its own session by livy.rsc.* keys in its conf.
#pragma once

#include <chrono>

#include <livy/result.h>
#include <livy/session.h>

namespace livy::internal {

// The most rows that a request may want of an SQL statement.
inline constexpr int kSqlRowsMax = 1'000'000;

struct SessionSettings {
  int statements_retained_max = 100;  // livy.rsc.retained-statements
  int sql_rows_max = 1000;            // livy.rsc.sql.num-rows
  std::chrono::milliseconds driver_connect_timeout = std::chrono::seconds(90);
  std::chrono::milliseconds driver_shutdown_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds driver_cancel_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds driver_server_lost_timeout = std::chrono::minutes(10);

  bool operator==(const SessionSettings&) const = default;
};

// `defaults` with what the request sets instead. Fails with kInvalidArgument, naming the key, if a
// value cannot be used. Other livy.* keys have no effect.
Result<SessionSettings> SettingsFor(const SessionRequest& request, SessionSettings defaults);

}  // namespace livy::internal
