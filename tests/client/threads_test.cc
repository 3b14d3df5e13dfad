#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <livy/client.h>
#include <livy/testing/fake_clock.h>
#include <livy/testing/fake_connection.h>

namespace livy::testing {
namespace {

TEST_CASE("copies of handles may be used from several threads at once") {
  constexpr int kThreads = 8;
  constexpr int kStatements = 50;
  // Each statement is running when it is first asked for, and done the second time.
  const auto connection = std::make_shared<FakeConnection>(
      [next = 0, asked = std::vector<int>(kThreads * kStatements)](
          const HttpRequest& request) mutable -> Result<HttpResponse> {
        HttpResponse response;
        if (request.target == "/sessions/7") {
          response.body = R"({"id":7,"state":"idle"})";
        } else if (request.method == "POST") {
          response = {.status = 201, .headers = {}, .body = fmt::format(R"({{"id":{}}})", next++)};
        } else {
          const int id = std::stoi(request.target.substr(request.target.rfind('/') + 1));
          const bool done = asked[static_cast<std::size_t>(id)]++ > 0;
          response.body =
              fmt::format(R"({{"id":{},"state":"{}"}})", id, done ? "available" : "running");
        }
        return response;
      });
  const LivyClient client =
      LivyClient::Create({.connection = connection, .clock = std::make_shared<FakeClock>()})
          .value();
  const SessionHandle session = client.OpenSession(7).value();

  std::atomic<int> done = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([session, &done] {
        for (int n = 0; n < kStatements; ++n) {
          const Result<JobHandle> job = session.Submit({.code = "1"});
          if (job && job->Wait(std::chrono::hours(24))) ++done;
        }
      });
    }
  }
  CHECK(done == kThreads * kStatements);
  CHECK(connection->requests().size() == 1 + 3 * kThreads * kStatements);
}

}  // namespace
}  // namespace livy::testing
