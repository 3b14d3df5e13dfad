#include "server/session_request.h"

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

TEST_CASE("a session request is read with all its fields") {
  const SessionRequest request =
      ParseSessionRequest(
          R"({"kind":"scala","proxyUser":"ada","jars":["/a.jar"],"pyFiles":["/a.py"],
              "files":["/f"],"archives":["/z"],"driverMemory":"512m","driverCores":2,
              "executorMemory":"1g","executorCores":3,"numExecutors":4,"queue":"q","name":"n",
              "conf":{"k":"v","n":2,"b":true},"heartbeatTimeoutInSecond":5,"ttl":"1h",
              "idleTimeout":"10m"})")
          .value();
  CHECK(request == SessionRequest{.kind = Kind::kSpark,
                                  .proxy_user = "ada",
                                  .jars = {"/a.jar"},
                                  .py_files = {"/a.py"},
                                  .files = {"/f"},
                                  .archives = {"/z"},
                                  .driver_memory = "512m",
                                  .driver_cores = 2,
                                  .executor_memory = "1g",
                                  .executor_cores = 3,
                                  .num_executors = 4,
                                  .queue = "q",
                                  .name = "n",
                                  .conf = {{"k", "v"}, {"n", "2"}, {"b", "true"}},
                                  .heartbeat_timeout_s = 5,
                                  .ttl = "1h",
                                  .idle_timeout = "10m"});
}

TEST_CASE("an empty request is valid and null is absence") {
  CHECK(ParseSessionRequest("{}").value() == SessionRequest{});
  CHECK(
      ParseSessionRequest(R"({"kind":null,"conf":null,"jars":null,"driverCores":null})").value() ==
      SessionRequest{});
}

TEST_CASE("a session request that cannot be used is refused with the field and the reason") {
  struct Row {
    const char* body;
    const char* message;
  };
  const Row rows[] = {
      {"", "No content to map due to end-of-input"},
      {"[]", "The body must be a JSON object, not an array"},
      {"null", "The body must be a JSON object, not null"},
      {R"("spark")", "The body must be a JSON object, not a string"},
      {R"({"kind":"cobol"})", "Invalid kind: cobol"},
      {R"({"kind":"SQL"})", "Invalid kind: SQL"},
      {R"({"kind":1})", "requirement failed: Kind should be a string."},
      {R"({"driverCores":"2"})", "Field \"driverCores\": expected a 32-bit integer, got a string"},
      {R"({"driverCores":2.5})", "Field \"driverCores\": expected a 32-bit integer, got a number"},
      {R"({"numExecutors":99999999999})",
       "Field \"numExecutors\": expected a 32-bit integer, got a number"},
      {R"({"jars":"x.jar"})", "Field \"jars\": expected a list of strings, got a string"},
      {R"({"jars":[[]]})", "Field \"jars\": expected a list of strings, got an array"},
      {R"({"queue":"\u0000"})", "Field \"queue\": a zero byte at 0"},
      {R"({"conf":{"a":"b\u0000"}})", "Field \"conf.a\": a zero byte at 1"},
      {R"({"conf":"x"})", "Field \"conf\": expected an object of strings, got a string"},
      {R"({"conf":{"a":{}}})", "Field \"conf.a\": expected a string, got an object"},
      {R"({"kind":"spark","kind":"cobol"})", "Invalid kind: cobol"},
      {"{\"kind\": spark}", "The JSON text is wrong at line 1, column 10: Invalid value."},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const Result<SessionRequest> request = ParseSessionRequest(row.body);
    REQUIRE_FALSE(request);
    CHECK(request.error().message == row.message);
  }
}

TEST_CASE("an unknown field is refused by name") {
  const Result<SessionRequest> request = ParseSessionRequest(R"({"kind":"spark","foo":1})");
  REQUIRE_FALSE(request);
  CHECK(request.error().message.starts_with(
      "Unrecognized field \"foo\", not marked as ignorable (18 known properties: \"kind\", "));
}

TEST_CASE("a statement may bound its rows, within bounds") {
  CHECK(ParseStatementBody(R"({"code":"1","rowsMax":1})")->rows_max == 1);
  CHECK(ParseStatementBody(R"({"code":"1","rowsMax":1000000})")->rows_max == 1000000);
  CHECK_FALSE(ParseStatementBody(R"({"code":"1","rowsMax":null})")->rows_max);
  for (const char* wrong : {"0", "-1", "1000001"}) {
    CAPTURE(std::string_view(wrong));
    CHECK(ParseStatementBody(std::string(R"({"code":"1","rowsMax":)") + wrong + "}")
              .error()
              .message ==
          std::string("Field \"rowsMax\": expected a number from 1 to 1000000, got ") + wrong);
  }
  CHECK(ParseStatementBody(R"({"code":"1","rowsMax":"all"})").error().message ==
        "Field \"rowsMax\": expected a 32-bit integer, got a string");
}

TEST_CASE("a statement's body may carry a msg_type and nothing else that is unknown") {
  const StatementBody body =
      ParseStatementBody(R"({"code":"1","kind":"sql","msg_type":"execute_request"})").value();
  CHECK(body.code == "1");
  CHECK(body.kind == "sql");
  CHECK_FALSE(body.rows_max);
  CHECK(ParseStatementBody(R"({"code":"\u0000"})")->code == std::string(1, '\0'));
  CHECK_FALSE(ParseStatementBody("{}").value().has_code);
  CHECK_FALSE(ParseStatementBody(R"({"code":"1","x":1})"));
}

}  // namespace
}  // namespace livy::internal
