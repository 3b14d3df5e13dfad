#include "server/session_request.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/json.h"
#include "server/session_settings.h"

namespace livy::internal {
namespace {

Error Invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

// The fields of a body. Remembers the first that is wrong, and which were asked for, so that the
// rest are unknown.
class Fields {
 public:
  explicit Fields(const JsonValue& object) : object_(object) {}

  // A text. Numbers and booleans are taken as they are written.
  std::optional<std::string> Text(std::string_view name) {
    const JsonValue* value = Find(name);
    if (value == nullptr) return std::nullopt;
    std::optional<std::string> text = AsText(*value);
    if (!text) Wrong(name, "a string", *value);
    return text;
  }

  std::optional<int> Integer(std::string_view name) {
    const JsonValue* value = Find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->AsInt()) Wrong(name, "a 32-bit integer", *value);
    return value->AsInt();
  }

  std::optional<int> Integer(std::string_view name, int least, int most) {
    const std::optional<int> number = Integer(name);
    if (!number || (*number >= least && *number <= most)) return number;
    Fail(fmt::format("Field \"{}\": expected a number from {} to {}, got {}", name, least, most,
                     *number));
    return std::nullopt;
  }

  std::vector<std::string> Texts(std::string_view name) {
    std::vector<std::string> texts;
    const JsonValue* value = Find(name);
    if (value == nullptr) return texts;
    if (value->type() != JsonValue::Type::kArray) Wrong(name, "a list of strings", *value);
    for (const JsonValue& item : value->items()) {
      std::optional<std::string> text = AsText(item);
      if (!text) Wrong(name, "a list of strings", item);
      texts.push_back(std::move(text).value_or(""));
    }
    return texts;
  }

  std::map<std::string, std::string> TextMap(std::string_view name) {
    std::map<std::string, std::string> texts;
    const JsonValue* value = Find(name);
    if (value == nullptr) return texts;
    if (value->type() != JsonValue::Type::kObject) Wrong(name, "an object of strings", *value);
    for (const auto& [key, item] : value->members()) {
      std::optional<std::string> text = AsText(item);
      if (!text) Wrong(fmt::format("{}.{}", name, key), "a string", item);
      texts[key] = std::move(text).value_or("");
    }
    return texts;
  }

  std::optional<Kind> KindField(std::string_view name) {
    const JsonValue* value = Find(name);
    if (value == nullptr) return std::nullopt;
    if (value->AsString() == nullptr) {
      Fail("requirement failed: Kind should be a string.");
      return std::nullopt;
    }
    const std::optional<Kind> kind = ParseKind(*value->AsString());
    if (!kind) Fail(fmt::format("Invalid kind: {}", *value->AsString()));
    return kind;
  }

  void Ignore(std::string_view name) { Find(name); }

  // What is wrong: the first wrong field, else the first unknown one.
  std::optional<Error> Problem() const {
    if (!wrong_.empty()) return Invalid(wrong_);
    for (const auto& [name, value] : object_.members()) {
      if (std::ranges::find(known_, name) != known_.end()) continue;
      return Invalid(
          fmt::format("Unrecognized field \"{}\", not marked as ignorable "
                      "({} known properties: \"{}\")",
                      name, known_.size(), fmt::join(known_, "\", \"")));
    }
    return std::nullopt;
  }

 private:
  const JsonValue* Find(std::string_view name) {
    known_.push_back(name);
    const JsonValue* value = object_.Find(name);
    return value == nullptr || value->IsNull() ? nullptr : value;
  }

  static std::optional<std::string> AsText(const JsonValue& value) {
    if (value.AsString() != nullptr) return *value.AsString();
    if (value.type() == JsonValue::Type::kNumber) return value.text();
    if (const std::optional<bool> flag = value.AsBool()) return *flag ? "true" : "false";
    return std::nullopt;
  }

  void Wrong(std::string_view name, std::string_view wanted, const JsonValue& value) {
    Fail(fmt::format("Field \"{}\": expected {}, got {}", name, wanted, value.TypeName()));
  }

  void Fail(std::string message) {
    if (wrong_.empty()) wrong_ = std::move(message);
  }

  const JsonValue& object_;
  std::vector<std::string_view> known_;
  std::string wrong_;
};

Result<JsonValue> ParseObject(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == body.npos) {
    return Invalid("No content to map due to end-of-input");
  }
  Result<JsonValue> json = ParseJson(body);
  if (json && json->type() != JsonValue::Type::kObject) {
    return Invalid(fmt::format("The body must be a JSON object, not {}", json->TypeName()));
  }
  return json;
}

}  // namespace

Result<SessionRequest> ParseSessionRequest(std::string_view body) {
  const Result<JsonValue> json = ParseObject(body);
  if (!json) return json.error();
  Fields fields(*json);
  SessionRequest request = {
      .kind = fields.KindField("kind"),
      .proxy_user = fields.Text("proxyUser"),
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
      .heartbeat_timeout_s = fields.Integer("heartbeatTimeoutInSecond"),
      .ttl = fields.Text("ttl"),
      .idle_timeout = fields.Text("idleTimeout"),
  };
  if (const std::optional<Error> problem = fields.Problem()) return *problem;
  return request;
}

Result<StatementBody> ParseStatementBody(std::string_view body) {
  const Result<JsonValue> json = ParseObject(body);
  if (!json) return json.error();
  Fields fields(*json);
  const std::optional<std::string> code = fields.Text("code");
  StatementBody statement = {.code = code.value_or(""),
                             .kind = fields.Text("kind").value_or(""),
                             .rows_max = fields.Integer("rowsMax", 1, kSqlRowsMax),
                             .has_code = code.has_value()};
  fields.Ignore("msg_type");  // Some clients send it; it never meant anything.
  if (const std::optional<Error> problem = fields.Problem()) return *problem;
  return statement;
}

Result<std::string> ParseResourceBody(std::string_view body) {
  const Result<JsonValue> json = ParseObject(body);
  if (!json) return json.error();
  Fields fields(*json);
  std::string uri = fields.Text("uri").value_or("");
  if (const std::optional<Error> problem = fields.Problem()) return *problem;
  return uri;
}

Result<CompletionBody> ParseCompletionBody(std::string_view body) {
  const Result<JsonValue> json = ParseObject(body);
  if (!json) return json.error();
  Fields fields(*json);
  CompletionBody completion = {.code = fields.Text("code").value_or(""),
                               .kind = fields.Text("kind").value_or(""),
                               .cursor = fields.Integer("cursor").value_or(0)};
  if (const std::optional<Error> problem = fields.Problem()) return *problem;
  return completion;
}

}  // namespace livy::internal
