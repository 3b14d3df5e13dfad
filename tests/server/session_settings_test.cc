#include "server/session_settings.h"

#include <chrono>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("what a request does not set is as the server has it") {
  const SessionSettings server = {.sql_rows_max = 7, .driver_cancel_timeout = seconds(3)};
  CHECK(SettingsFor({.conf = {{"spark.x", "1"}, {"livy.rsc.unknown", "x"}}}, server).value() ==
        server);
}

TEST_CASE("a request sets what matters for its own session") {
  const SessionRequest request = {.conf = {{"livy.rsc.retained-statements", "2"},
                                           {"livy.rsc.sql.num-rows", "5"},
                                           {"livy.rsc.server.connect.timeout", "5m"},
                                           {"livy.rsc.client.shutdown-timeout", "0"},
                                           {"livy.rsc.job-cancel.timeout", "1500"},
                                           {"livy.rsc.server.idle-timeout", "20m"}}};
  CHECK(SettingsFor(request, {}).value() ==
        SessionSettings{.statements_retained_max = 2,
                        .sql_rows_max = 5,
                        .driver_connect_timeout = minutes(5),
                        .driver_shutdown_timeout = seconds(0),
                        .driver_cancel_timeout = milliseconds(1500),
                        .driver_server_lost_timeout = minutes(20)});
}

TEST_CASE("a setting that cannot be used is refused by its name") {
  struct Row {
    const char* key;
    const char* value;
    const char* wanted;
  };
  const Row rows[] = {
      {"livy.rsc.retained-statements", "0", "a number from 1 to 10000"},
      {"livy.rsc.retained-statements", "1e3", "a number from 1 to 10000"},
      {"livy.rsc.sql.num-rows", "1000001", "a number from 1 to 1000000"},
      {"livy.rsc.sql.num-rows", "", "a number from 1 to 1000000"},
      {"livy.rsc.server.connect.timeout", "0", "a time such as 90s or 1h, from 1ms to 1d"},
      {"livy.rsc.client.shutdown-timeout", "11m", "a time such as 90s or 1h, from 0ms to 10m"},
      {"livy.rsc.job-cancel.timeout", "soon", "a time such as 90s or 1h, from 1ms to 1d"},
      {"livy.rsc.server.idle-timeout", "-1s", "a time such as 90s or 1h, from 1ms to 1d"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string_view(row.value));
    const Result<SessionSettings> refused =
        SettingsFor({.conf = {{row.key, row.value}}}, SessionSettings());
    REQUIRE_FALSE(refused);
    CHECK(refused.error() ==
          Error{ErrorCode::kInvalidArgument,
                std::string(row.key) + " = " + row.value + ": it must be " + row.wanted + "."});
  }
}

}  // namespace
}  // namespace livy::internal
