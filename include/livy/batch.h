// Values of batches: what is asked for, and what the server shows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <livy/session.h>

namespace livy {

// What POST /batches takes. Fields left out have the server's default.
struct BatchRequest {
  // The program: the URI of a jar, or of a script in Python or R, that the driver can reach.
  std::string file = {};
  std::optional<std::string> proxy_user = {};
  std::optional<std::string> class_name = {};  // Of a jar, if its manifest names none.
  std::vector<std::string> args = {};
  std::vector<std::string> jars = {};  // URIs like `file`; so for the next three.
  std::vector<std::string> py_files = {};
  std::vector<std::string> files = {};
  std::vector<std::string> archives = {};
  std::optional<std::string> driver_memory = {};  // As Spark writes it, such as "512m" or "2g".
  std::optional<int> driver_cores = {};
  std::optional<std::string> executor_memory = {};
  std::optional<int> executor_cores = {};
  std::optional<int> num_executors = {};
  std::optional<std::string> queue = {};
  std::optional<std::string> name = {};  // Unique among the server's batches, not only digits.
  std::map<std::string, std::string> conf = {};  // Spark settings.
  std::optional<std::string> runtime = {};  // Of the server's Sparks; Apache Livy has one only.

  bool operator==(const BatchRequest&) const = default;
};

// A batch as a server shows it: kStarting, kRecovering and kRunning, then kSuccess, kDead or
// kKilled.
struct Batch {
  int id = 0;
  std::optional<std::string> name = {};
  std::optional<std::string> owner = {};
  std::optional<std::string> proxy_user = {};
  SessionState state = SessionState::kStarting;
  std::optional<std::string> app_id = {};
  AppInfo app_info = {};
  std::vector<std::string> log = {};  // The last ten lines; empty if the caller may not see them.
  std::optional<std::string> runtime = {};  // Where it runs, if that has a name. Not Livy's.
  // Why it ended, once it has: a sentence, and below it the last lines that it wrote if it failed.
  // Apache Livy does not tell.
  std::optional<std::string> end_reason = {};
  std::optional<int> exit_code = {};  // Of the application, once it has ended, if it had one.

  bool operator==(const Batch&) const = default;
};

}  // namespace livy
