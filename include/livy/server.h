// LivyServer: the REST service, inside any program.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <livy/access_manager.h>
#include <livy/authenticator.h>
#include <livy/clock.h>
#include <livy/connection.h>
#include <livy/launcher.h>
#include <livy/log.h>
#include <livy/result.h>
#include <livy/store.h>

namespace livy {

// Bounds of everything that clients can make grow. docs/configuration.md gives the keys of
// livy.conf that set them.
struct ServerLimits {
  int connections_max = 20000;  // Open at once; further ones are closed at once.
  int worker_threads_max = 16;  // For requests being worked on, not for waiting ones.
  std::size_t request_header_bytes_max = 131072;
  std::size_t request_body_bytes_max = 16 << 20;  // After decoding.
  std::chrono::milliseconds request_header_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds request_body_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds response_timeout =
      std::chrono::seconds(30);  // For a client to take it.
  std::chrono::milliseconds keep_alive_timeout = std::chrono::seconds(60);
  std::chrono::milliseconds wait_max = std::chrono::seconds(60);  // The longest ?wait=.
  int sessions_max = 20000;          // Listed at once, ended ones included.
  int batches_max = 20000;           // So for batches.
  int idempotency_keys_max = 10000;  // Remembered of one user; the oldest go first.
  int store_callers_max = 14;        // In the store at once; 2 workers are always left out.
  std::chrono::milliseconds store_patience = std::chrono::seconds(1);  // For a turn; then 503.
  int store_owed_max = 10000;  // Keys whose values a store that fails has yet to take; then 503.
  int creations_max = 100;     // Applications at once: livy.server.session.max-creation.
  int statements_queued_max = 1000;                    // Waiting in one session.
  std::size_t statements_queued_bytes_max = 64 << 20;  // Their code; a single one may be longer.
  // Code and outputs of one session's finished statements in memory; those of older ones are read
  // from the store when somebody looks.
  std::size_t statements_cached_bytes_max = 4 << 20;
  int completions_max = 100;  // Under way in one session.
  int additions_max = 100;    // Files being given to one session's driver.
  std::chrono::milliseconds addition_timeout = std::chrono::seconds(120);  // For it to fetch one.
  std::size_t upload_bytes_max = 100 << 20;  // Of one request: livy.file.upload.max.size.
  std::size_t uploads_bytes_max = 1 << 30;   // Of one session's uploaded files.
  int events_retained_max = 1000;  // Kept of a session that is followed, for those who come back;
  std::size_t events_retained_bytes_max = 256 << 10;  // the newest one even if it is longer.
  int statements_retained_max = 100;       // Kept of one session: livy.rsc.retained-statements.
  std::size_t output_bytes_max = 1 << 20;  // Text of one statement; the rest is cut with a notice.
  // Kept on disk of what one application writes, the newest of it: see ServerOptions::output_dir.
  std::size_t application_output_bytes_max = 16 << 20;
  int sql_rows_max = 1000;  // livy.rsc.sql.num-rows.
};

// What a runtime has of its own; as in SparkRules.
struct RuntimeRules {
  std::string master = "local[*]";      // livy.runtime.NAME.master.
  std::string deploy_mode = {};         // livy.runtime.NAME.deploy-mode.
  std::string default_fs = "file:///";  // Of the runtime's Hadoop.
};

// What requests may ask of Spark. Keys in docs/configuration.md.
struct SparkRules {
  std::string master = "local[*]";      // Of every session: livy.spark.master.
  std::string deploy_mode = {};         // livy.spark.deploy-mode; empty: Spark's default.
  std::string default_fs = "file:///";  // Put before paths without a scheme.
  // Further Sparks that requests may choose, by name; the launcher must know the same names.
  std::map<std::string, RuntimeRules> runtimes = {};
  std::string default_runtime = {};  // Of requests that choose none; empty: the three above.
  // Spark settings whose values are lists of files, beside Spark's own:
  // livy.spark.file-list-configs.
  std::vector<std::string> file_lists = {};
  // Directories whose local files requests may use: livy.file.local-dir-whitelist.
  std::vector<std::string> local_dirs_allowed = {};
  // Spark settings that requests may not make: spark-blacklist.conf.
  std::set<std::string> conf_refused = {};
  // Whether requests may choose the deploy mode: livy.server.session.allow-custom-classpath.
  bool custom_classpath_allowed = false;
};

// When sessions end by themselves. Times of 0 mean never. docs/guide.md has the rules.
struct SessionExpiry {
  bool timeout_check = true;  // livy.server.session.timeout-check: whether idleness ends sessions.
  // Without activity, unless the request says how long: livy.server.session.timeout.
  std::chrono::milliseconds timeout = std::chrono::hours(1);
  // Whether a session that works is not idle: livy.server.session.timeout-check.skip-busy.
  bool skip_busy = true;
  // Whether sessions whose request has no ttl get the next one: livy.server.session.ttl-check.
  bool ttl_check = false;
  std::chrono::milliseconds ttl = std::chrono::hours(8);  // livy.server.session.ttl.
};

// How long sessions that have ended can be read that are not listed any more, with their statements
// and outputs. They are in the store.
struct SessionHistoryLimits {
  std::chrono::milliseconds retain = std::chrono::hours(24);  // 0: none is kept.
  std::size_t bytes_max = 64 << 20;  // Of their statements; the oldest sessions go first.
};

// What becomes of sessions when their server stops; a crash they survive in any case, if their
// store does.
enum class Recovery {
  kAfterCrash,  // Stop() ends them. livy.server.recovery.mode = off.
  kAlways,      // Stop() leaves them to a later server, for driver_server_lost_timeout at most.
};

struct ServerOptions {
  std::string host = "127.0.0.1";  // An address or a name; "::1" and "0.0.0.0" too.
  int port = 0;                    // 0: any free port; LivyServer::port() tells which.

  // PEM files; both set: HTTPS only.
  std::string certificate_file = {};
  std::string key_file = {};

  // The address under which drivers reach this server. Empty: `host`, or this machine's name if
  // `host` is every address.
  std::string driver_host = {};
  std::string driver_listen_host = {};  // Where to listen for drivers. Empty: `host`.
  int driver_port = 0;                  // For drivers, always TLS. 0: any free port.
  std::chrono::milliseconds driver_connect_timeout = std::chrono::seconds(90);
  std::chrono::milliseconds driver_shutdown_timeout = std::chrono::seconds(10);
  // How long Stop() waits for the ends of what it has killed. What has not ended then, such as
  // applications on a cluster that does not answer, is left to a later server with the same store.
  std::chrono::milliseconds stop_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds driver_cancel_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds driver_server_lost_timeout = std::chrono::minutes(10);
  SessionExpiry expiry = {};
  Recovery recovery = Recovery::kAfterCrash;
  std::chrono::milliseconds state_retain = std::chrono::minutes(10);  // Of ended sessions.
  SessionHistoryLimits history = {};

  // How long it is known what a request with an Idempotency-Key has created.
  std::chrono::milliseconds idempotency_key_retain = std::chrono::hours(24);

  // Where files wait that clients have uploaded, in a folder for each session; of this server
  // alone. What an earlier server left there is removed at the start. Empty: a temporary folder.
  std::filesystem::path upload_dir = {};

  // Where what applications write is kept, as long as their sessions and batches are listed, in a
  // folder for each; of this server and its store alone. Empty: only its last lines are kept, in
  // memory.
  std::filesystem::path output_dir = {};

  SparkRules spark = {};
  bool security_headers = true;  // livy.server.security-headers.enabled.

  ServerLimits limits = {};

  // What can be replaced; unset parts are those that come with the library: applications by
  // spark-submit from $SPARK_HOME, a store in memory, access for everybody, callers without names,
  // the system's clock, no log.
  std::unique_ptr<Launcher> launcher = {};
  std::unique_ptr<Store> store = {};
  std::unique_ptr<AccessManager> access_manager = {};
  std::unique_ptr<Authenticator> authenticator = {};
  std::unique_ptr<Clock> clock = {};
  std::unique_ptr<LogSink> log = {};
};

// A running server. Safe to use from several threads. Several may live in one process.
class LivyServer {
 public:
  // Starts to listen and returns. Fails with kInvalidArgument if an option cannot be used, with
  // kUnavailable if an address is taken or the store cannot be read, with kPermissionDenied if a
  // port below 1024 is not for this user.
  static Result<std::unique_ptr<LivyServer>> Create(ServerOptions options);

  // Stops as Stop() does.
  virtual ~LivyServer() = default;

  LivyServer(const LivyServer&) = delete;
  LivyServer& operator=(const LivyServer&) = delete;

  // Where it listens, such as "http://127.0.0.1:8998".
  virtual std::string url() const = 0;
  virtual int port() const = 0;

  // A client's connection that goes through no socket. It must not outlive the server.
  virtual std::shared_ptr<Connection> Connect() = 0;

  // Answers what is under way, ends all sessions with their drivers and all batches, and returns
  // when they have ended, after driver_shutdown_timeout and stop_timeout at the latest. Harmless
  // when repeated.
  virtual void Stop() = 0;

 protected:
  LivyServer() = default;
};

}  // namespace livy
