// Drivers dial in over real TLS.
#include "driver_link/driver_listener.h"

#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "http/pinned_client.h"

namespace livy::internal {
namespace {

struct CountingSink : DriverEventSink {
  Result<void> OnDriverEvents(const std::vector<DriverEvent>& events) override {
    taken += events.size();
    return {};
  }
  void OnDriverConnected(std::string_view) override { ++connects; }
  Result<std::string> ReadUpload(std::string_view name) override {
    return "content of " + std::string(name);
  }

  std::size_t taken = 0;
  int connects = 0;
};

struct Fixture {
  std::unique_ptr<DriverListener> listener = *DriverListener::Create({});
  std::shared_ptr<CountingSink> sink = std::make_shared<CountingSink>();
  std::shared_ptr<DriverLink> link = listener->Open(7, sink);
  DriverAddress address = listener->AddressFor(*link);

  Result<std::unique_ptr<PinnedClient>> Dial(const std::string& fingerprint) const {
    const std::size_t colon = address.server.rfind(':');
    int port = 0;
    const char* end = address.server.data() + address.server.size();
    std::from_chars(address.server.data() + colon + 1, end, port);
    return PinnedClient::Connect(address.server.substr(0, colon), port, fingerprint);
  }

  int Post(const std::string& path, const std::string& secret,
           const std::string& body = "{\"seq\":1,\"event\":\"state\",\"state\":\"idle\"}\n") const {
    const auto client = *Dial(address.fingerprint);
    return client
        ->Send({.method = "POST",
                .target = path,
                .headers = {{"Authorization", "Bearer " + secret}},
                .body = body})
        .value()
        .status;
  }
};

constexpr char kEvents[] = "/driver/v1/sessions/7/events?boot=b1&have=0";

TEST_CASE("a driver with the right secret is served, over the pinned certificate only") {
  Fixture f;
  CHECK(f.Post(kEvents, f.address.secret) == 200);
  CHECK(f.sink->taken == 1);
  CHECK_FALSE(f.Dial(std::string(64, '0')));
}

TEST_CASE("a driver that is not the session's is refused, and the session goes on") {
  Fixture f;
  CHECK(f.Post(kEvents, "wrong") == 401);
  CHECK(f.Post(kEvents, "") == 401);
  CHECK(f.Post("/driver/v1/sessions/8/events?boot=b1", f.address.secret) == 404);
  CHECK(f.Post("/driver/v1/sessions/x/events?boot=b1", f.address.secret) == 404);
  CHECK(f.Post("/driver/v2/sessions/7/events?boot=b1", f.address.secret) == 404);
  CHECK(f.Post("/sessions", f.address.secret) == 404);
  CHECK(f.sink->taken == 0);
  CHECK(f.Post(kEvents, f.address.secret) == 200);
  CHECK(f.Post("/driver/v1/sessions/7/events?boot=b2", f.address.secret) == 409);
}

TEST_CASE("requests of a driver that make no sense are refused") {
  Fixture f;
  CHECK(f.Post("/driver/v1/sessions/7/events", f.address.secret) == 400);
  CHECK(f.Post("/driver/v1/sessions/7/events?boot=b1&have=-1", f.address.secret) == 400);
  CHECK(f.Post(kEvents, f.address.secret, "not JSON") == 400);
  CHECK(f.Post(kEvents, f.address.secret) == 200);
}

TEST_CASE("a driver fetches a file by its name, whatever that is made of") {
  Fixture f;
  const auto client = *f.Dial(f.address.fingerprint);
  const auto fetch = [&](const std::string& secret) {
    return client
        ->Send({.target = "/driver/v1/sessions/7/files/na%C3%AFve%20%26.py?boot=b1",
                .headers = {{"Authorization", "Bearer " + secret}}})
        .value();
  };
  CHECK(fetch(f.address.secret).body == "content of na\xc3\xafve &.py");
  CHECK(fetch("wrong").status == 401);
}

TEST_CASE("a later server that is given the same certificate and secret is the same to a driver") {
  Fixture f;
  const DriverListenerOptions options = {.port = f.listener->port(),
                                         .certificate = f.listener->certificate()};
  f.listener.reset();
  f.listener = DriverListener::Create(options).value();
  f.link = f.listener->Reopen(7, {.secret = f.address.secret}, f.sink);
  CHECK(f.listener->AddressFor(*f.link).server == f.address.server);
  CHECK(f.Post(kEvents, f.address.secret) == 200);
}

TEST_CASE("commands reach the driver down its stream, which ends with the session") {
  Fixture f;
  const auto client = *f.Dial(f.address.fingerprint);
  std::vector<std::string> lines;
  const Result<void> ended =
      client->ReadLines({.target = "/driver/v1/sessions/7/commands?boot=b1&have=0",
                         .headers = {{"Authorization", "Bearer " + f.address.secret}}},
                        [&](std::string_view line) {
                          lines.emplace_back(line);
                          if (lines.size() == 1) f.link->Send(CancelCommand{.id = 3});
                          if (lines.size() == 2) f.listener->PingAll();
                          if (lines.size() == 3) f.listener->Close(7);
                          return true;
                        });
  CHECK(ended);
  CHECK(lines == std::vector<std::string>{R"({"op":"hello","ack":0})",
                                          R"({"seq":1,"op":"cancel","id":3})", R"({"op":"ping"})"});
  CHECK(f.Post(kEvents, f.address.secret) == 404);
  f.listener->Stop();  // The sink is told by the handler, which goes on after its first line.
  CHECK(f.sink->connects == 1);
}

}  // namespace
}  // namespace livy::internal
