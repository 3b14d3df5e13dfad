// Values of interactive sessions: what is asked for, and what the server shows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace livy {

// The language of a statement, or of all statements of a session. kShared is a session without a
// default language: each of its statements names one.
enum class Kind { kSpark, kPySpark, kSparkR, kSql, kShared };

// The canonical name on the wire, such as "pyspark".
std::string_view ToString(Kind kind);

// Accepts canonical names and Apache Livy's aliases "scala", "python" and "r"; case sensitive.
std::optional<Kind> ParseKind(std::string_view text);

// States of sessions and batches, as Apache Livy names them. kSuccess and kRunning are for batches.
enum class SessionState {
  kNotStarted,
  kStarting,
  kRecovering,
  kIdle,
  kRunning,
  kBusy,
  kShuttingDown,
  kError,
  kDead,
  kKilled,
  kSuccess,
};

// The name on the wire, such as "shutting_down".
std::string_view ToString(SessionState state);

std::optional<SessionState> ParseSessionState(std::string_view text);

// Whether a session in `from` may become `to`. No state may become itself, and no state that is
// not active becomes active again.
bool CanMove(SessionState from, SessionState to);

// Whether the session still has, or will have, a driver.
bool IsActive(SessionState state);

// What POST /sessions takes. Fields left out have the server's default.
struct SessionRequest {
  std::optional<Kind> kind = {};  // Unset: kShared.
  std::optional<std::string> proxy_user = {};
  std::vector<std::string> jars = {};  // URIs that the driver can reach; so for the next three.
  std::vector<std::string> py_files = {};
  std::vector<std::string> files = {};
  std::vector<std::string> archives = {};
  std::optional<std::string> driver_memory = {};  // As Spark writes it, such as "512m" or "2g".
  std::optional<int> driver_cores = {};
  std::optional<std::string> executor_memory = {};
  std::optional<int> executor_cores = {};
  std::optional<int> num_executors = {};
  std::optional<std::string> queue = {};
  std::optional<std::string> name = {};  // Unique among the server's sessions, not only digits.
  std::map<std::string, std::string> conf = {};  // Spark settings.
  std::optional<int> heartbeat_timeout_s = {};   // 0: no heartbeat is expected.
  std::optional<std::string> ttl = {};           // Such as "8h"; digits alone are milliseconds.
  std::optional<std::string> idle_timeout = {};  // As `ttl`.
  std::optional<std::string> runtime = {};  // Of the server's Sparks; Apache Livy has one only.

  bool operator==(const SessionRequest&) const = default;
};

// What a running session can be given: code for the JVM, for Python, or data.
enum class ResourceKind { kJar, kPyFile, kFile };

// The name on the wire, such as "pyfile".
std::string_view ToString(ResourceKind kind);

struct AppInfo {
  std::optional<std::string> driver_log_url = {};
  std::optional<std::string> spark_ui_url = {};
  std::optional<std::string> executor_log_urls = {};

  bool operator==(const AppInfo&) const = default;
};

// A session as a server shows it.
struct Session {
  int id = 0;
  std::optional<std::string> app_id = {};
  std::optional<std::string> owner = {};
  SessionState state = SessionState::kStarting;
  AppInfo app_info = {};
  std::vector<std::string> log = {};  // The last ten lines; empty if the caller may not see them.
  // What was asked for; kind, proxy user and runtime as they became.
  SessionRequest request = {};
  // Why it ended, once it has: a sentence such as "deleted by alice", and below it the last lines
  // of the driver's standard error if nobody asked for the end. Apache Livy does not tell.
  std::optional<std::string> end_reason = {};
  std::optional<int> exit_code = {};  // Of the application, once it has ended, if it had one.

  bool operator==(const Session&) const = default;
};

}  // namespace livy
