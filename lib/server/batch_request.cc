#include "server/batch_request.h"

#include <optional>

#include "core/json.h"
#include "server/body_fields.h"

namespace livy::internal {

Result<BatchRequest> ParseBatchRequest(std::string_view body) {
  const Result<JsonValue> json = ParseBody(body);
  if (!json) return json.error();
  BodyFields fields(*json);
  BatchRequest request;
  request.file = fields.Text("file").value_or("");
  request.proxy_user = fields.Text("proxyUser");
  request.class_name = fields.Text("className");
  request.args = fields.Texts("args");
  TakeSparkWishes(fields, request);
  if (const std::optional<Error> problem = fields.Problem()) return *problem;
  return request;
}

}  // namespace livy::internal
