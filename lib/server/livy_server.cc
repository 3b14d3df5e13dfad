// LivyServer's parts, put together.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include <livy/server.h>

#include "driver_link/driver_listener.h"
#include "files/private_file.h"
#include "http/certificate.h"
#include "http/http_server.h"
#include "server/batch_manager.h"
#include "server/guarded.h"
#include "server/guarded_parts.h"
#include "server/idempotency_keys.h"
#include "server/in_process_connection.h"
#include "server/reply.h"
#include "server/rest_service.h"
#include "server/session_manager.h"
#include "server/session_store.h"
#include "server/store_writer.h"
#include "server/timer.h"

namespace livy {
namespace internal {
namespace {

constexpr std::chrono::seconds kPingInterval(15);
constexpr std::chrono::seconds kHttpGrace(1);

// Of a file that an option names.
Result<std::string> ReadNamed(const std::string& path) {
  Result<std::string> content = ReadFile(path);
  if (!content) return Error{ErrorCode::kInvalidArgument, fmt::format("{} cannot be read.", path)};
  return content;
}

bool IsEveryAddress(const std::string& host) {
  return host == "0.0.0.0" || host == "::";
}

std::string MachineName() {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0) return "localhost";
  return name;
}

HttpServerOptions HttpOptions(const ServerOptions& options) {
  const ServerLimits& limits = options.limits;
  return {.host = options.host,
          .port = options.port,
          .threads_max = limits.worker_threads_max,
          .connections_max = limits.connections_max,
          .header_bytes_max = limits.request_header_bytes_max,
          .body_bytes_max = limits.request_body_bytes_max,
          .multipart_bytes_max = limits.upload_bytes_max,
          .header_timeout = limits.request_header_timeout,
          .body_timeout = limits.request_body_timeout,
          .response_timeout = limits.response_timeout,
          .keep_alive_timeout = limits.keep_alive_timeout};
}

// Two workers are always left for those who only want to read.
StoreWriterOptions WriterOptions(const ServerLimits& limits) {
  return {.callers_max = std::min(limits.store_callers_max, limits.worker_threads_max - 2),
          .patience = limits.store_patience,
          .owed_max = limits.store_owed_max};
}

DriverListenerOptions DriverOptions(const ServerOptions& options) {
  const std::string& listen =
      options.driver_listen_host.empty() ? options.host : options.driver_listen_host;
  std::string dial = options.driver_host;
  if (dial.empty()) dial = IsEveryAddress(listen) ? MachineName() : listen;
  return {.host = listen, .port = options.driver_port, .public_host = std::move(dial)};
}

// A name that nobody can have taken: the folder is made with the first upload.
std::filesystem::path TemporaryUploadDir() {
  std::error_code ignored;
  return std::filesystem::temp_directory_path(ignored) / ("livy-uploads-" + RandomHex(8));
}

// Parts that were left out become those that come with the library.
Result<void> FillIn(ServerOptions& options) {
  if (!options.log) options.log = MakeNullLogSink();
  if (!options.clock) options.clock = MakeSystemClock();
  if (!options.store) options.store = MakeMemoryStore();
  if (!options.access_manager) options.access_manager = MakeOpenAccessManager();
  if (!options.launcher) {
    Result<std::unique_ptr<Launcher>> launcher = MakeSparkSubmitLauncher({}, *options.log);
    if (!launcher) return launcher.error();
    options.launcher = *std::move(launcher);
  }
  return {};
}

class Server : public LivyServer {
 public:
  explicit Server(ServerOptions options)
      : options_(std::move(options)),
        launcher_(std::move(options_.launcher)),
        upload_dir_(options_.upload_dir.empty() ? TemporaryUploadDir() : options_.upload_dir),
        log_(*options_.log),
        access_(*options_.access_manager, log_),
        guarded_store_(*options_.store),
        writer_(WriterOptions(options_.limits), guarded_store_, *options_.clock, log_,
                StoreThread::kOwn),
        store_(writer_),
        batch_store_(writer_),
        timer_(*options_.clock),
        applications_(options_.limits.creations_max) {}

  ~Server() override { Stop(); }

  Result<void> Start() {
    // First what may be in use or wrong: a server that does not start must leave the store, and
    // what others have launched, as they are.
    const bool tls = !options_.certificate_file.empty() || !options_.key_file.empty();
    if (const Result<void> listening = Listen(tls); !listening) return listening;
    if (const Result<void> listening = ListenForDrivers(); !listening) return listening;
    history_.emplace(
        HistoryOptions{.retain = options_.history.retain,
                       .bytes_max = static_cast<std::int64_t>(options_.history.bytes_max)},
        store_, *options_.clock, timer_, log_);
    services_.emplace(SessionServices{
        .store = store_,
        .history = *history_,
        .clock = *options_.clock,
        .timer = timer_,
        .log = log_,
        .applications = applications_,
        .limits = options_.limits,
        .expiry = options_.expiry,
        .settings = {.statements_retained_max = options_.limits.statements_retained_max,
                     .sql_rows_max = options_.limits.sql_rows_max,
                     .driver_connect_timeout = options_.driver_connect_timeout,
                     .driver_shutdown_timeout = options_.driver_shutdown_timeout,
                     .driver_cancel_timeout = options_.driver_cancel_timeout,
                     .driver_server_lost_timeout = options_.driver_server_lost_timeout},
        .upload_dir = upload_dir_,
        .output = Output(),
    });
    // Of sessions of an earlier server.
    RemoveEntries(upload_dir_,
                  [](const std::string& name) { return name.starts_with("livy-session-"); });
    sessions_.emplace(ManagerOptions(), *services_, *launcher_, *listener_);
    if (const Result<void> loaded = sessions_->Load(); !loaded) return loaded;
    batch_services_.emplace(BatchServices{.store = batch_store_,
                                          .clock = *options_.clock,
                                          .timer = timer_,
                                          .log = log_,
                                          .applications = applications_,
                                          .output = Output()});
    batches_.emplace(BatchManagerOptions{.spark = options_.spark,
                                         .limits = options_.limits,
                                         .state_retain = options_.state_retain},
                     *batch_services_, *launcher_);
    if (const Result<void> loaded = batches_->Load(); !loaded) return loaded;
    std::set<std::string> tags = sessions_->Tags();
    tags.merge(batches_->Tags());
    RemoveOutputBut(options_.output_dir, tags);
    keys_.emplace(IdempotencyOptions{.keys_max = options_.limits.idempotency_keys_max,
                                     .retain = options_.idempotency_key_retain},
                  writer_, *options_.clock, log_);
    if (const Result<void> loaded = keys_->Load(); !loaded) return loaded;
    listener_->FinishRecovery();
    rest_.emplace(RestOptions{.security_headers = options_.security_headers,
                              .tls = tls,
                              .wait_max = options_.limits.wait_max},
                  *sessions_, *batches_, *keys_, access_, options_.authenticator.get(), log_);
    SchedulePing();
    has_started_ = true;
    return {};
  }

  std::string url() const override {
    const std::string host = IsEveryAddress(options_.host) ? MachineName() : options_.host;
    const bool bare_ipv6 = host.find(':') != host.npos;
    return fmt::format("{}://{}{}{}:{}", options_.certificate_file.empty() ? "http" : "https",
                       bare_ipv6 ? "[" : "", host, bare_ipv6 ? "]" : "", port());
  }

  int port() const override { return http_->port(); }

  std::shared_ptr<Connection> Connect() override { return MakeInProcessConnection(Handler()); }

  void Stop() override {
    std::call_once(stopped_, [this] { StopAll(); });
  }

 private:
  void StopAll() {
    // While sessions end, their last requests are answered: deletes, long polls, driver events.
    // What another server has taken over is not ours to end.
    const bool leaves = options_.recovery == Recovery::kAlways || !has_started_ ||
                        (sessions_ && !writer_.CheckOurs());
    const Clock::TimePoint deadline = options_.clock->Now() + options_.stop_timeout;
    if (batches_) leaves ? batches_->LeaveAll() : batches_->StopAll();
    if (sessions_) leaves ? sessions_->LeaveAll() : sessions_->StopAll(deadline);
    if (batches_ && !leaves) batches_->AwaitEnds(deadline);  // They end while sessions do.
    if (http_) http_->Stop(kHttpGrace);
    if (listener_) listener_->Stop();
    // Each application that is dropped would make room for one that waits.
    StopLaunching(*launcher_, log_);
    if (sessions_) sessions_->DropAll();
    if (batches_) batches_->DropAll();
    timer_.Stop();            // Its calls use all of the above,
    writer_.Stop();           // and so do those that were posted.
    std::error_code ignored;  // It is not there if nothing was uploaded.
    if (options_.upload_dir.empty()) std::filesystem::remove(upload_dir_, ignored);
  }

  HttpHandler Handler() {
    return [this](const std::shared_ptr<Exchange>& exchange) {
      if (has_started_) return rest_->Handle(exchange);
      exchange->Send(ErrorReply(Error{ErrorCode::kUnavailable, "The server is starting."}));
    };
  }

  // At the address and with the certificate that drivers of an earlier server dial, if there was
  // one and the address is free.
  Result<void> ListenForDrivers() {
    const Result<std::optional<StoredListener>> stored = store_.LoadListener();
    if (!stored) return stored.error();
    DriverListenerOptions wanted = DriverOptions(options_);
    wanted.is_recovering = true;
    if (*stored) wanted.certificate = (*stored)->certificate;
    const bool is_free_choice = wanted.port == 0;
    if (is_free_choice && *stored) wanted.port = (*stored)->port;
    auto listener = DriverListener::Create(wanted);
    if (!listener && is_free_choice && wanted.port != 0) {
      options_.log->Write(LogLevel::kWarning, "server",
                          fmt::format("Drivers of an earlier server cannot come back: {}",
                                      listener.error().message));
      wanted.port = 0;
      listener = DriverListener::Create(wanted);
    }
    if (!listener) return listener.error();
    listener_ = *std::move(listener);
    // Also if nothing of it is new: whoever writes makes the store its own, and what is read after
    // that is not changed by another server any more.
    return store_.SaveListener(
        {.certificate = listener_->certificate(), .port = listener_->port()});
  }

  Result<void> Listen(bool tls) {
    HttpServerOptions http = HttpOptions(options_);
    if (tls) {
      Result<std::string> certificate = ReadNamed(options_.certificate_file);
      if (!certificate) return certificate.error();
      Result<std::string> key = ReadNamed(options_.key_file);
      if (!key) return key.error();
      http.certificate_pem = *std::move(certificate);
      http.key_pem = *std::move(key);
    }
    Result<std::unique_ptr<HttpServer>> listening = HttpServer::Create(http, Handler());
    if (!listening) return listening.error();
    http_ = *std::move(listening);
    return {};
  }

  OutputOptions Output() const {
    return {.folder = options_.output_dir,
            .bytes_max = options_.limits.application_output_bytes_max};
  }

  SessionManagerOptions ManagerOptions() const {
    return {
        .spark = options_.spark, .limits = options_.limits, .state_retain = options_.state_retain};
  }

  void SchedulePing() {
    timer_.After(kPingInterval, [this] {
      listener_->PingAll();
      sessions_->KeepFollowersAlive();
      SchedulePing();
    });
  }

  ServerOptions options_;  // But for the launcher.
  // Ends before the log that it writes to, also from threads of its own.
  const std::unique_ptr<Launcher> launcher_;
  const std::filesystem::path upload_dir_;
  GuardedLogSink log_;
  const GuardedAccessManager access_;
  GuardedStore guarded_store_;
  StoreWriter writer_;
  SessionStore store_;
  BatchStore batch_store_;
  Timer timer_;
  ApplicationCount applications_;
  std::unique_ptr<DriverListener> listener_;
  std::optional<SessionHistory> history_;
  std::optional<SessionServices> services_;
  std::optional<SessionManager> sessions_;
  std::optional<BatchServices> batch_services_;
  std::optional<BatchManager> batches_;
  std::optional<IdempotencyKeys> keys_;
  std::optional<RestService> rest_;
  std::unique_ptr<HttpServer> http_;
  std::atomic<bool> has_started_ = false;  // Requests may come before.
  std::once_flag stopped_;
};

}  // namespace
}  // namespace internal

Result<std::unique_ptr<LivyServer>> LivyServer::Create(ServerOptions options) {
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "certificate_file and key_file must be set together, or neither."};
  }
  const std::string& runtime = options.spark.default_runtime;
  if (!runtime.empty() && !options.spark.runtimes.contains(runtime)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("default_runtime is '{}', which is not among the runtimes.", runtime)};
  }
  if (const Result<void> filled = internal::FillIn(options); !filled) return filled.error();
  auto server = std::make_unique<internal::Server>(std::move(options));
  if (const Result<void> started = server->Start(); !started) return started.error();
  return std::unique_ptr<LivyServer>(std::move(server));
}

}  // namespace livy
