#include "server/session_manager.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/duration.h"
#include "http/certificate.h"

namespace livy::internal {
namespace {

constexpr std::size_t kTagSuffixBytes = 4;

// How long the server waits at its end for what it has killed; a launcher is quicker.
constexpr std::chrono::seconds kKillTimeout(30);

Error Invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

bool IsAllDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

}  // namespace

SessionManager::SessionManager(SessionManagerOptions options, SessionServices& services,
                               Launcher& launcher, DriverListener& listener)
    : options_(std::move(options)), services_(services), launcher_(launcher), listener_(listener) {}

Result<void> SessionManager::Load() {
  const Result<int> next = services_.store.LoadNextId();
  if (!next) return next.error();
  {
    const std::lock_guard lock(id_mutex_);
    next_id_ = *next;
  }
  const Result<std::vector<int>> ids = services_.store.SessionIds();
  if (!ids) return ids.error();
  for (const int id : *ids) {
    const Result<void> loaded = LoadSession(id);
    if (loaded) continue;
    services_.log.Write(LogLevel::kError, "server",
                        fmt::format("session={} is left out: {}", id, loaded.error().message));
  }
  return {};
}

Result<void> SessionManager::LoadSession(int id) {
  Result<StoredSession> record = services_.store.LoadSession(id);
  // A statement that was being stored when its session was removed.
  if (!record && record.error().code == ErrorCode::kNotFound) return services_.store.Remove(id);
  if (!record) return record.error();
  Result<std::vector<StatementRecord>> statements = services_.store.LoadStatements(id);
  if (!statements) return statements.error();
  const auto session =
      std::make_shared<InteractiveSession>(id, record->request, record->owner, services_);
  {
    const std::lock_guard lock(mutex_);
    sessions_.push_back(session);
    if (record->request.name) names_.insert(*record->request.name);
    if (!record->end) ++alive_;
  }
  if (record->end) {
    session->Restore(*record, *std::move(statements));
    RemoveLater(session, options_.state_retain - (services_.clock.Wall() - record->end->at));
    return {};
  }
  const std::shared_ptr<DriverLink> link = listener_.Reopen(id, record->driver, session);
  session->Recover(launcher_, BeginningOf(session, *std::move(record), link),
                   *std::move(statements));
  return {};
}

SessionBeginning SessionManager::BeginningOf(const std::shared_ptr<InteractiveSession>& session,
                                             StoredSession record,
                                             std::shared_ptr<DriverCommands> commands) {
  return {.record = std::move(record),
          .commands = std::move(commands),
          .ended = [this, weak = std::weak_ptr(session)] {
            if (const auto ended = weak.lock()) OnEnded(ended);
          }};
}

bool SessionManager::IsFull() const {
  const std::lock_guard lock(mutex_);
  return alive_ >= options_.limits.creations_max;
}

Result<int> SessionManager::TakeId() {
  const std::lock_guard lock(id_mutex_);
  if (const Result<void> saved = services_.store.SaveNextId(next_id_ + 1); !saved) {
    return saved.error();
  }
  return next_id_++;
}

Result<void> SessionManager::CheckTimes(const SessionRequest& request) const {
  for (const std::optional<std::string>& text : {request.ttl, request.idle_timeout}) {
    if (!text) continue;
    if (const Result<std::chrono::milliseconds> time = ParseDuration(*text); !time) {
      return time.error();
    }
  }
  return {};
}

Result<void> SessionManager::Reserve(const SessionRequest& request, int id) {
  if (request.name && (request.name->empty() || IsAllDigits(*request.name))) {
    return Invalid(fmt::format("Invalid session name: {}", *request.name));
  }
  const std::lock_guard lock(mutex_);
  if (stopping_) return Error{ErrorCode::kUnavailable, "The server is stopping."};
  if (static_cast<int>(sessions_.size()) >= options_.limits.sessions_max) {
    return Error{ErrorCode::kResourceExhausted,
                 fmt::format("There are {} sessions already.", sessions_.size())};
  }
  if (request.name && !names_.insert(*request.name).second) {
    return Invalid(
        fmt::format("Duplicate session name: Some({}) for session {}", *request.name, id));
  }
  ++alive_;
  return {};
}

Result<void> SessionManager::Insert(const std::shared_ptr<InteractiveSession>& session) {
  const std::lock_guard lock(mutex_);
  // StopAll() may have come since Reserve(), and stops only what it finds.
  if (stopping_) return Error{ErrorCode::kUnavailable, "The server is stopping."};
  const auto place =
      std::ranges::upper_bound(sessions_, session->id(), {}, &InteractiveSession::id);
  sessions_.insert(place, session);
  return {};
}

void SessionManager::Unreserve(const SessionRequest& request) {
  const std::lock_guard lock(mutex_);
  if (request.name) names_.erase(*request.name);
  --alive_;
}

Result<std::shared_ptr<InteractiveSession>> SessionManager::Create(SessionRequest request,
                                                                   User owner) {
  const Result<int> id = TakeId();
  if (!id) return id.error();
  if (const Result<void> times = CheckTimes(request); !times) return times.error();
  const Result<SessionSettings> settings = SettingsFor(request, services_.settings);
  if (!settings) return settings.error();
  Result<SparkConf> conf = SparkConfFor(request, options_.spark);
  if (!conf) return conf.error();
  if (const Result<void> reserved = Reserve(request, *id); !reserved) return reserved.error();

  const auto session =
      std::make_shared<InteractiveSession>(*id, request, std::move(owner), services_);
  const std::shared_ptr<DriverLink> link = listener_.Open(*id, session);
  LaunchRequest launch = LaunchFor(*session, *link, *std::move(conf));
  StoredSession record = {.id = *id,
                          .app_tag = launch.tag,
                          .owner = session->ownership().owner,
                          .request = std::move(request),
                          .driver = {.secret = link->secret()},
                          .created = services_.clock.Wall()};
  Result<void> stored = services_.store.SaveSession(record);
  if (stored) {
    stored = Insert(session);
    if (!stored) Forget(*session);
  }
  if (!stored) {
    listener_.Close(*id);
    Unreserve(session->request());
    return stored.error();
  }
  session->Start(launcher_, launch, BeginningOf(session, std::move(record), link));
  return session;
}

LaunchRequest SessionManager::LaunchFor(const InteractiveSession& session, const DriverLink& link,
                                        SparkConf conf) const {
  const SessionRequest& request = session.request();
  const DriverAddress address = listener_.AddressFor(link);
  const auto set = [&](std::string_view key, std::string value) {
    conf[fmt::format("spark.livy.driver.{}", key)] = std::move(value);
  };
  set("servers", address.server);
  set("session", std::to_string(session.id()));
  set("secret", address.secret);
  set("fingerprint", address.fingerprint);
  set("kind", std::string(ToString(request.kind.value_or(Kind::kShared))));
  set("outputBytesMax", std::to_string(options_.limits.output_bytes_max));
  set("sqlRowsMax", std::to_string(session.settings().sql_rows_max));
  const auto set_time = [&](std::string_view key, std::chrono::milliseconds time) {
    set(key, std::to_string(time.count()));
  };
  set_time("serverLostMillis", session.settings().driver_server_lost_timeout);
  set_time("cancelMillis", session.settings().driver_cancel_timeout);

  std::string name = request.name.value_or(fmt::format("livy-session-{}", session.id()));
  const auto [app_name, added] = conf.try_emplace("spark.app.name", name);
  if (request.name) app_name->second = name;
  conf.try_emplace("spark.yarn.maxAppAttempts", "1");
  conf.try_emplace("spark.sql.catalogImplementation", "in-memory");
  return {.tag = fmt::format("livy-session-{}-{}", session.id(), RandomHex(kTagSuffixBytes)),
          .name = app_name->second,
          .conf = std::move(conf),
          .proxy_user = request.proxy_user};
}

std::shared_ptr<InteractiveSession> SessionManager::Find(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  if (IsAllDigits(key)) {
    int id = 0;
    const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (failure != std::errc()) return nullptr;
    const auto found = std::ranges::lower_bound(sessions_, id, {}, &InteractiveSession::id);
    return found != sessions_.end() && (*found)->id() == id ? *found : nullptr;
  }
  if (!names_.contains(key)) return nullptr;
  const auto found = std::ranges::find_if(
      sessions_, [&](const auto& session) { return session->request().name == key; });
  return found == sessions_.end() ? nullptr : *found;
}

SessionSlice SessionManager::List(std::int64_t from, std::int64_t size) const {
  const std::lock_guard lock(mutex_);
  const auto total = static_cast<std::int64_t>(sessions_.size());
  const std::int64_t begin = std::clamp<std::int64_t>(from, 0, total);
  const std::int64_t end = std::clamp<std::int64_t>(from + size, begin, total);
  return {.total = static_cast<int>(total),
          .sessions = {sessions_.begin() + begin, sessions_.begin() + end}};
}

void SessionManager::Delete(const std::shared_ptr<InteractiveSession>& session,
                            std::string_view why, std::function<void(bool)> removed) {
  session->Stop(why);
  session->AwaitEnd([this, session, removed = std::move(removed)] { removed(Remove(session)); });
}

void SessionManager::OnEnded(const std::shared_ptr<InteractiveSession>& session) {
  listener_.Close(session->id());
  RemoveLater(session, options_.state_retain);
  // Under the lock: StopAll() may be waiting for this, and we may be gone soon after it.
  const std::lock_guard lock(mutex_);
  --alive_;
  changed_.notify_all();
}

void SessionManager::RemoveLater(const std::shared_ptr<InteractiveSession>& session,
                                 Clock::Duration after) {
  services_.timer.After(after, [this, weak = std::weak_ptr(session)] {
    if (const auto ended = weak.lock()) Remove(ended);
  });
}

bool SessionManager::Remove(const std::shared_ptr<InteractiveSession>& session) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(sessions_, session);
    if (found == sessions_.end()) return false;
    sessions_.erase(found);
    if (session->request().name) names_.erase(*session->request().name);
    ++removing_;
  }
  // Its application's observer may be what calls us, and must be through before the session goes.
  services_.timer.After(Clock::Duration::zero(), [this, session] {
    session->DropApplication();
    const std::lock_guard lock(mutex_);
    --removing_;
    changed_.notify_all();
  });
  Forget(*session);
  return true;
}

void SessionManager::Forget(InteractiveSession& session) {
  const Result<void> removed = session.RemoveFromStore();
  if (removed) return;
  services_.log.Write(
      LogLevel::kWarning, "server",
      fmt::format("session={} stays in the store: {}", session.id(), removed.error().message));
}

void SessionManager::KeepFollowersAlive() {
  std::vector<std::shared_ptr<InteractiveSession>> sessions;
  {
    const std::lock_guard lock(mutex_);
    sessions = sessions_;
  }
  for (const auto& session : sessions)
    session->KeepFollowersAlive();
}

void SessionManager::StopAll() {
  std::vector<std::shared_ptr<InteractiveSession>> sessions;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    sessions = sessions_;
  }
  std::chrono::milliseconds longest = services_.settings.driver_shutdown_timeout;
  for (const auto& session : sessions) {
    session->Stop("the server stopped");
    longest = std::max(longest, session->settings().driver_shutdown_timeout);
  }
  const Clock::TimePoint deadline = services_.clock.Now() + longest + kKillTimeout;
  std::unique_lock lock(mutex_);
  while (alive_ > 0 && services_.clock.Now() < deadline) {
    services_.clock.WaitUntil(lock, changed_, deadline);
  }
}

void SessionManager::LeaveAll() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
}

void SessionManager::DropAll() {
  std::vector<std::shared_ptr<InteractiveSession>> sessions;
  {
    std::unique_lock lock(mutex_);
    while (removing_ > 0)
      services_.clock.WaitUntil(lock, changed_, Clock::TimePoint::max());
    sessions.swap(sessions_);
  }
  for (const auto& session : sessions)
    session->DropApplication();
}

}  // namespace livy::internal
