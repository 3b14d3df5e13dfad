#include "driver_link/driver_link.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "fake_exchange.h"

namespace livy::internal {
namespace {

struct RecordingSink : DriverEventSink {
  Result<void> OnDriverEvents(const std::vector<DriverEvent>& events) override {
    if (during) during();
    if (failure) return *failure;
    for (const DriverEvent& event : events)
      numbers.push_back(event.number);
    return {};
  }
  void OnDriverConnected(std::string_view) override { ++connects; }
  Result<std::string> ReadUpload(std::string_view name) override {
    if (name == "there.py") return std::string("x = 1");
    return Error{ErrorCode::kNotFound, "There is no uploaded file."};
  }

  std::vector<std::int64_t> numbers = {};
  std::optional<Error> failure = {};
  std::function<void()> during = {};
  int connects = 0;
};

struct Fixture {
  std::shared_ptr<RecordingSink> sink = std::make_shared<RecordingSink>();
  std::shared_ptr<DriverLink> link =
      std::make_shared<DriverLink>(DriverCredentials{.secret = "secret"}, sink);

  std::shared_ptr<FakeExchange> Connect(std::string_view boot, std::int64_t have) const {
    auto exchange = std::make_shared<FakeExchange>(HttpRequest{});
    link->ServeCommands(exchange, boot, have);
    return exchange;
  }
  HttpResponse Post(std::string_view boot, std::string body, std::int64_t have = 0) const {
    auto exchange = std::make_shared<FakeExchange>(HttpRequest{.body = std::move(body)});
    link->ServeEvents(exchange, boot, have);
    return exchange->response.value();
  }
};

constexpr char kFirstTwo[] =
    "{\"seq\":1,\"event\":\"state\",\"state\":\"starting\"}\n"
    "{\"seq\":2,\"event\":\"state\",\"state\":\"idle\"}\n";

TEST_CASE("commands go down the stream in order, and those not taken go again after a reconnect") {
  Fixture f;
  f.link->Send(CancelCommand{.id = 5});
  const auto first = f.Connect("b1", 0);
  CHECK(first->stream->written ==
        "{\"op\":\"hello\",\"ack\":0}\n{\"seq\":1,\"op\":\"cancel\",\"id\":5}\n");
  CHECK(f.link->connected());
  CHECK(f.sink->connects == 1);

  first->gone();
  CHECK_FALSE(f.link->connected());
  f.link->Send(StopCommand{});
  const auto second = f.Connect("b1", 1);
  CHECK(second->stream->written == "{\"op\":\"hello\",\"ack\":0}\n{\"seq\":2,\"op\":\"stop\"}\n");
}

TEST_CASE("a new stream of the same driver replaces the old one") {
  Fixture f;
  const auto first = f.Connect("b1", 0);
  const auto second = f.Connect("b1", 0);
  CHECK(first->stream->closed);
  first->gone();  // Late news of the old stream.
  CHECK(f.link->connected());
  f.link->Send(StopCommand{});
  CHECK(second->stream->written.ends_with("{\"seq\":1,\"op\":\"stop\"}\n"));
}

TEST_CASE("a stream that breaks loses no command") {
  Fixture f;
  const auto first = f.Connect("b1", 0);
  first->stream->broken = true;
  f.link->Send(StopCommand{});
  CHECK_FALSE(f.link->connected());
  CHECK(f.Connect("b1", 0)->stream->written.ends_with("{\"seq\":1,\"op\":\"stop\"}\n"));
}

TEST_CASE("events are acknowledged once they are stored, and repeated ones are not passed on") {
  Fixture f;
  CHECK(f.Post("b1", kFirstTwo).body == "{\"ack\":2}");
  CHECK(f.Post("b1", kFirstTwo).body == "{\"ack\":2}");
  CHECK(
      f.Post("b1", std::string(kFirstTwo) + "{\"seq\":5,\"event\":\"state\",\"state\":\"busy\"}\n")
          .body == "{\"ack\":5}");
  CHECK(f.sink->numbers == std::vector<std::int64_t>{1, 2, 5});
  CHECK(f.Connect("b1", 0)->stream->written == "{\"op\":\"hello\",\"ack\":5}\n");
}

TEST_CASE("events that cannot be stored are not acknowledged and are taken when they come again") {
  Fixture f;
  f.sink->failure = Error{ErrorCode::kUnavailable, "The disk is full."};
  const HttpResponse refused = f.Post("b1", kFirstTwo);
  CHECK(refused.status == 503);
  CHECK(refused.body == "{\"msg\":\"The disk is full.\"}");
  f.sink->failure.reset();
  CHECK(f.Post("b1", kFirstTwo).body == "{\"ack\":2}");
  CHECK(f.sink->numbers == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("a repeated request that overtakes its first copy waits its turn") {
  Fixture f;
  int status = 0;
  f.sink->during = [&] {
    f.sink->during = nullptr;
    status = f.Post("b1", kFirstTwo).status;
  };
  CHECK(f.Post("b1", kFirstTwo).status == 200);
  CHECK(status == 503);
  CHECK(f.sink->numbers == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("the first driver that comes owns the session, another is refused for good") {
  Fixture f;
  f.Connect("b1", 0);
  CHECK(f.Connect("b2", 0)->response->status == 409);
  CHECK(f.Post("b2", kFirstTwo).status == 409);
  CHECK(f.Post("b1", kFirstTwo).status == 200);
}

TEST_CASE("a closed link ends its stream and refuses its driver") {
  Fixture f;
  const auto stream = f.Connect("b1", 0)->stream;
  f.link->Close();
  CHECK(stream->closed);
  CHECK(f.Connect("b1", 0)->response->status == 404);
  CHECK(f.Post("b1", kFirstTwo).status == 404);
  f.link->Send(StopCommand{});
  CHECK_FALSE(f.link->connected());
}

TEST_CASE("a driver whose session is gone is refused") {
  Fixture f;
  f.sink.reset();
  CHECK(f.Post("b1", kFirstTwo).status == 404);
}

TEST_CASE("a driver of an earlier server gets commands that follow those it has") {
  auto sink = std::make_shared<RecordingSink>();
  DriverCredentials credentials = {.secret = "secret", .boot = "b1"};
  const auto link = std::make_shared<DriverLink>(credentials, sink);
  link->Send(CancelCommand{.id = 1});
  const auto connect = [&](std::string_view boot, std::int64_t have) {
    auto exchange = std::make_shared<FakeExchange>(HttpRequest{});
    link->ServeCommands(exchange, boot, have);
    return exchange;
  };
  CHECK(connect("b2", 0)->response->status == 409);
  // Its events may come before it asks for commands.
  auto events = std::make_shared<FakeExchange>(
      HttpRequest{.body = "{\"seq\":70,\"event\":\"state\",\"state\":\"idle\"}\n"});
  link->ServeEvents(events, "b1", 41);
  CHECK(events->response->body == R"({"ack":70})");
  const auto stream = connect("b1", 41);
  link->Send(CancelCommand{.id = 2});
  CHECK(stream->stream->written ==
        "{\"op\":\"hello\",\"ack\":70}\n"
        "{\"seq\":42,\"op\":\"cancel\",\"id\":1}\n"
        "{\"seq\":43,\"op\":\"cancel\",\"id\":2}\n");
  CHECK(connect("b1", 42)->stream->written ==
        "{\"op\":\"hello\",\"ack\":70}\n{\"seq\":43,\"op\":\"cancel\",\"id\":2}\n");
}

TEST_CASE("a driver fetches the files that were uploaded for it, and nobody else's driver does") {
  Fixture f;
  const auto fetch = [&](std::string_view boot, std::string_view name) {
    auto exchange = std::make_shared<FakeExchange>(HttpRequest{});
    f.link->ServeFile(exchange, boot, name);
    return exchange->response.value();
  };
  CHECK(fetch("b1", "there.py").body == "x = 1");
  CHECK(fetch("b1", "other.py").status == 404);
  CHECK(fetch("b2", "there.py").status == 409);
  f.link->Close();
  CHECK(fetch("b1", "there.py").status == 404);
}

}  // namespace
}  // namespace livy::internal
