#include "server/batch_request.h"

#include <optional>

#include "core/json.h"
#include "server/body_fields.h"

namespace livy::internal {

Result<BatchRequest> ParseBatchRequest(std::string_view body) {
  const Result<JsonValue> json = ParseBody(body);
  if (!json) return json.error();
  BodyFields fields(*json);
  BatchRequest request = {
      .file = fields.Text("file").value_or(""),
      .proxy_user = fields.Text("proxyUser"),
      .class_name = fields.Text("className"),
      .args = fields.Texts("args"),
      .jars = fields.Texts("jars"),
      .py_files = fields.Texts("pyFiles"),
      .files = fields.Texts("files"),
      .archives = fields.Texts("archives"),
      .driver_memory = fields.Text("driverMemory"),
      .driver_cores = fields.Integer("driverCores"),
      .executor_memory = fields.Text("executorMemory"),
      .executor_cores = fields.Integer("executorCores"),
      .num_executors = fields.Integer("numExecutors"),
      .queue = fields.Text("queue"),
      .name = fields.Text("name"),
      .conf = fields.TextMap("conf"),
  };
  if (const std::optional<Error> problem = fields.Problem()) return *problem;
  return request;
}

}  // namespace livy::internal
