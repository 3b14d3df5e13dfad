#include "driver_link/wire.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"

namespace livy::internal {
namespace {

struct CommandWriter {
  JsonWriter& json;

  void operator()(const ExecuteCommand& command) const {
    json.Key("op").String("execute").Key("id").Int(command.id);
    json.Key("kind").String(ToString(command.kind)).Key("code").String(command.code);
    if (command.rows_max) json.Key("rowsMax").Int(*command.rows_max);
  }
  void operator()(const CancelCommand& command) const {
    json.Key("op").String("cancel").Key("id").Int(command.id);
  }
  void operator()(const CompleteCommand& command) const {
    json.Key("op").String("complete").Key("id").Int(command.id);
    json.Key("kind").String(ToString(command.kind)).Key("code").String(command.code);
    json.Key("cursor").Int(command.cursor);
  }
  void operator()(const AddCommand& command) const {
    json.Key("op").String("add").Key("id").Int(command.id);
    json.Key("resource").String(ToString(command.resource));
    command.upload.empty() ? json.Key("uri").String(command.uri)
                           : json.Key("upload").String(command.upload);
  }
  void operator()(const StopCommand&) const { json.Key("op").String("stop"); }
};

// Members of one event, with the first that was missing or wrong.
class Members {
 public:
  explicit Members(const JsonValue& event) : event_(event) {}

  const std::string& wrong() const { return wrong_; }

  std::string Text(std::string_view name) {
    const JsonValue* value = event_.Find(name);
    if (value == nullptr || value->AsString() == nullptr) return Miss<std::string>(name);
    return *value->AsString();
  }

  std::optional<std::string> OptionalText(std::string_view name) {
    const JsonValue* value = event_.Find(name);
    if (value == nullptr || value->IsNull()) return std::nullopt;
    return Text(name);
  }

  int Id() {
    const JsonValue* value = event_.Find("id");
    const std::optional<int> id = value == nullptr ? std::nullopt : value->AsInt();
    return id ? *id : Miss<int>("id");
  }

  Statement::Time At() {
    const JsonValue* value = event_.Find("at");
    const auto millis = value == nullptr ? std::nullopt : value->AsInt64();
    return Statement::Time(std::chrono::milliseconds(millis ? *millis : Miss<std::int64_t>("at")));
  }

  std::chrono::microseconds Micros() {
    const JsonValue* value = event_.Find("micros");
    const auto micros = value == nullptr ? std::nullopt : value->AsInt64();
    return std::chrono::microseconds(std::max<std::int64_t>(0, micros.value_or(0)));
  }

  double Progress() {
    const JsonValue* value = event_.Find("progress");
    const std::optional<double> progress = value == nullptr ? std::nullopt : value->AsDouble();
    return progress && *progress >= 0 && *progress <= 1 ? *progress : Miss<double>("progress");
  }

  std::string Json(std::string_view name) {
    const JsonValue* value = event_.Find(name);
    return value == nullptr ? "null" : value->text();
  }

  std::vector<std::string> Texts(std::string_view name) {
    const JsonValue* value = event_.Find(name);
    if (value == nullptr) return Miss<std::vector<std::string>>(name);
    std::vector<std::string> texts;
    for (const JsonValue& item : value->items()) {
      if (item.AsString() != nullptr) texts.push_back(*item.AsString());
    }
    return texts;
  }

  template <typename T>
  T Miss(std::string_view name) {
    if (wrong_.empty()) wrong_ = name;
    return T{};
  }

 private:
  const JsonValue& event_;
  std::string wrong_;
};

StateEvent ReadState(Members& members) {
  const std::optional<SessionState> state = ParseSessionState(members.Text("state"));
  return {.state = state ? *state : members.Miss<SessionState>("state"),
          .message = members.OptionalText("message").value_or("")};
}

FinishedEvent ReadFinished(Members& members) {
  const std::optional<StatementState> state = ParseStatementState(members.Text("state"));
  if (!state || !IsFinal(*state)) return members.Miss<FinishedEvent>("state");
  return {.id = members.Id(),
          .state = *state,
          .at = members.At(),
          .ran = members.Micros(),
          .output_json = members.Json("output")};
}

void ReadWhat(std::string_view type, Members& members, DriverEvent& event) {
  if (type == "state") {
    event.what = ReadState(members);
  } else if (type == "application") {
    event.what = ApplicationEvent{.app_id = members.Text("appId"),
                                  .ui_url = members.OptionalText("uiUrl"),
                                  .spark_version = members.Text("sparkVersion")};
  } else if (type == "started") {
    event.what = StartedEvent{.id = members.Id(), .at = members.At()};
  } else if (type == "progress") {
    event.what = ProgressEvent{.id = members.Id(), .progress = members.Progress()};
  } else if (type == "output") {
    event.what = OutputEvent{.id = members.Id(), .text = members.Text("text")};
  } else if (type == "finished") {
    event.what = ReadFinished(members);
  } else if (type == "completion") {
    event.what = CompletionEvent{.id = members.Id(), .candidates = members.Texts("candidates")};
  } else if (type == "added") {
    event.what =
        AddedEvent{.id = members.Id(), .error = members.OptionalText("error").value_or("")};
  } else {
    event.what = UnknownEvent{};
  }
}

Error Wrong(std::size_t line, std::string_view why) {
  return Error{ErrorCode::kInvalidArgument, fmt::format("Event line {}: {}", line, why)};
}

}  // namespace

std::string EncodeCommand(const DriverCommand& command, std::int64_t number) {
  JsonWriter json;
  json.BeginObject().Key("seq").Int(number);
  std::visit(CommandWriter{json}, command);
  json.EndObject();
  return json.Take() + '\n';
}

std::string EncodeHello(std::int64_t acknowledged) {
  return fmt::format("{{\"op\":\"hello\",\"ack\":{}}}\n", acknowledged);
}

std::string EncodePing() {
  return "{\"op\":\"ping\"}\n";
}

Result<std::vector<DriverEvent>> DecodeEvents(std::string_view lines) {
  std::vector<DriverEvent> events;
  std::int64_t last = 0;
  for (std::size_t number = 1; !lines.empty(); ++number) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    if (line.empty()) continue;

    const Result<JsonValue> json = ParseJson(line, {.raw_member = "output"});
    if (!json) return Wrong(number, json.error().message);
    const JsonValue* seq = json->Find("seq");
    const auto seq_number = seq == nullptr ? std::nullopt : seq->AsInt64();
    if (!seq_number || *seq_number <= last) return Wrong(number, "Its number does not follow.");
    last = *seq_number;

    Members members(*json);
    DriverEvent event{.number = *seq_number};
    ReadWhat(members.Text("event"), members, event);
    if (!members.wrong().empty()) {
      return Wrong(number, fmt::format("Member '{}' is missing or wrong.", members.wrong()));
    }
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace livy::internal
