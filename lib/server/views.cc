#include "server/views.h"

namespace livy::internal {

void Write(const Session& session, JsonWriter& json) {
  const SessionRequest& request = session.request;
  json.BeginObject().Key("id").Int(session.id).Key("name").StringOrNull(request.name);
  json.Key("appId").StringOrNull(session.app_id).Key("owner").StringOrNull(session.owner);
  json.Key("proxyUser").StringOrNull(request.proxy_user);
  json.Key("state").String(ToString(session.state));
  json.Key("kind").String(ToString(request.kind.value_or(Kind::kShared)));
  json.Key("appInfo").BeginObject();
  json.Key("driverLogUrl").StringOrNull(session.app_info.driver_log_url);
  json.Key("sparkUiUrl").StringOrNull(session.app_info.spark_ui_url);
  json.Key("executorLogUrls").StringOrNull(session.app_info.executor_log_urls).EndObject();
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
  if (session.end_reason) json.Key("endReason").String(*session.end_reason);
  if (session.exit_code) json.Key("exitCode").Int(*session.exit_code);
  json.EndObject();
}

void Write(int session_id, const LogPage& page, JsonWriter& json) {
  json.BeginObject().Key("id").Int(session_id).Key("from").Int(page.from);
  json.Key("total").Int(page.total).Key("log").Strings(page.lines).EndObject();
}

}  // namespace livy::internal
