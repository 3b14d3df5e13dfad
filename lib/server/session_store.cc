#include "server/session_store.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"
#include "server/stored_records.h"

namespace livy::internal {
namespace {

constexpr std::string_view kRoot = "v1/interactive";
constexpr std::string_view kListener = "v1/liblivy/listener";

// Of one transaction: stores on a network take no more than about a megabyte at once, in which each
// key takes its part.
constexpr std::size_t kChangeBytesMax = 512 << 10;
constexpr std::size_t kChangesAtOnceMax = 250;

Error Damaged(std::string_view key) {
  return {ErrorCode::kInternal, fmt::format("The store's value of '{}' is damaged.", key)};
}

std::string SessionKey(int session) {
  return fmt::format("{}/{}", kRoot, session);
}

std::string StatementsKey(int session) {
  return fmt::format("{}/{}/statements", kRoot, session);
}

std::string StatementKey(int session, int statement) {
  return fmt::format("{}/{}", StatementsKey(session), statement);
}

// The same in parts that a store takes; what is longer than that alone is a part of its own.
std::vector<std::vector<StoreChange>> InParts(std::vector<StoreChange> changes) {
  std::vector<std::vector<StoreChange>> parts;
  std::size_t bytes = 0;
  for (StoreChange& change : changes) {
    const std::size_t added = change.value ? change.value->size() : 0;
    if (parts.empty() || bytes + added > kChangeBytesMax ||
        parts.back().size() == kChangesAtOnceMax) {
      parts.emplace_back();
      bytes = 0;
    }
    bytes += added;
    parts.back().push_back(std::move(change));
  }
  return parts;
}

void AddChanges(int session, const std::vector<StatementRecord>& statements,
                std::vector<StoreChange>& changes) {
  for (const StatementRecord& statement : statements) {
    changes.push_back({.key = StatementKey(session, statement.id), .value = ToStored(statement)});
  }
}

}  // namespace

Result<StoredSession> SessionStore::LoadSession(int id) const {
  const Result<std::optional<std::string>> text = store_.Get(SessionKey(id));
  if (!text) return text.error();
  if (!*text) return Error{ErrorCode::kNotFound, "There is no such session."};
  return SessionFromStored(id, **text);
}

Result<std::vector<int>> SessionStore::StatementIds(int session) const {
  return StoredIds(store_, StatementsKey(session)).List();
}

Result<std::optional<StatementRecord>> SessionStore::LoadStatement(int session, int id) const {
  const std::string key = StatementKey(session, id);
  const Result<std::optional<std::string>> text = store_.Get(key);
  if (!text) return text.error();
  if (!*text) return std::optional<StatementRecord>();
  Result<StatementRecord> statement = StatementFromStored(**text);
  if (statement) return std::optional(*std::move(statement));
  return Error{ErrorCode::kInternal,
               fmt::format("{} is damaged: {}", key, statement.error().message)};
}

Result<std::int64_t> SessionStore::StatementBytes(int session) const {
  const Result<std::vector<int>> ids = StatementIds(session);
  if (!ids) return ids.error();
  std::int64_t bytes = 0;
  for (const int id : *ids) {
    const Result<std::optional<std::string>> text = store_.Get(StatementKey(session, id));
    if (!text) return text.error();
    if (*text) bytes += static_cast<std::int64_t>((*text)->size());
  }
  return bytes;
}

Result<std::optional<StoredListener>> SessionStore::LoadListener() const {
  const Result<std::optional<std::string>> text = store_.Get(kListener);
  if (!text) return text.error();
  if (!*text) return std::optional<StoredListener>();
  const Result<JsonValue> json = ParseJson(**text);
  StoredListener listener;
  const JsonValue* port = json ? json->Find("port") : nullptr;
  if (port == nullptr || !port->AsInt()) return Damaged(kListener);
  listener.port = *port->AsInt();
  listener.certificate = {.certificate_pem = TextOf(*json, "certificate").value_or(""),
                          .key_pem = TextOf(*json, "key").value_or(""),
                          .fingerprint = TextOf(*json, "fingerprint").value_or("")};
  return std::optional(std::move(listener));
}

Result<void> SessionStore::SaveListener(const StoredListener& listener) {
  JsonWriter json;
  json.BeginObject().Key("port").Int(listener.port);
  json.Key("certificate").String(listener.certificate.certificate_pem);
  json.Key("key").String(listener.certificate.key_pem);
  json.Key("fingerprint").String(listener.certificate.fingerprint).EndObject();
  return store_.Apply({{.key = std::string(kListener), .value = json.Take()}});
}

Result<void> SessionStore::SaveNewSession(const StoredSession& session,
                                          std::vector<StoreChange> along) {
  along.push_back({.key = SessionKey(session.id), .value = ToStored(session)});
  return store_.ApplyNew(along);
}

Result<void> SessionStore::SaveNewStatement(int session, const StatementRecord& statement,
                                            std::vector<StoreChange> along) {
  AddChanges(session, {statement}, along);
  return store_.ApplyNew(along);
}

Result<void> SessionStore::SaveRemoved(const StoredSession& session) {
  return store_.Apply({{.key = SessionKey(session.id), .value = ToStored(session)}});
}

Result<void> SessionStore::UpdateSession(const StoredSession& session) {
  return store_.ApplyOrOwe({{.key = SessionKey(session.id), .value = ToStored(session)}});
}

Result<void> SessionStore::SaveEnd(const StoredSession& session,
                                   const std::vector<StatementRecord>& statements) {
  std::vector<StoreChange> changes = {{.key = SessionKey(session.id), .value = ToStored(session)}};
  AddChanges(session.id, statements, changes);
  Result<void> all;
  // Whoever reads a statement of an ended session that is not final takes it for ended, too.
  for (const std::vector<StoreChange>& part : InParts(std::move(changes))) {
    if (const Result<void> stored = store_.ApplyOrOwe(part); !stored) all = stored;
  }
  return all;
}

Result<void> SessionStore::SaveStatements(int session,
                                          const std::vector<StatementRecord>& statements,
                                          const std::vector<int>& forgotten) {
  std::vector<StoreChange> changes;
  AddChanges(session, statements, changes);
  for (const int id : forgotten)
    changes.push_back({.key = StatementKey(session, id)});
  if (changes.empty()) return {};
  return store_.Apply(changes);
}

Result<void> SessionStore::Remove(int session) {
  const std::string key = StatementsKey(session);
  const Result<std::vector<std::string>> statements = store_.Children(key);
  if (!statements) return statements.error();
  std::vector<StoreChange> changes;
  for (const std::string& statement : *statements)
    changes.push_back({.key = key + "/" + statement});
  changes.push_back({.key = SessionKey(session)});
  for (const std::vector<StoreChange>& part : InParts(std::move(changes))) {
    if (Result<void> removed = store_.Apply(part); !removed) return removed;
  }
  return {};
}

}  // namespace livy::internal
