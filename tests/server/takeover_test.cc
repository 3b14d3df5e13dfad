// A server whose store another one has taken over.
#include <chrono>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "server/one_session.h"
#include "server/rest_fixture.h"

namespace livy::internal {
namespace {

const Error kTaken = {ErrorCode::kPermissionDenied, "Another server has it."};
constexpr char kTakenReply[] = R"({"msg":"Another server has it."})";

TEST_CASE("what another server has taken over is left alone, whoever asks for its end") {
  RestFixture f;
  f.StartIdle();
  REQUIRE(f.Send("POST", "/batches", R"({"file":"hdfs:/a.jar"})").status == 201);
  f.launcher.processes.at(1)->observer({.state = ApplicationState::kRunning});
  f.backing.failure = kTaken;
  const std::pair<const char*, const char*> changes[] = {
      {"DELETE", "/sessions/0"}, {"POST", "/sessions/0/stop"}, {"POST", "/sessions/0/interrupt"},
      {"DELETE", "/batches/0"},  {"POST", "/batches/0/stop"},
  };
  for (const auto& [method, target] : changes) {
    CAPTURE(target);
    const HttpResponse refused = f.Send(method, target);
    CHECK(refused.status == 503);
    CHECK(refused.body == kTakenReply);
  }
  const HttpResponse refused =
      f.Send("POST", "/sessions/0/add-file", R"({"uri":"hdfs://host/path/a.txt"})");
  CHECK(refused.body == kTakenReply);
  CHECK(f.Get("/sessions/0/state").body == R"({"id":0,"state":"idle"})");
  CHECK(f.Get("/batches/0/state").body == R"({"id":0,"state":"running"})");
  CHECK(f.launcher.processes.at(0)->kills + f.launcher.processes.at(1)->kills == 0);

  f.backing.failure.reset();
  f.Start({.method = "POST", .target = "/batches/0/stop"});
  CHECK(f.launcher.processes.at(1)->kills == 1);
}

TEST_CASE("a time limit ends nothing that another server has taken over") {
  SessionUnderTest f;
  f.commands->is_connected = false;
  f.backing.failure = kTaken;
  Pass(f, std::chrono::seconds(90));
  CHECK(f.process().kills == 0);
  CHECK(f.session->state() == SessionState::kStarting);
}

TEST_CASE("a driver that another server has taken over keeps what it has to tell for that one") {
  SessionUnderTest f;
  f.backing.failure = kTaken;
  REQUIRE_FALSE(f.writer.CheckOurs());
  CHECK_FALSE(f.session->OnDriverEvents({Idle()}));
  CHECK(f.session->state() == SessionState::kStarting);
}

}  // namespace
}  // namespace livy::internal
