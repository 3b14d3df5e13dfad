#include "driver_link/wire.h"

#include <string>
#include <variant>

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

TEST_CASE("commands are one line each, with the server's number") {
  CHECK(
      EncodeCommand(ExecuteCommand{.id = 3, .kind = Kind::kPySpark, .code = "a\n\"b\""}, 7) ==
      "{\"seq\":7,\"op\":\"execute\",\"id\":3,\"kind\":\"pyspark\",\"code\":\"a\\n\\\"b\\\"\"}\n");
  CHECK(EncodeCommand(CompleteCommand{.id = 1, .code = "sc.", .cursor = 3}, 8) ==
        "{\"seq\":8,\"op\":\"complete\",\"id\":1,\"kind\":\"spark\",\"code\":\"sc.\",\"cursor\":3}"
        "\n");
  CHECK(EncodeCommand(CancelCommand{.id = 2}, 9) == "{\"seq\":9,\"op\":\"cancel\",\"id\":2}\n");
  CHECK(
      EncodeCommand(AddCommand{.id = 4, .resource = ResourceKind::kJar, .uri = "hdfs:/a.jar"}, 9) ==
      "{\"seq\":9,\"op\":\"add\",\"id\":4,\"resource\":\"jar\",\"uri\":\"hdfs:/a.jar\"}\n");
  CHECK(
      EncodeCommand(AddCommand{.id = 5, .resource = ResourceKind::kPyFile, .upload = "m.py"}, 9) ==
      "{\"seq\":9,\"op\":\"add\",\"id\":5,\"resource\":\"pyfile\",\"upload\":\"m.py\"}\n");
  CHECK(EncodeCommand(StopCommand{}, 10) == "{\"seq\":10,\"op\":\"stop\"}\n");
}

template <typename Event>
Event Decode(const std::string& line) {
  return std::get<Event>(DecodeEvents(line + "\n").value().at(0).what);
}

TEST_CASE("each kind of event is read with its members") {
  const auto state =
      Decode<StateEvent>(R"({"seq":1,"event":"state","state":"error","message":"no Spark"})");
  CHECK(state.state == SessionState::kError);
  CHECK(state.message == "no Spark");
  const auto application = Decode<ApplicationEvent>(
      R"({"seq":1,"event":"application","appId":"local-1","uiUrl":null,"sparkVersion":"3.5.7"})");
  CHECK(application.app_id == "local-1");
  CHECK(application.ui_url == std::nullopt);
  const auto started = Decode<StartedEvent>(R"({"seq":1,"event":"started","id":3,"at":1700})");
  CHECK(started.id == 3);
  CHECK(started.at.time_since_epoch().count() == 1700);
  CHECK(Decode<ProgressEvent>(R"({"seq":1,"event":"progress","id":3,"progress":0.5})").progress ==
        0.5);
  const auto output = Decode<OutputEvent>(R"({"seq":1,"event":"output","id":3,"text":"a\nb"})");
  CHECK(output.id == 3);
  CHECK(output.text == "a\nb");
  const auto finished = Decode<FinishedEvent>(
      R"({"seq":1,"event":"finished","id":3,"state":"available","at":5,"micros":9,)"
      R"("output":{"status":"ok","data":{"application/json":1.50}}})");
  CHECK(finished.state == StatementState::kAvailable);
  CHECK(finished.ran == std::chrono::microseconds(9));
  CHECK(finished.output_json == R"({"status":"ok","data":{"application/json":1.50}})");
  CHECK(Decode<FinishedEvent>(
            R"({"seq":1,"event":"finished","id":3,"state":"cancelled","at":5,"output":null})")
            .output_json == "null");
  CHECK(Decode<CompletionEvent>(R"({"seq":1,"event":"completion","id":3,"candidates":["a","b"]})")
            .candidates == std::vector<std::string>{"a", "b"});
  CHECK(Decode<AddedEvent>(R"({"seq":1,"event":"added","id":3})").error == "");
  CHECK(Decode<AddedEvent>(R"({"seq":1,"event":"added","id":3,"error":"no file"})").error ==
        "no file");
}

TEST_CASE("events of a later version's kinds count, so that they are acknowledged") {
  const auto events = DecodeEvents(
                          "{\"seq\":1,\"event\":\"state\",\"state\":\"idle\"}\n\n"
                          "{\"seq\":2,\"event\":\"weather\"}")
                          .value();
  REQUIRE(events.size() == 2);
  CHECK(events[1].number == 2);
  CHECK(std::holds_alternative<UnknownEvent>(events[1].what));
}

TEST_CASE("lines that are not events are refused with their number") {
  struct Row {
    const char* lines;
    const char* message;
  };
  const Row rows[] = {
      {"{",
       "Event line 1: The JSON text is wrong at line 1, column 2: "
       "Missing a name for object member."},
      {"{\"event\":\"state\"}", "Event line 1: Its number does not follow."},
      {"{\"seq\":2,\"event\":\"started\",\"id\":1,\"at\":1}\n"
       "{\"seq\":2,\"event\":\"started\",\"id\":1,\"at\":1}",
       "Event line 2: Its number does not follow."},
      {"{\"seq\":1,\"event\":\"started\",\"at\":1}",
       "Event line 1: Member 'id' is missing or wrong."},
      {"{\"seq\":1,\"event\":\"progress\",\"id\":1,\"progress\":2}",
       "Event line 1: Member 'progress' is missing or wrong."},
      {"{\"seq\":1,\"event\":\"finished\",\"id\":1,\"state\":\"running\",\"at\":1}",
       "Event line 1: Member 'state' is missing or wrong."},
  };
  for (const Row& row : rows) {
    CAPTURE(row.lines);
    const auto events = DecodeEvents(row.lines);
    REQUIRE_FALSE(events);
    CHECK(events.error().message == row.message);
  }
}

}  // namespace
}  // namespace livy::internal
