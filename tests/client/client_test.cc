#include <livy/client.h>

#include <stdexcept>

#include <doctest/doctest.h>

#include "client/fake_server.h"

namespace livy::testing {
namespace {

using std::chrono::milliseconds;

TEST_CASE("a client is not made of options that cannot work") {
  const auto connection = Fixture(Answer(200, "")).server;
  struct Row {
    ClientOptions options;
    const char* message;
  };
  const Row rows[] = {
      {{.connection = connection, .page_size = 0}, "A page size of 0 is not within 1 to 1000."},
      {{.connection = connection, .page_size = 1001},
       "A page size of 1001 is not within 1 to 1000."},
      {{.connection = connection, .request_timeout = milliseconds(0)},
       "A request timeout of 0 ms leaves no time for an answer."},
      {{.http = {.url = "gopher://x"}}, "No connection to gopher://x in this test."},
  };
  for (const Row& row : rows) {
    CHECK(LivyClient::Create(row.options).error() ==
          Error{ErrorCode::kInvalidArgument, row.message});
  }
  CHECK(LivyClient::Create({.connection = connection}));
}

TEST_CASE("CreateSession posts the request and names the session that came") {
  const Fixture fixture(Recorded("B001-create-spark"));
  const SessionHandle session = fixture.Client().CreateSession({.kind = Kind::kSpark}).value();
  CHECK(session.id() == 10);

  REQUIRE(fixture.server->requests.size() == 1);
  const HttpRequest& request = fixture.server->requests[0].http;
  CHECK(request.method == "POST");
  CHECK(request.target == "/sessions");
  CHECK(request.body == R"({"kind":"spark"})");
  CHECK(FindHeader(request.headers, "content-type") == "application/json");
  CHECK(fixture.server->requests[0].timeout == std::chrono::seconds(60));
}

TEST_CASE("every request that changes something passes CSRF protection, and no other does") {
  const Fixture fixture(Answer(200, R"({"id":7,"state":"idle","version":"0.9.0"})"));
  const LivyClient client = fixture.Client();
  const SessionHandle session = client.CreateSession({}).value();
  const JobHandle job = session.Submit({.code = "1"}).value();
  REQUIRE(job.Cancel());
  REQUIRE(session.Stop());
  REQUIRE(session.Delete());
  REQUIRE(session.Fetch());
  REQUIRE(client.ServerVersion());
  for (const FakeServer::Request& request : fixture.server->requests) {
    CAPTURE(request.http.method);
    CAPTURE(request.http.target);
    CHECK(FindHeader(request.http.headers, "x-requested-by").has_value() ==
          (request.http.method != "GET"));
  }
}

TEST_CASE("a request whose answer is lost is not repeated, and the error says so") {
  for (const ErrorCode code : {ErrorCode::kUnavailable, ErrorCode::kDeadlineExceeded}) {
    const Fixture fixture(
        [&](const HttpRequest&, milliseconds) { return Error{code, "The connection broke."}; });
    CHECK(fixture.Client().OpenSession(7).error() == Error{code, "The connection broke."});
    const Result<SessionHandle> session = fixture.Client().CreateSession({});
    CHECK(session.error() ==
          Error{ErrorCode::kOutcomeUnknown,
                "It is not known whether POST /sessions took effect. The connection broke."});
  }
}

TEST_CASE("a request that was not sent is not said to have perhaps taken effect") {
  for (const Error& error : {Error{ErrorCode::kUnavailable, "Cannot connect to a:1."},
                             Error{ErrorCode::kDeadlineExceeded, "Cannot connect to a:1 in time."},
                             Error{ErrorCode::kInvalidArgument, "The header 'A B' is none."}}) {
    const Fixture fixture([&](const HttpRequest&, milliseconds) { return error; });
    CHECK(fixture.Client().CreateSession({}).error() == error);
  }
}

TEST_CASE("what a connection throws becomes an error") {
  const Fixture fixture([](const HttpRequest&, milliseconds) -> Result<HttpResponse> {
    throw std::runtime_error("no socket");
  });
  CHECK(fixture.Client().ServerVersion().error() ==
        Error{ErrorCode::kInternal, "The connection threw: no socket"});
}

TEST_CASE("an answer that is not what was asked for is an error and not a session") {
  for (const char* body : {"", "<html>", "[]", "{}", "{\"id\":", "\"ok\""}) {
    CAPTURE(std::string_view(body));
    const Fixture fixture(Answer(200, body));
    CHECK(fixture.Client().CreateSession({}).error().code == ErrorCode::kInternal);
    CHECK(fixture.Client().OpenSession(7).error().code == ErrorCode::kInternal);
    CHECK(fixture.Client().ServerVersion().error().code == ErrorCode::kInternal);
  }
}

TEST_CASE("OpenSession finds a session by its id or its name, whatever is in the name") {
  struct Row {
    const char* name;
    const char* target;
  };
  const Row rows[] = {
      {"7", "/sessions/7"},
      {"007", "/sessions/7"},
      {"etl", "/sessions/etl"},
      {"-1", "/sessions/-1"},
      {"a b/c?d#e%f", "/sessions/a%20b%2Fc%3Fd%23e%25f"},
      {"Grüße~1.0_x", "/sessions/Gr%C3%BC%C3%9Fe~1.0_x"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string_view(row.name));
    const Fixture fixture(Answer(200, R"({"id":7})"));
    CHECK(fixture.Client().OpenSession(row.name).value().id() == 7);
    CHECK(fixture.server->requests[0].http.target == row.target);
  }
}

TEST_CASE("OpenSession fails for a session that cannot exist without asking") {
  const Fixture fixture(Answer(200, R"({"id":7})"));
  CHECK(fixture.Client().OpenSession("").error().code == ErrorCode::kInvalidArgument);
  CHECK(fixture.Client().OpenSession("99999999999").error().code == ErrorCode::kNotFound);
  CHECK(fixture.server->requests.empty());
}

TEST_CASE("OpenSession fails with kNotFound if the server knows no such session") {
  const Fixture fixture(Recorded("A060-session-unknown-get-unknown-name"));
  CHECK(fixture.Client().OpenSession("nosuch").error() ==
        Error{ErrorCode::kNotFound, "Session 'nosuch' not found."});
}

TEST_CASE("ServerVersion is what the server says") {
  const Fixture fixture(Recorded("A010-get-version"));
  CHECK(fixture.Client().ServerVersion().value() == "0.10.0-incubating-SNAPSHOT");
}

}  // namespace
}  // namespace livy::testing
