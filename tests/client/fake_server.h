// What the client's tests talk to instead of a server.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <livy/client.h>
#include <livy/testing/fake_clock.h>

namespace livy::testing {

// Answers by a function, as FakeConnection does, and also remembers how long each answer might have
// taken. For one thread.
class FakeServer : public Connection {
 public:
  using Serve = std::function<Result<HttpResponse>(const HttpRequest&, std::chrono::milliseconds)>;

  struct Request {
    HttpRequest http = {};
    std::chrono::milliseconds timeout = {};
  };

  explicit FakeServer(Serve serve) : serve_(std::move(serve)) {}

  Result<HttpResponse> Send(const HttpRequest& request,
                            std::chrono::milliseconds timeout) override {
    requests.push_back({request, timeout});
    return serve_(request, timeout);
  }

  std::vector<Request> requests;

 private:
  Serve serve_;
};

// A client of a fake server, and the time in which both live.
struct Fixture {
  explicit Fixture(FakeServer::Serve serve)
      : server(std::make_shared<FakeServer>(std::move(serve))) {}

  // A server that always answers the same.
  explicit Fixture(HttpResponse response)
      : Fixture([response](const HttpRequest&, std::chrono::milliseconds) { return response; }) {}

  LivyClient Client(int page_size = 100) const {
    return LivyClient::Create({.connection = server, .clock = clock, .page_size = page_size})
        .value();
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  std::shared_ptr<FakeServer> server;
};

inline HttpResponse Answer(int status, std::string body) {
  return {.status = status, .headers = {}, .body = std::move(body)};
}

// What Apache Livy answered in the exchange of that name in tests/wire, such as
// "B001-create-spark". Ends the program if there is none.
HttpResponse Recorded(std::string_view name);

// The body of the request in that exchange.
std::string RecordedRequest(std::string_view name);

}  // namespace livy::testing
