// What the client does when the answer to a request is lost that creates something.
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <livy/client.h>

#include "client/fake_server.h"

namespace livy::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Error kBroken = {ErrorCode::kUnavailable, "The connection broke."};

// A server that loses the first answers, and says of itself whether it knows keys.
struct LossyServer {
  explicit LossyServer(std::string version_answer)
      : fixture([this, version = std::move(version_answer)](const HttpRequest& request,
                                                            milliseconds) -> Result<HttpResponse> {
          if (request.target == "/version") return Answer(200, version);
          keys.emplace_back(FindHeader(request.headers, "idempotency-key").value_or(""));
          bodies.push_back(request.body);
          if (static_cast<int>(keys.size()) > lost) return then;
          return loss;
        }) {}

  std::vector<std::string> keys = {};
  std::vector<std::string> bodies = {};
  int lost = 1;
  Result<HttpResponse> loss = kBroken;
  Result<HttpResponse> then = Answer(201, R"({"id":7,"state":"starting"})");
  Fixture fixture;
};

constexpr char kOurs[] = R"({"version":"0.9.0","liblivy":"0.1.0","idempotencyKeys":true})";
constexpr char kLivys[] = R"({"version":"0.8.0-incubating"})";

TEST_CASE("a lost answer is asked for again with the same key, if the server knows keys") {
  LossyServer server(kOurs);
  server.lost = 3;
  CHECK(server.fixture.Client().CreateSession({.name = "n"}).value().id() == 7);
  REQUIRE(server.keys.size() == 4);
  CHECK(server.keys[0].size() == 32);
  for (const std::string& key : server.keys)
    CHECK(key == server.keys[0]);
  for (const std::string& body : server.bodies)
    CHECK(body == server.bodies[0]);
}

TEST_CASE("every request that creates something has a key of its own") {
  LossyServer server(kOurs);
  server.lost = 0;
  const SessionHandle session = server.fixture.Client().CreateSession({}).value();
  CHECK(session.Submit({.code = "1"}));
  CHECK(session.Submit({.code = "1"}));
  REQUIRE(server.keys.size() == 3);
  CHECK(server.keys[0] != server.keys[1]);
  CHECK(server.keys[1] != server.keys[2]);
}

TEST_CASE("Apache Livy would create another one: it is not asked again, and the outcome unknown") {
  LossyServer server(kLivys);
  const Result<SessionHandle> session = server.fixture.Client().CreateSession({});
  CHECK(session.error().code == ErrorCode::kOutcomeUnknown);
  CHECK(session.error().message ==
        "It is not known whether POST /sessions took effect. The connection broke.");
  CHECK(server.keys.size() == 1);
}

TEST_CASE("what a proxy says of a server that is away tells nothing of the first request") {
  LossyServer server(kOurs);
  server.lost = 2;
  server.loss = Answer(502, "");
  CHECK(server.fixture.Client().CreateSession({}).value().id() == 7);
}

TEST_CASE("a refusal of the repeated request is the answer") {
  LossyServer server(kOurs);
  server.then = Answer(400, R"({"msg":"Rejected"})");
  CHECK(server.fixture.Client().CreateSession({}).error() ==
        Error{ErrorCode::kInvalidArgument, "Rejected"});
}

TEST_CASE("after the retry timeout the outcome is unknown") {
  LossyServer server(kOurs);
  server.lost = 1000;
  const Clock::TimePoint start = server.fixture.clock->Now();
  CHECK(server.fixture.Client().CreateSession({}).error().code == ErrorCode::kOutcomeUnknown);
  const Clock::Duration taken = server.fixture.clock->Now() - start;
  CHECK(taken <= seconds(60));
  CHECK(taken >= seconds(50));
  CHECK(server.keys.size() < 30);
}

TEST_CASE("without a retry timeout nothing is repeated") {
  LossyServer server(kOurs);
  const LivyClient client = LivyClient::Create({.connection = server.fixture.server,
                                                .clock = server.fixture.clock,
                                                .retry_timeout = milliseconds(0)})
                                .value();
  CHECK(client.CreateSession({}).error().code == ErrorCode::kOutcomeUnknown);
  CHECK(server.fixture.server->requests.size() == 1);
}

TEST_CASE("a busy server's refusal is not repeated: it has not created anything") {
  LossyServer server(kOurs);
  server.lost = 0;
  server.then = Answer(503, R"({"msg":"The server is stopping."})");
  CHECK(server.fixture.Client().CreateSession({}).error() ==
        Error{ErrorCode::kUnavailable, "The server is stopping."});
  CHECK(server.keys.size() == 1);
}

}  // namespace
}  // namespace livy::testing
