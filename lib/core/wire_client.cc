#include "core/wire_client.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {
namespace {

// Servers show a number that nobody asked for as 0.
std::optional<int> AskedNumberOf(const JsonValue& object, std::string_view name) {
  const std::optional<int> number = IntegerOf(object, name);
  return number == 0 ? std::nullopt : number;
}

std::vector<std::string> TextsOf(const JsonValue& object, std::string_view name) {
  std::vector<std::string> texts;
  const JsonValue* const member = object.Find(name);
  if (member == nullptr) return texts;
  if (member->AsString() != nullptr) return {*member->AsString()};
  for (const JsonValue& item : member->items())
    texts.push_back(item.AsString() != nullptr ? *item.AsString() : ToJsonText(item));
  return texts;
}

std::map<std::string, std::string> TextMapOf(const JsonValue& object, std::string_view name) {
  std::map<std::string, std::string> texts;
  const JsonValue* const member = object.Find(name);
  if (member == nullptr) return texts;
  for (const auto& [key, value] : member->members())
    texts[key] = value.AsString() != nullptr ? *value.AsString() : ToJsonText(value);
  return texts;
}

std::optional<Statement::Time> TimeOf(const JsonValue& object, std::string_view name) {
  const JsonValue* const member = object.Find(name);
  const std::optional<std::int64_t> millis = member == nullptr ? std::nullopt : member->AsInt64();
  if (!millis || *millis == 0) return std::nullopt;  // 0: it has not happened.
  return Statement::Time(std::chrono::milliseconds(*millis));
}

Error Unexpected(std::string_view what, const JsonValue& json) {
  const std::string_view problem = json.type() == JsonValue::Type::kObject
                                       ? "an object without what makes one"
                                       : json.TypeName();
  return Error{ErrorCode::kInternal,
               fmt::format("The server answered with {} where {} was expected.", problem, what)};
}

// Members that are left out if they have nothing to say.
class MemberWriter {
 public:
  explicit MemberWriter(JsonWriter& writer) : writer_(writer) {}

  void Add(std::string_view name, const std::optional<std::string>& value) {
    if (value) writer_.Key(name).String(*value);
  }
  void Add(std::string_view name, const std::optional<int>& value) {
    if (value) writer_.Key(name).Int(*value);
  }
  void Add(std::string_view name, const std::optional<Kind>& value) {
    if (value) writer_.Key(name).String(ToString(*value));
  }
  void Add(std::string_view name, const std::vector<std::string>& values) {
    if (!values.empty()) writer_.Key(name).Strings(values);
  }
  void Add(std::string_view name, const std::map<std::string, std::string>& values) {
    if (!values.empty()) writer_.Key(name).StringMap(values);
  }

 private:
  JsonWriter& writer_;
};

// What sessions and batches may ask for alike.
template <typename Request>
void AddSparkWishes(const Request& request, MemberWriter& members) {
  members.Add("jars", request.jars);
  members.Add("pyFiles", request.py_files);
  members.Add("files", request.files);
  members.Add("archives", request.archives);
  members.Add("driverMemory", request.driver_memory);
  members.Add("driverCores", request.driver_cores);
  members.Add("executorMemory", request.executor_memory);
  members.Add("executorCores", request.executor_cores);
  members.Add("numExecutors", request.num_executors);
  members.Add("queue", request.queue);
  members.Add("name", request.name);
  members.Add("conf", request.conf);
  members.Add("runtime", request.runtime);
}

SessionRequest DecodeAsked(const JsonValue& json) {
  SessionRequest asked;
  asked.kind = ParseKind(TextOf(json, "kind").value_or(""));
  asked.proxy_user = TextOf(json, "proxyUser");
  asked.jars = TextsOf(json, "jars");
  asked.py_files = TextsOf(json, "pyFiles");
  asked.files = TextsOf(json, "files");
  asked.archives = TextsOf(json, "archives");
  asked.driver_memory = TextOf(json, "driverMemory");
  asked.driver_cores = AskedNumberOf(json, "driverCores");
  asked.executor_memory = TextOf(json, "executorMemory");
  asked.executor_cores = AskedNumberOf(json, "executorCores");
  asked.num_executors = AskedNumberOf(json, "numExecutors");
  asked.queue = TextOf(json, "queue");
  asked.name = TextOf(json, "name");
  asked.conf = TextMapOf(json, "conf");
  asked.heartbeat_timeout_s = AskedNumberOf(json, "heartbeatTimeoutInSecond");
  asked.ttl = TextOf(json, "ttl");
  asked.idle_timeout = TextOf(json, "idleTimeout");
  asked.runtime = TextOf(json, "runtime");
  return asked;
}

AppInfo DecodeAppInfo(const JsonValue& json) {
  const JsonValue* const info = json.Find("appInfo");
  if (info == nullptr) return {};
  return {.driver_log_url = TextOf(*info, "driverLogUrl"),
          .spark_ui_url = TextOf(*info, "sparkUiUrl"),
          .executor_log_urls = TextOf(*info, "executorLogUrls")};
}

SessionState DecodeSessionState(const JsonValue& json) {
  const std::optional<std::string> name = TextOf(json, "state");
  if (!name) return SessionState::kStarting;
  return ParseSessionState(*name).value_or(SessionState::kBusy);
}

StatementState DecodeStatementState(const JsonValue& json) {
  const std::optional<std::string> name = TextOf(json, "state");
  if (!name) return StatementState::kWaiting;
  // Documented by Apache Livy and sent by others: the statement has ended, and its output says how.
  if (*name == "error") return StatementState::kAvailable;
  return ParseStatementState(*name).value_or(StatementState::kRunning);
}

void Write(JsonWriter& writer, const JsonValue& value) {
  switch (value.type()) {
    case JsonValue::Type::kNull:
      writer.Null();
      return;
    case JsonValue::Type::kBool:
      writer.Bool(*value.AsBool());
      return;
    case JsonValue::Type::kNumber:
    case JsonValue::Type::kRaw:
      writer.Raw(value.text());
      return;
    case JsonValue::Type::kString:
      writer.String(std::string_view(*value.AsString()));
      return;
    case JsonValue::Type::kArray:
      writer.BeginArray();
      for (const JsonValue& item : value.items())
        Write(writer, item);
      writer.EndArray();
      return;
    case JsonValue::Type::kObject:
      writer.BeginObject();
      for (const auto& [name, member] : value.members())
        Write(writer.Key(name), member);
      writer.EndObject();
      return;
  }
}

}  // namespace

std::string EncodeSessionRequest(const SessionRequest& request) {
  JsonWriter writer;
  writer.BeginObject();
  MemberWriter members(writer);
  members.Add("kind", request.kind);
  members.Add("proxyUser", request.proxy_user);
  AddSparkWishes(request, members);
  members.Add("heartbeatTimeoutInSecond", request.heartbeat_timeout_s);
  members.Add("ttl", request.ttl);
  members.Add("idleTimeout", request.idle_timeout);
  writer.EndObject();
  return writer.Take();
}

std::string EncodeBatchRequest(const BatchRequest& request) {
  JsonWriter writer;
  writer.BeginObject();
  writer.Key("file").String(std::string_view(request.file));
  MemberWriter members(writer);
  members.Add("proxyUser", request.proxy_user);
  members.Add("className", request.class_name);
  members.Add("args", request.args);
  AddSparkWishes(request, members);
  writer.EndObject();
  return writer.Take();
}

std::string EncodeStatementRequest(const StatementRequest& request) {
  JsonWriter writer;
  writer.BeginObject();
  // Always there: without it Apache Livy fails with a NullPointerException.
  writer.Key("code").String(std::string_view(request.code));
  MemberWriter members(writer);
  members.Add("kind", request.kind);
  members.Add("rowsMax", request.rows_max);
  writer.EndObject();
  return writer.Take();
}

Result<Session> DecodeSession(const JsonValue& json) {
  const std::optional<int> id = IntegerOf(json, "id");
  if (!id) return Unexpected("a session", json);

  Session session;
  session.id = *id;
  session.app_id = TextOf(json, "appId");
  session.owner = TextOf(json, "owner");
  session.state = DecodeSessionState(json);
  session.app_info = DecodeAppInfo(json);
  session.log = TextsOf(json, "log");
  session.request = DecodeAsked(json);
  session.end_reason = TextOf(json, "endReason");
  session.exit_code = IntegerOf(json, "exitCode");
  return session;
}

Result<Batch> DecodeBatch(const JsonValue& json) {
  const std::optional<int> id = IntegerOf(json, "id");
  if (!id) return Unexpected("a batch", json);
  return Batch{.id = *id,
               .name = TextOf(json, "name"),
               .owner = TextOf(json, "owner"),
               .proxy_user = TextOf(json, "proxyUser"),
               .state = DecodeSessionState(json),
               .app_id = TextOf(json, "appId"),
               .app_info = DecodeAppInfo(json),
               .log = TextsOf(json, "log"),
               .runtime = TextOf(json, "runtime"),
               .end_reason = TextOf(json, "endReason"),
               .exit_code = IntegerOf(json, "exitCode")};
}

template <typename Item>
Result<PageOf<Item>> DecodePage(const JsonValue& json) {
  // Batches are listed under that name, too.
  const JsonValue* const items = json.Find("sessions");
  if (items == nullptr || items->type() != JsonValue::Type::kArray)
    return Unexpected("a list of sessions", json);

  PageOf<Item> page;
  page.total = IntegerOf(json, "total").value_or(-1);
  for (const JsonValue& item : items->items()) {
    if constexpr (std::is_same_v<Item, Batch>) {
      page.items.push_back(DecodeBatch(item));
    } else {
      page.items.push_back(DecodeSession(item));
    }
  }
  return page;
}

template Result<PageOf<Session>> DecodePage(const JsonValue& json);
template Result<PageOf<Batch>> DecodePage(const JsonValue& json);

Result<Statement> DecodeStatement(const JsonValue& json) {
  const std::optional<int> id = IntegerOf(json, "id");
  if (!id) return Unexpected("a statement", json);

  Statement statement;
  statement.id = *id;
  statement.code = TextOf(json, "code").value_or("");
  statement.state = DecodeStatementState(json);
  if (const JsonValue* const output = json.Find("output"); output != nullptr && !output->IsNull())
    statement.output = DecodeStatementOutput(*output);
  if (const JsonValue* const progress = json.Find("progress"); progress != nullptr)
    statement.progress = std::clamp(progress->AsDouble().value_or(0), 0.0, 1.0);
  statement.printed = TextOf(json, "stdout").value_or("");
  statement.started = TimeOf(json, "started");
  statement.completed = TimeOf(json, "completed");
  return statement;
}

Result<std::vector<Statement>> DecodeStatements(const JsonValue& json) {
  const JsonValue* const list = json.Find("statements");
  if (list == nullptr || list->type() != JsonValue::Type::kArray)
    return Unexpected("a list of statements", json);

  std::vector<Statement> statements;
  for (const JsonValue& item : list->items()) {
    Result<Statement> statement = DecodeStatement(item);
    if (!statement) return statement.error();
    statements.push_back(*std::move(statement));
  }
  return statements;
}

Result<LogPage> DecodeLogPage(const JsonValue& json) {
  const JsonValue* const lines = json.Find("log");
  if (lines == nullptr) return Unexpected("a page of a log", json);

  LogPage page;
  page.lines = TextsOf(json, "log");
  page.from = IntegerOf(json, "from").value_or(0);
  page.total = IntegerOf(json, "total").value_or(page.from + static_cast<int>(page.lines.size()));
  return page;
}

Result<OutputPage> DecodeOutputPage(const JsonValue& json) {
  const std::optional<std::string> text = TextOf(json, "text");
  if (!text) return Unexpected("a page of output", json);
  const auto place = [&](std::string_view name) {
    const JsonValue* const member = json.Find(name);
    return member == nullptr ? 0 : member->AsInt64().value_or(0);
  };
  const JsonValue* const ended = json.Find("ended");
  return OutputPage{.offset = place("offset"),
                    .next = place("next"),
                    .end = place("end"),
                    .ended = ended != nullptr && ended->AsBool().value_or(false),
                    .text = *text};
}

StatementOutput DecodeStatementOutput(const JsonValue& json) {
  StatementOutput output;
  output.ok = TextOf(json, "status") != "error";
  output.execution_count = IntegerOf(json, "execution_count").value_or(0);
  if (const JsonValue* const data = json.Find("data"); data != nullptr) {
    for (const auto& [type, value] : data->members())
      output.data[type] = ToJsonText(value);
  }
  output.ename = TextOf(json, "ename").value_or("");
  output.evalue = TextOf(json, "evalue").value_or("");
  output.traceback = TextsOf(json, "traceback");
  output.stdout_text = TextOf(json, "stdout").value_or("");
  const JsonValue* const truncated = json.Find("truncated");
  output.truncated = truncated != nullptr && truncated->AsBool().value_or(false);
  return output;
}

std::string EncodeStatementOutput(const StatementOutput& output) {
  JsonWriter writer;
  writer.BeginObject();
  writer.Key("status").String(std::string_view(output.ok ? "ok" : "error"));
  writer.Key("execution_count").Int(output.execution_count);
  if (output.ok) {
    writer.Key("data").BeginObject();
    for (const auto& [type, json] : output.data)
      writer.Key(type).Raw(json);
    writer.EndObject();
  } else {
    writer.Key("ename").String(std::string_view(output.ename));
    writer.Key("evalue").String(std::string_view(output.evalue));
    writer.Key("traceback").Strings(output.traceback);
    if (!output.stdout_text.empty())
      writer.Key("stdout").String(std::string_view(output.stdout_text));
  }
  if (output.truncated) writer.Key("truncated").Bool(true);
  writer.EndObject();
  return writer.Take();
}

std::string ToJsonText(const JsonValue& value) {
  JsonWriter writer;
  Write(writer, value);
  return writer.Take();
}

}  // namespace livy::internal
