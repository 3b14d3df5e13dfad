// How a program that uses Livy is tested: without Spark, and without waiting.
//
//   without_spark
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <livy/livy.h>
#include <livy/testing/fake_clock.h>
#include <livy/testing/fake_connection.h>
#include <livy/testing/fake_launcher.h>

namespace {

constexpr const char* kCode = "select count(*) from orders";

// What is to be tested: code that is given a client.
livy::Result<std::string> CountOrders(const livy::LivyClient& client) {
  const auto session = client.CreateSession({.kind = livy::Kind::kSql});
  if (!session) return session.error();
  const auto idle = session->WaitUntilIdle(std::chrono::hours(2));
  if (!idle) return idle.error();
  const auto job = session->Submit({.code = kCode});
  if (!job) return job.error();
  const auto statement = job->Wait(std::chrono::hours(1));
  if (!statement) return statement.error();
  return statement->output->text();
}

// A whole server, whose drivers are threads of this program.
bool CountsOrders() {
  auto launcher =
      std::make_unique<livy::testing::FakeLauncher>([](const livy::StatementRequest& statement) {
        return livy::testing::TextOutput(statement.code == kCode ? "42" : "not expected");
      });
  livy::ServerOptions options;
  options.launcher = std::move(launcher);
  const auto server = livy::LivyServer::Create(std::move(options)).value();

  const auto client = livy::LivyClient::Create({.connection = server->Connect()}).value();
  return CountOrders(client).value() == "42";
}

// No server at all: sessions that are starting for ever. Two hours are over at once.
bool GivesUpAfterTwoHours() {
  const auto clock = std::make_shared<livy::testing::FakeClock>();
  const auto server = std::make_shared<livy::testing::FakeConnection>(
      [](const livy::HttpRequest& request) -> livy::Result<livy::HttpResponse> {
        const int status = request.method == "POST" ? 201 : 200;
        return livy::HttpResponse{.status = status, .body = R"({"id":7,"state":"starting"})"};
      });

  const auto client = livy::LivyClient::Create({.connection = server, .clock = clock}).value();
  const auto orders = CountOrders(client);
  return !orders && orders.error().code == livy::ErrorCode::kDeadlineExceeded &&
         clock->Now().time_since_epoch() > std::chrono::minutes(119);
}

}  // namespace

int main() {
  const bool counts = CountsOrders();
  const bool gives_up = GivesUpAfterTwoHours();
  std::printf("counts orders: %s\n", counts ? "yes" : "no");
  std::printf("gives up after two hours: %s\n", gives_up ? "yes" : "no");
  return counts && gives_up ? 0 : 1;
}
