#include "client/answer_error.h"

#include <string>

#include <doctest/doctest.h>

#include "client/fake_server.h"

namespace livy::internal {
namespace {

using livy::testing::Answer;
using livy::testing::Recorded;
using enum ErrorCode;

const HttpRequest kQuestion{.method = "GET", .target = "/sessions/7", .headers = {}, .body = {}};

TEST_CASE("a refusal of Apache Livy becomes the code that tells what to do, and its words") {
  struct Row {
    const char* recorded;
    ErrorCode code;
    const char* message;
  };
  const Row rows[] = {
      {"A059-session-unknown-get-unknown-id", kNotFound, "Session '0' not found."},
      {"B030-statement-unknown", kNotFound, "Statement not found"},
      {"A027-get-sessions-double-slash", kNotFound,
       "The server answered GET /sessions/7 with status 404."},
      {"A032-delete-sessions", kInvalidArgument,
       "The server answered GET /sessions/7 with status 405."},
      {"A094-create-no-body-no-length", kInvalidArgument, "No content to map due to end-of-input"},
      {"A100-create-unknown-kind", kInvalidArgument,
       "Invalid kind: cobol (through reference chain: "
       "org.apache.livy.server.interactive.CreateInteractiveRequest[\"kind\"])"},
      {"A112-create-name-numeric", kInvalidArgument, "Rejected, Reason: Invalid session name: 123"},
      {"G001-too-many-sessions", kResourceExhausted,
       "Rejected, too many sessions are being created!"},
      {"B141-statements-after-stop", kUnavailable, "requirement failed: Session isn't active."},
      {"B004-statement-on-starting", kUnavailable,
       "java.lang.IllegalStateException: Session is in state starting"},
      {"S045-dead-statement-post", kUnavailable,
       "java.lang.IllegalStateException: Session is in state dead"},
      {"B041-stmt-bad-kind", kInvalidArgument,
       "java.util.concurrent.ExecutionException: org.apache.livy.rsc.rpc.RpcException: "
       "java.lang.IllegalArgumentException: Invalid kind: cobol"},
      {"S005-shared-no-kind-post", kInvalidArgument,
       "java.util.concurrent.ExecutionException: org.apache.livy.rsc.rpc.RpcException: "
       "java.lang.IllegalArgumentException: Code type should be specified if session kind is "
       "shared"},
      {"C012-csrf-post-without-accept-json", kInvalidArgument,
       "Missing Required Header for CSRF protection."},
      {"E001-noauth", kUnauthenticated, "The server answered GET /sessions/7 with status 401."},
      {"E007-bob-log", kPermissionDenied, "The server answered GET /sessions/7 with status 403."},
      {"E014-bob-create-proxy-alice", kPermissionDenied,
       "User 'bob' not allowed to impersonate 'Some(alice)'."},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string_view(row.recorded));
    CHECK(AnswerError(kQuestion, Recorded(row.recorded)) == Error{row.code, row.message});
  }
}

TEST_CASE("a status without known words has the code of its kind") {
  struct Row {
    int status;
    ErrorCode code;
    bool passing;
  };
  const Row rows[] = {
      {302, kInternal, false},        {400, kInvalidArgument, false},
      {401, kUnauthenticated, false}, {403, kPermissionDenied, false},
      {404, kNotFound, false},        {405, kInvalidArgument, false},
      {406, kInvalidArgument, false}, {407, kUnauthenticated, false},
      {408, kUnavailable, false},     {409, kInvalidArgument, false},
      {410, kNotFound, false},        {413, kInvalidArgument, false},
      {422, kInvalidArgument, false}, {429, kResourceExhausted, true},
      {431, kInvalidArgument, false}, {500, kInternal, false},
      {501, kInternal, false},        {502, kUnavailable, true},
      {503, kUnavailable, true},      {504, kDeadlineExceeded, true},
      {505, kInternal, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status);
    CHECK(AnswerError(kQuestion, Answer(row.status, "")).code == row.code);
    CHECK(IsPassing(row.status) == row.passing);
  }
}

TEST_CASE("words are found in every shape in which servers send them") {
  struct Row {
    const char* body;
    const char* message;
  };
  const Row rows[] = {
      {R"({"msg":"No."})", "No."},
      {R"("No.")", "No."},
      {R"({"message":"No.","status":"400"})", "No."},
      {"<html><head><title>Error 400 No.</title></head></html>", "Error 400 No."},
      {R"("java.lang.Exception: No.\n\tat a.B.c(B.java:1)\n\tat d")", "java.lang.Exception: No."},
      {R"({"msg":{"text":"No."}})", "The server answered GET /sessions/7 with status 400."},
      {"No.", "The server answered GET /sessions/7 with status 400."},
      {"<title>", "The server answered GET /sessions/7 with status 400."},
      {"", "The server answered GET /sessions/7 with status 400."},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string_view(row.body));
    CHECK(AnswerError(kQuestion, Answer(400, row.body)).message == row.message);
  }
}

TEST_CASE("a message tells when to try again and where a redirect leads") {
  HttpResponse busy = Answer(429, R"({"msg":"Too many requests."})");
  busy.headers = {{"Retry-After", "5"}};
  CHECK(AnswerError(kQuestion, busy).message == "Too many requests. Retry after 5 seconds.");

  HttpResponse moved = Answer(302, "");
  moved.headers = {{"Location", "https://login/"}};
  CHECK(AnswerError(kQuestion, moved).message ==
        "The server answered GET /sessions/7 with status 302. It points to https://login/.");
}

TEST_CASE("a message is no longer than 4096 bytes and three dots, and stays UTF-8") {
  std::string words(4095, 'x');
  words += "\u00e9\u00e9";
  const std::string message = AnswerError(kQuestion, Answer(500, '"' + words + '"')).message;
  CHECK(message == std::string(4095, 'x') + "...");
}

}  // namespace
}  // namespace livy::internal
