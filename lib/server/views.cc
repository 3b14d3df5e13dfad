#include "server/views.h"

namespace livy::internal {
namespace {

void WriteInfo(const AppInfo& info, JsonWriter& json) {
  json.Key("appInfo").BeginObject();
  json.Key("driverLogUrl").StringOrNull(info.driver_log_url);
  json.Key("sparkUiUrl").StringOrNull(info.spark_ui_url);
  json.Key("executorLogUrls").StringOrNull(info.executor_log_urls).EndObject();
}

// What Apache Livy does not have, and clients of it skip.
void WriteExtras(const std::optional<std::string>& runtime,
                 const std::optional<std::string>& reason, std::optional<int> exit_code,
                 JsonWriter& json) {
  if (runtime) json.Key("runtime").String(*runtime);
  if (reason) json.Key("endReason").String(*reason);
  if (exit_code) json.Key("exitCode").Int(*exit_code);
}

}  // namespace

void Write(const Session& session, JsonWriter& json) {
  const SessionRequest& request = session.request;
  json.BeginObject().Key("id").Int(session.id).Key("name").StringOrNull(request.name);
  json.Key("appId").StringOrNull(session.app_id).Key("owner").StringOrNull(session.owner);
  json.Key("proxyUser").StringOrNull(request.proxy_user);
  json.Key("state").String(ToString(session.state));
  json.Key("kind").String(ToString(request.kind.value_or(Kind::kShared)));
  WriteInfo(session.app_info, json);
  json.Key("log").Strings(session.log);
  json.Key("ttl").StringOrNull(request.ttl).Key("idleTimeout").StringOrNull(request.idle_timeout);
  json.Key("driverMemory").StringOrNull(request.driver_memory);
  json.Key("driverCores").Int(request.driver_cores.value_or(0));
  json.Key("executorMemory").StringOrNull(request.executor_memory);
  json.Key("executorCores").Int(request.executor_cores.value_or(0));
  json.Key("conf").StringMap(request.conf).Key("archives").Strings(request.archives);
  json.Key("files").Strings(request.files);
  json.Key("heartbeatTimeoutInSecond").Int(request.heartbeat_timeout_s.value_or(0));
  json.Key("jars").Strings(request.jars);
  json.Key("numExecutors").Int(request.num_executors.value_or(0));
  json.Key("pyFiles").Strings(request.py_files).Key("queue").StringOrNull(request.queue);
  WriteExtras(request.runtime, session.end_reason, session.exit_code, json);
  json.EndObject();
}

void Write(const Batch& batch, JsonWriter& json) {
  json.BeginObject().Key("id").Int(batch.id).Key("name").StringOrNull(batch.name);
  json.Key("owner").StringOrNull(batch.owner).Key("proxyUser").StringOrNull(batch.proxy_user);
  json.Key("state").String(ToString(batch.state)).Key("appId").StringOrNull(batch.app_id);
  WriteInfo(batch.app_info, json);
  json.Key("log").Strings(batch.log);
  WriteExtras(batch.runtime, batch.end_reason, batch.exit_code, json);
  json.EndObject();
}

void Write(int session_id, const OutputPage& page, JsonWriter& json) {
  json.BeginObject().Key("id").Int(session_id).Key("offset").Int(page.offset);
  json.Key("next").Int(page.next).Key("end").Int(page.end).Key("ended").Bool(page.ended);
  json.Key("text").String(page.text).EndObject();
}

void Write(int session_id, const LogPage& page, JsonWriter& json) {
  json.BeginObject().Key("id").Int(session_id).Key("from").Int(page.from);
  json.Key("total").Int(page.total).Key("log").Strings(page.lines).EndObject();
}

}  // namespace livy::internal
