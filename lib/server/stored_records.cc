#include "server/stored_records.h"

#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace livy::internal {
namespace {

constexpr std::string_view kOurs = "liblivy";

void IntegerOrNull(JsonWriter& json, std::string_view name, std::optional<int> value) {
  json.Key(name);
  value ? json.Int(*value) : json.Null();
}

std::int64_t Millis(Statement::Time time) {
  return time.time_since_epoch().count();
}

void WriteOurs(const StoredSession& session, JsonWriter& json) {
  json.Key(kOurs).BeginObject().Key("secret").String(session.driver.secret);
  json.Key("boot").String(session.driver.boot).Key("application").String(session.application);
  json.Key("created").Int(Millis(session.created));
  if (session.request.runtime) json.Key("runtime").String(*session.request.runtime);
  if (session.end) WriteEnd(*session.end, json);
  if (session.removal) {
    json.Key("removed").Int(Millis(session.removal->at)).Key("bytes").Int(session.removal->bytes);
  }
  json.EndObject();
}

std::vector<std::string> TextsOf(const JsonValue& object, std::string_view name) {
  std::vector<std::string> texts;
  const JsonValue* value = object.Find(name);
  if (value == nullptr) return texts;
  for (const JsonValue& item : value->items()) {
    if (item.AsString() != nullptr) texts.push_back(*item.AsString());
  }
  return texts;
}

std::map<std::string, std::string> TextMapOf(const JsonValue& object, std::string_view name) {
  std::map<std::string, std::string> texts;
  const JsonValue* value = object.Find(name);
  if (value == nullptr) return texts;
  for (const auto& [key, item] : value->members()) {
    if (item.AsString() != nullptr) texts[key] = *item.AsString();
  }
  return texts;
}

SessionRequest RequestOf(const JsonValue& json) {
  return {.kind = ParseKind(TextOf(json, "kind").value_or("")),
          .proxy_user = TextOf(json, "proxyUser"),
          .jars = TextsOf(json, "jars"),
          .py_files = TextsOf(json, "pyFiles"),
          .files = TextsOf(json, "files"),
          .archives = TextsOf(json, "archives"),
          .driver_memory = TextOf(json, "driverMemory"),
          .driver_cores = IntegerOf(json, "driverCores"),
          .executor_memory = TextOf(json, "executorMemory"),
          .executor_cores = IntegerOf(json, "executorCores"),
          .num_executors = IntegerOf(json, "numExecutors"),
          .queue = TextOf(json, "queue"),
          .name = TextOf(json, "name"),
          .conf = TextMapOf(json, "conf"),
          .heartbeat_timeout_s = IntegerOf(json, "heartbeatTimeoutS"),
          .ttl = TextOf(json, "ttl"),
          .idle_timeout = TextOf(json, "idleTimeout")};
}

void ReadOurs(const JsonValue& ours, StoredSession& session) {
  session.driver = {.secret = TextOf(ours, "secret").value_or(""),
                    .boot = TextOf(ours, "boot").value_or("")};
  session.application = TextOf(ours, "application").value_or("");
  session.created = TimeOf(ours, "created");
  session.request.runtime = TextOf(ours, "runtime");
  session.end = EndOf(ours);
  if (ours.Find("removed") == nullptr) return;
  const JsonValue* const bytes = ours.Find("bytes");
  session.removal = StoredRemoval{.at = TimeOf(ours, "removed"),
                                  .bytes = bytes == nullptr ? 0 : bytes->AsInt64().value_or(0)};
}

Error Wrong(std::string_view what) {
  return {ErrorCode::kInternal, std::string(what)};
}

}  // namespace

void WriteEnd(const StoredEnd& end, JsonWriter& json) {
  json.Key("state").String(ToString(end.state)).Key("reason").String(end.reason);
  IntegerOrNull(json, "exitCode", end.exit_code);
  json.Key("ended").Int(Millis(end.at));
}

std::optional<StoredEnd> EndOf(const JsonValue& ours) {
  const auto state = ParseSessionState(TextOf(ours, "state").value_or(""));
  if (!state) return std::nullopt;
  return StoredEnd{.state = *state,
                   .reason = TextOf(ours, "reason").value_or(""),
                   .exit_code = IntegerOf(ours, "exitCode"),
                   .at = TimeOf(ours, "ended")};
}

Statement::Time TimeOf(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.Find(name);
  const auto millis = value == nullptr ? std::nullopt : value->AsInt64();
  return Statement::Time(std::chrono::milliseconds(millis.value_or(0)));
}

std::string ToStored(const StoredSession& session) {
  const SessionRequest& request = session.request;
  JsonWriter json;
  json.BeginObject().Key("id").Int(session.id).Key("name").StringOrNull(request.name);
  json.Key("appId").StringOrNull(session.app_id).Key("appTag").String(session.app_tag);
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
  json.Key("rscDriverUri").Null().Key("version").Int(1);
  WriteOurs(session, json);
  json.EndObject();
  return json.Take();
}

std::string ToStored(const StatementRecord& statement) {
  JsonWriter json;
  json.BeginObject();
  WriteMembers(statement, json);
  json.Key("kind").String(ToString(statement.kind));
  if (statement.rows_max) json.Key("rowsMax").Int(*statement.rows_max);
  json.EndObject();
  return json.Take();
}

Result<StoredSession> SessionFromStored(int id, std::string_view text) {
  const Result<JsonValue> json = ParseJson(text);
  if (!json) return Wrong(json.error().message);
  if (IntegerOf(*json, "id") != id) return Wrong("It is not the record of this session.");
  StoredSession session = {.id = id,
                           .app_id = TextOf(*json, "appId"),
                           .app_tag = TextOf(*json, "appTag").value_or(""),
                           .owner = TextOf(*json, "owner"),
                           .request = RequestOf(*json)};
  if (const JsonValue* ours = json->Find(kOurs)) ReadOurs(*ours, session);
  return session;
}

Result<StatementRecord> StatementFromStored(std::string_view text) {
  const Result<JsonValue> json = ParseJson(text, {.raw_member = "output"});
  if (!json) return Wrong(json.error().message);
  const std::optional<int> id = IntegerOf(*json, "id");
  const auto kind = ParseKind(TextOf(*json, "kind").value_or(""));
  const auto state = ParseStatementState(TextOf(*json, "state").value_or(""));
  if (!id || !kind || !state) return Wrong("Its id, kind or state is missing.");
  StatementRecord statement = {
      .id = *id,
      .kind = *kind,
      .rows_max = IntegerOf(*json, "rowsMax"),
      .code = std::make_shared<const std::string>(TextOf(*json, "code").value_or("")),
      .state = *state,
      .started = TimeOf(*json, "started"),
      .completed = TimeOf(*json, "completed")};
  const JsonValue* progress = json->Find("progress");
  if (progress != nullptr) statement.progress = progress->AsDouble().value_or(0);
  const JsonValue* output = json->Find("output");
  if (output != nullptr && !output->IsNull() && output->text() != "null") {
    statement.output_json = std::make_shared<const std::string>(output->text());
  }
  return statement;
}

}  // namespace livy::internal
