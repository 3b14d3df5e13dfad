#include "server/session_request.h"

#include <optional>

#include "core/json.h"
#include "server/body_fields.h"
#include "server/session_settings.h"

namespace livy::internal {

Result<SessionRequest> ParseSessionRequest(std::string_view body) {
  const Result<JsonValue> json = ParseBody(body);
  if (!json) return json.error();
  BodyFields fields(*json);
  SessionRequest request;
  request.kind = fields.KindField("kind");
  request.proxy_user = fields.Text("proxyUser");
  TakeSparkWishes(fields, request);
  request.heartbeat_timeout_s = fields.Integer("heartbeatTimeoutInSecond");
  request.ttl = fields.Text("ttl");
  request.idle_timeout = fields.Text("idleTimeout");
  if (const std::optional<Error> problem = fields.Problem()) return *problem;
  return request;
}

Result<StatementBody> ParseStatementBody(std::string_view body) {
  const Result<JsonValue> json = ParseBody(body);
  if (!json) return json.error();
  BodyFields fields(*json);
  const std::optional<std::string> code = fields.Code("code");
  StatementBody statement = {.code = code.value_or(""),
                             .kind = fields.Text("kind").value_or(""),
                             .rows_max = fields.Integer("rowsMax", 1, kSqlRowsMax),
                             .has_code = code.has_value()};
  fields.Ignore("msg_type");  // Some clients send it; it never meant anything.
  if (const std::optional<Error> problem = fields.Problem()) return *problem;
  return statement;
}

Result<std::string> ParseResourceBody(std::string_view body) {
  const Result<JsonValue> json = ParseBody(body);
  if (!json) return json.error();
  BodyFields fields(*json);
  std::string uri = fields.Text("uri").value_or("");
  if (const std::optional<Error> problem = fields.Problem()) return *problem;
  return uri;
}

Result<CompletionBody> ParseCompletionBody(std::string_view body) {
  const Result<JsonValue> json = ParseBody(body);
  if (!json) return json.error();
  BodyFields fields(*json);
  CompletionBody completion = {.code = fields.Code("code").value_or(""),
                               .kind = fields.Text("kind").value_or(""),
                               .cursor = fields.Integer("cursor").value_or(0)};
  if (const std::optional<Error> problem = fields.Problem()) return *problem;
  return completion;
}

}  // namespace livy::internal
