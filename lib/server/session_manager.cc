#include "server/session_manager.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/duration.h"
#include "http/certificate.h"
#include "server/end_reason.h"
#include "server/guarded_parts.h"
#include "server/page_range.h"

namespace livy::internal {
namespace {

constexpr std::size_t kTagSuffixBytes = 4;

}  // namespace

SessionManager::SessionManager(SessionManagerOptions options, SessionServices& services,
                               Launcher& launcher, DriverListener& listener)
    : options_(std::move(options)),
      services_(services),
      launcher_(launcher),
      listener_(listener),
      roster_({.noun = "sessions",
               .entries_max = options_.limits.sessions_max,
               .retain = options_.state_retain},
              services.clock, services.timer, services.store.writer(), services.applications,
              [](InteractiveSession& session) { return session.RemoveFromStore(); }) {}

Result<void> SessionManager::Load() {
  const Result<std::vector<int>> ids = services_.store.ids().Load();
  if (!ids) return ids.error();
  for (const int id : *ids) {
    const Result<void> loaded = LoadSession(id);
    if (loaded) continue;
    // Not left out for that: nobody would serve it, and its driver would end.
    if (loaded.error().code == ErrorCode::kUnavailable) return loaded;
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
  if (record->removal) {
    services_.history.Restore(id, *record->removal);
    return {};
  }
  const auto session =
      std::make_shared<InteractiveSession>(id, record->request, record->owner, services_);
  if (record->end) {
    session->Restore(*record);
    roster_.Restore(session, false);
    roster_.RemoveLater(session,
                        options_.state_retain - (services_.clock.Wall() - record->end->at));
    return {};
  }
  if (const Result<void> taken = TakeStatements(*session); !taken) return taken;
  roster_.Restore(session, true);
  const std::shared_ptr<DriverLink> link = listener_.Reopen(id, record->driver, session);
  session->Recover(launcher_, BeginningOf(session, *std::move(record), link));
  return {};
}

// One after the other: the session keeps no more of their texts than it may.
Result<void> SessionManager::TakeStatements(InteractiveSession& session) const {
  const Result<std::vector<int>> ids = services_.store.StatementIds(session.id());
  if (!ids) return ids.error();
  for (const int id : *ids) {
    Result<std::optional<StatementRecord>> statement =
        services_.store.LoadStatement(session.id(), id);
    if (!statement && statement.error().code == ErrorCode::kUnavailable) return statement.error();
    if (!statement) LogLeftOut(statement.error());
    session.TakeStatement(id, statement.value_or(std::nullopt));
  }
  return {};
}

void SessionManager::LogLeftOut(const Error& damage) const {
  services_.log.Write(LogLevel::kError, "server", fmt::format("left out: {}", damage.message));
}

std::vector<int> SessionManager::EndedIds() const {
  std::vector<int> ids = services_.history.Ids();
  for (const auto& session : roster_.All()) {
    if (HasEnded(session->state())) ids.push_back(session->id());
  }
  // One may be just on its way from the one to the other.
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

Result<StoredSession> SessionManager::LoadEnded(int id) const {
  Result<StoredSession> session = services_.store.LoadSession(id);
  if (!session || session->end) return session;
  return Error{ErrorCode::kNotFound, "The session has not ended."};
}

Result<std::optional<StatementRecord>> SessionManager::LoadStatement(const StoredSession& session,
                                                                     int id) const {
  Result<std::optional<StatementRecord>> statement = services_.store.LoadStatement(session.id, id);
  // One that was stored beside its session's end: a later server finds it as it was submitted.
  if (statement && *statement)
    ApplyEnd(session.end->at, SentenceOf(session.end->reason), **statement);
  return statement;
}

Result<StatementSlice> SessionManager::LoadStatements(const StoredSession& session,
                                                      std::int64_t from, std::int64_t size,
                                                      bool descending) const {
  Result<std::vector<int>> ids = services_.store.StatementIds(session.id);
  if (!ids) return ids.error();
  if (descending) std::ranges::reverse(*ids);
  StatementSlice page = {.total = static_cast<int>(ids->size())};
  const PageRange range = RangeOfPage(from, size, ids->size());
  for (std::int64_t at = range.begin; at < range.end; ++at) {
    Result<std::optional<StatementRecord>> statement =
        LoadStatement(session, (*ids)[static_cast<std::size_t>(at)]);
    if (!statement && statement.error().code == ErrorCode::kUnavailable) return statement.error();
    if (!statement) LogLeftOut(statement.error());
    if (statement && *statement) page.statements.push_back(**std::move(statement));
  }
  return page;
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

Result<void> SessionManager::CheckTimes(const SessionRequest& request) const {
  for (const std::optional<std::string>& text : {request.ttl, request.idle_timeout}) {
    if (!text) continue;
    if (const Result<std::chrono::milliseconds> time = ParseDuration(*text); !time) {
      return time.error();
    }
  }
  return {};
}

Result<std::shared_ptr<InteractiveSession>> SessionManager::Create(SessionRequest request,
                                                                   User owner,
                                                                   ApplicationPlace place,
                                                                   const StoredAlong& along) {
  const Result<int> id = services_.store.ids().Take();
  if (!id) return id.error();
  if (const Result<void> times = CheckTimes(request); !times) return times.error();
  const Result<SessionSettings> settings = SettingsFor(request, services_.settings);
  if (!settings) return settings.error();
  const Result<RuntimeChoice> runtime = ChooseRuntime(request.runtime, options_.spark);
  if (!runtime) return runtime.error();
  Result<SparkConf> conf = SparkConfFor(request, runtime->rules);
  if (!conf) return conf.error();
  // The default may be another one in a later server.
  if (!runtime->name.empty()) request.runtime = runtime->name;
  if (const Result<void> reserved = roster_.Reserve(request.name, *id); !reserved) {
    return reserved.error();
  }

  const auto session =
      std::make_shared<InteractiveSession>(*id, request, std::move(owner), services_);
  const std::shared_ptr<DriverLink> link = listener_.Open(*id, session);
  LaunchRequest launch = LaunchFor(*session, *link, *std::move(conf));
  Result<std::string> handle = HandleFor(launcher_, launch, services_.log);
  StoredSession record = {.id = *id,
                          .app_tag = launch.tag,
                          .owner = session->ownership().owner,
                          .request = std::move(request),
                          .driver = {.secret = link->secret()},
                          .application = handle.value_or(""),
                          .created = services_.clock.Wall()};
  const Result<void> stored = handle ? services_.store.SaveNewSession(
                                           record, along ? along(*id) : std::vector<StoreChange>())
                                     : handle.error();
  if (!stored) {
    listener_.Close(*id);
    roster_.Unreserve(session->name());
    return stored.error();
  }
  roster_.Insert(session);
  place.Keep();
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
          .proxy_user = request.proxy_user,
          .runtime = request.runtime.value_or("")};
}

void SessionManager::Delete(const std::shared_ptr<InteractiveSession>& session,
                            std::string_view why,
                            std::function<void(const Result<bool>&)> removed) {
  session->Stop(why);
  session->AwaitEnd(
      [this, session, removed = std::move(removed)] { removed(roster_.Remove(session)); });
}

void SessionManager::OnEnded(const std::shared_ptr<InteractiveSession>& session) {
  listener_.Close(session->id());
  roster_.OnEnded(session);
}

void SessionManager::KeepFollowersAlive() {
  for (const auto& session : roster_.All())
    session->KeepFollowersAlive();
}

void SessionManager::StopAll(Clock::TimePoint deadline) {
  roster_.Close();
  std::chrono::milliseconds longest = services_.settings.driver_shutdown_timeout;
  for (const auto& session : roster_.All()) {
    session->Stop("the server stopped");
    longest = std::max(longest, session->settings().driver_shutdown_timeout);
  }
  roster_.AwaitEnds(deadline + longest);
  for (const auto& session : roster_.All()) {
    if (HasEnded(session->state())) continue;
    services_.log.Write(
        LogLevel::kWarning, "server",
        fmt::format("session={} has not ended in time, and is left", session->id()));
  }
}

}  // namespace livy::internal
