#include <livy/batch_handle.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "client/fake_server.h"

namespace livy::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

HttpResponse BatchIn(std::string_view state) {
  return Answer(200, fmt::format(R"({{"id":8,"state":"{}","log":["one","two"]}})", state));
}

BatchHandle Open(const Fixture& fixture) {
  BatchHandle batch = fixture.Client().OpenBatch(8).value();
  fixture.server->requests.clear();
  return batch;
}

// Answers the states in turn, the last one again and again. The first is seen by Open().
FakeServer::Serve InTurn(std::vector<std::string> states) {
  return [states, next = std::size_t{0}](const HttpRequest&, milliseconds) mutable {
    return BatchIn(states[std::min(next++, states.size() - 1)]);
  };
}

TEST_CASE("each call of a batch asks what its name says") {
  struct Row {
    std::function<bool(const BatchHandle&)> call;
    const char* method;
    const char* target;
    HttpResponse answer;
  };
  const Row rows[] = {
      {[](const BatchHandle& batch) { return batch.Fetch().has_value(); }, "GET", "/batches/8",
       Recorded("D002-get-running")},
      {[](const BatchHandle& batch) { return batch.Log()->total == 79; }, "GET",
       "/batches/8/log?from=-1&size=100", Recorded("D010-log_size_2")},
      {[](const BatchHandle& batch) { return batch.Log(5, 3)->lines.size() == 3; }, "GET",
       "/batches/8/log?from=5&size=3", Recorded("D012-log_from_5_size_3")},
      {[](const BatchHandle& batch) { return batch.Cancel().has_value(); }, "POST",
       "/batches/8/stop", Answer(204, "")},
      {[](const BatchHandle& batch) { return batch.Delete().has_value(); }, "DELETE", "/batches/8",
       Recorded("D038-delete-success")},
      {[](const BatchHandle& batch) { return batch.Delete().error().code == ErrorCode::kNotFound; },
       "DELETE", "/batches/8", Recorded("D039-delete-again")},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string_view(row.target));
    const Fixture fixture([&, opened = false](const HttpRequest&, milliseconds) mutable {
      return std::exchange(opened, true) ? row.answer : BatchIn("running");
    });
    CHECK(row.call(Open(fixture)));
    REQUIRE(fixture.server->requests.size() == 1);
    CHECK(fixture.server->requests[0].http.method == row.method);
    CHECK(fixture.server->requests[0].http.target == row.target);
  }
}

TEST_CASE("a batch is submitted with what was set, and nothing else") {
  const Fixture fixture(Recorded("D001-create"));
  const LivyClient client = fixture.Client();
  CHECK(client.SubmitBatch({.file = "hdfs:/pi.py"})->id() == 8);
  CHECK(fixture.server->requests[0].http.target == "/batches");
  CHECK(fixture.server->requests[0].http.body == R"({"file":"hdfs:/pi.py"})");
  REQUIRE(client.SubmitBatch({.file = "hdfs:/a.jar",
                              .proxy_user = "bob",
                              .class_name = "com.example.Pi",
                              .args = {"2", ""},
                              .jars = {"hdfs:/b.jar"},
                              .driver_memory = "900m",
                              .num_executors = 1,
                              .name = "pi",
                              .conf = {{"spark.ui.enabled", "false"}}}));
  CHECK(fixture.server->requests[1].http.body ==
        R"({"file":"hdfs:/a.jar","proxyUser":"bob","className":"com.example.Pi","args":["2",""],)"
        R"("jars":["hdfs:/b.jar"],"driverMemory":"900m","numExecutors":1,"name":"pi",)"
        R"("conf":{"spark.ui.enabled":"false"}})");
}

TEST_CASE("a batch that is refused is an error with the server's words") {
  const Fixture fixture(Recorded("D004-duplicate-name"));
  const auto refused = fixture.Client().SubmitBatch({.file = "hdfs:/pi.py"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInvalidArgument);
  CHECK(refused.error().message.find("Duplicate session name: Some(pi)") != std::string::npos);
}

TEST_CASE("a batch is found by name, which is encoded, and by id") {
  const Fixture fixture(Recorded("D005-get-by-name"));
  const LivyClient client = fixture.Client();
  CHECK(client.OpenBatch("my pi")->id() == 8);
  CHECK(client.OpenBatch("8")->id() == 8);
  CHECK(fixture.server->requests[0].http.target == "/batches/my%20pi");
  CHECK(fixture.server->requests[1].http.target == "/batches/8");
  CHECK(client.OpenBatch("").error().code == ErrorCode::kInvalidArgument);
  CHECK(client.OpenBatch("99999999999").error().code == ErrorCode::kNotFound);
}

TEST_CASE("Wait returns when the batch has ended, however it did") {
  for (const char* end : {"success", "dead", "killed", "error"}) {
    CAPTURE(std::string_view(end));
    const Fixture fixture(InTurn({"starting", "starting", "running", "recovering", end}));
    const Result<Batch> batch = Open(fixture).Wait(minutes(5));
    REQUIRE(batch);
    CHECK(ToString(batch->state) == end);
    CHECK(batch->log == std::vector<std::string>{"one", "two"});
    CHECK(fixture.server->requests[0].http.target == "/batches/8?wait=30s");
  }
}

TEST_CASE("Wait gives up at its timeout and says how far the batch was") {
  const Fixture fixture(InTurn({"running"}));
  const Clock::TimePoint start = fixture.clock->Now();
  const Result<Batch> batch = Open(fixture).Wait(seconds(2));
  REQUIRE_FALSE(batch);
  CHECK(batch.error().code == ErrorCode::kDeadlineExceeded);
  CHECK(batch.error().message == "Batch 8 was still running after 2000 ms.");
  CHECK(fixture.clock->Now() - start <= seconds(2));
}

TEST_CASE("a batch of this server tells why it ended, one of Apache Livy does not") {
  const Fixture ours(Answer(
      200,
      R"({"id":8,"name":"pi","owner":"ada","proxyUser":"bob","state":"dead",)"
      R"("appId":"application_1","appInfo":{"sparkUiUrl":"http://ui"},"log":[],)"
      R"("runtime":"spark4","endReason":"spark-submit exited with status 3\nno","exitCode":3})"));
  const Batch batch = Open(ours).Fetch().value();
  CHECK(batch == Batch{.id = 8,
                       .name = "pi",
                       .owner = "ada",
                       .proxy_user = "bob",
                       .state = SessionState::kDead,
                       .app_id = "application_1",
                       .app_info = {.spark_ui_url = "http://ui"},
                       .runtime = "spark4",
                       .end_reason = "spark-submit exited with status 3\nno",
                       .exit_code = 3});
  const Fixture livy(Recorded("D022-get-final-10"));
  CHECK_FALSE(Open(livy).Fetch()->end_reason);
}

TEST_CASE("output is read from a place on, as soon as there is any") {
  const std::vector<std::string> answers = {
      R"({"id":8,"offset":5,"next":5,"end":5,"ended":false,"text":""})",
      R"({"id":8,"offset":5,"next":9,"end":12,"ended":false,"text":"two\n"})"};
  const Fixture fixture(
      [&, next = std::size_t{0}](const HttpRequest& request, milliseconds) mutable {
        return request.target == "/batches/8" ? BatchIn("running") : Answer(200, answers[next++]);
      });
  CHECK(Open(fixture).Output(5, minutes(1)).value() ==
        OutputPage{.offset = 5, .next = 9, .end = 12, .text = "two\n"});
  REQUIRE(fixture.server->requests.size() == 2);
  CHECK(fixture.server->requests[0].http.target == "/batches/8/output?offset=5&wait=30s");
}

TEST_CASE("output that does not come in time is none, and no error") {
  const Fixture fixture([&](const HttpRequest& request, milliseconds) {
    return request.target == "/batches/8"
               ? BatchIn("running")
               : Answer(200, R"({"id":8,"offset":5,"next":5,"end":5,"ended":false,"text":""})");
  });
  CHECK(Open(fixture).Output(5, seconds(1)).value() ==
        OutputPage{.offset = 5, .next = 5, .end = 5});
}

TEST_CASE("a server that keeps no output is an error") {
  const Fixture fixture([&](const HttpRequest& request, milliseconds) {
    return request.target == "/batches/8" ? BatchIn("running") : Answer(404, "");
  });
  CHECK(Open(fixture).Output(0, seconds(1)).error().code == ErrorCode::kNotFound);
}

TEST_CASE("all batches of a server are listed, page by page") {
  const Fixture fixture(Recorded("D028-list"));
  std::string ids;
  BatchRange batches = fixture.Client().Batches();
  for (const Result<Batch>& batch : batches)
    ids += fmt::format("{} ", batch.value().id);
  CHECK(ids == "0 2 3 4 5 8 10 11 12 13 ");
  CHECK(fixture.server->requests[0].http.target == "/batches?from=0&size=100");
}

}  // namespace
}  // namespace livy::testing
