#include "server/session_store.h"

#include <utility>

#include <fmt/format.h>

#include "core/json.h"

namespace livy::internal {
namespace {

constexpr std::string_view kRoot = "v1/interactive";
constexpr std::string_view kCounter = "v1/interactive/state";

std::string SessionKey(int session) {
  return fmt::format("{}/{}", kRoot, session);
}

std::string StatementsKey(std::string_view session) {
  return fmt::format("{}/{}/statements", kRoot, session);
}

std::string StatementKey(int session, int statement) {
  return fmt::format("{}/{}", StatementsKey(std::to_string(session)), statement);
}

void IntegerOrNull(JsonWriter& json, std::string_view name, std::optional<int> value) {
  json.Key(name);
  value ? json.Int(*value) : json.Null();
}

std::string ToStored(const StoredSession& session) {
  const SessionRequest& request = session.request;
  JsonWriter json;
  json.BeginObject().Key("id").Int(session.id).Key("name").StringOrNull(request.name);
  json.Key("appId").Null().Key("appTag").String(session.app_tag);
  json.Key("kind").String(ToString(request.kind.value_or(Kind::kShared)));
  json.Key("heartbeatTimeoutS").Int(request.heartbeat_timeout_s.value_or(0));
  json.Key("owner").StringOrNull(session.owner).Key("ttl").StringOrNull(request.ttl);
  json.Key("idleTimeout").StringOrNull(request.idle_timeout);
  json.Key("driverMemory").StringOrNull(request.driver_memory);
  IntegerOrNull(json, "driverCores", request.driver_cores);
  json.Key("executorMemory").StringOrNull(request.executor_memory);
  IntegerOrNull(json, "executorCores", request.executor_cores);
  json.Key("conf").StringMap(request.conf).Key("archives").Strings(request.archives);
  json.Key("files").Strings(request.files).Key("jars").Strings(request.jars);
  IntegerOrNull(json, "numExecutors", request.num_executors);
  json.Key("pyFiles").Strings(request.py_files).Key("queue").StringOrNull(request.queue);
  json.Key("proxyUser").StringOrNull(request.proxy_user);
  json.Key("rscDriverUri").Null().Key("version").Int(1).EndObject();
  return json.Take();
}

}  // namespace

Result<int> SessionStore::LoadNextId() const {
  const Result<std::optional<std::string>> text = store_.Get(kCounter);
  if (!text) return text.error();
  if (!*text) return 0;
  const Result<JsonValue> json = ParseJson(**text);
  const JsonValue* next = json ? json->Find("nextSessionId") : nullptr;
  if (next == nullptr || !next->AsInt() || *next->AsInt() < 0) {
    // Going on from 0 would give ids a second time.
    return Error{ErrorCode::kUnavailable,
                 fmt::format("The store's value of '{}' is not a counter: {}", kCounter, **text)};
  }
  return *next->AsInt();
}

Result<void> SessionStore::ForgetSessions() {
  const Result<std::vector<std::string>> sessions = store_.Children(kRoot);
  if (!sessions) return sessions.error();
  for (const std::string& session : *sessions) {
    if (session == "state") continue;
    const Result<std::vector<std::string>> statements = store_.Children(StatementsKey(session));
    if (!statements) return statements.error();
    std::vector<StoreChange> changes;
    for (const std::string& statement : *statements) {
      changes.push_back({.key = StatementsKey(session) + "/" + statement});
    }
    changes.push_back({.key = fmt::format("{}/{}", kRoot, session)});
    if (const Result<void> removed = store_.Apply(changes); !removed) return removed;
  }
  return {};
}

Result<void> SessionStore::SaveNextId(int next_id) {
  return store_.Apply(
      {{.key = std::string(kCounter), .value = fmt::format("{{\"nextSessionId\":{}}}", next_id)}});
}

Result<void> SessionStore::SaveSession(const StoredSession& session) {
  return store_.Apply({{.key = SessionKey(session.id), .value = ToStored(session)}});
}

Result<void> SessionStore::SaveStatements(int session,
                                          const std::vector<StatementRecord>& statements,
                                          const std::vector<int>& forgotten) {
  std::vector<StoreChange> changes;
  for (const StatementRecord& statement : statements) {
    changes.push_back({.key = StatementKey(session, statement.id), .value = ToStored(statement)});
  }
  for (const int id : forgotten)
    changes.push_back({.key = StatementKey(session, id)});
  if (changes.empty()) return {};
  return store_.Apply(changes);
}

Result<void> SessionStore::Remove(int session, const std::vector<int>& statements) {
  std::vector<StoreChange> changes;
  for (const int id : statements)
    changes.push_back({.key = StatementKey(session, id)});
  changes.push_back({.key = SessionKey(session)});
  return store_.Apply(changes);
}

}  // namespace livy::internal
