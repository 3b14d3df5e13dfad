// GET /sessions/{id}/events.
#include <chrono>
#include <filesystem>
#include <future>
#include <iterator>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "http/http_server.h"
#include "http/raw_client.h"
#include "server/one_session.h"
#include "server/rest_fixture.h"

namespace livy::internal {
namespace {

using livy::testing::Get;
using livy::testing::RawClient;

// A service with session 0, whose driver is idle.
struct Fixture : RestFixture {
  explicit Fixture(const ServerLimits& limits = {}, std::string request = R"({"kind":"spark"})")
      : RestFixture(limits) {
    StartIdle(std::move(request));
    session = sessions->Find("0");
  }

  std::shared_ptr<FakeExchange> Follow(std::string last_event_id = "") {
    return Start(
        {.target = "/sessions/0/events", .headers = {{"Last-Event-ID", std::move(last_event_id)}}});
  }
  void Happens(std::vector<DriverEvent> events) {
    for (DriverEvent& event : events)
      event.number = ++last_event;
    REQUIRE(session->OnDriverEvents(events));
  }
  void End() {
    launcher.processes.at(0)->observer({.state = ApplicationState::kFailed, .reason = "it broke"});
  }

  std::shared_ptr<InteractiveSession> session = {};
  std::int64_t last_event = 1;
};

// What was written since the last call: "NAME DATA" a line, without ids.
std::string News(FakeExchange& exchange) {
  const std::string text = std::exchange(exchange.stream->written, "");
  std::string news;
  for (std::size_t at = 0; (at = text.find("event: ", at)) != text.npos;) {
    const std::size_t name_end = text.find('\n', at += 7);
    const std::size_t data = text.find("data: ", name_end) + 6;
    const std::size_t data_end = text.find('\n', data);
    news += text.substr(at, name_end - at) + " " + text.substr(data, data_end - data) + "\n";
    at = data_end;
  }
  return news;
}

std::string LastId(const FakeExchange& exchange) {
  const std::string& text = exchange.stream->written;
  const std::size_t at = text.rfind("id: ") + 4;
  return text.substr(at, text.find('\n', at) - at);
}

TEST_CASE(
    "who follows a session hears of its state, its statements, what they print, and its end") {
  Fixture f;
  const auto reader = f.Follow();
  CHECK(reader->response->status == 200);
  CHECK(FindHeader(reader->response->headers, "Content-Type") == "text/event-stream");
  CHECK(FindHeader(reader->response->headers, "Cache-Control") == "no-store");
  CHECK(FindHeader(reader->response->headers, "X-Frame-Options") == "SAMEORIGIN");
  CHECK(News(*reader) == "snapshot {\"id\":0,\"state\":\"idle\",\"statements\":[]}\n");

  f.session->Submit("x", Kind::kSpark).value();
  CHECK(News(*reader) ==
        "statement {\"id\":0,\"state\":\"waiting\",\"progress\":0.0}\n"
        "session {\"state\":\"busy\"}\n");
  f.Happens({Started(0), {.what = OutputEvent{.id = 0, .text = "a\n"}}});
  f.Happens({{.what = ProgressEvent{.id = 0, .progress = 0.5}},
             {.what = ProgressEvent{.id = 0, .progress = 0.25}},
             {.what = OutputEvent{.id = 0, .text = "b"}}});
  CHECK(News(*reader) ==
        "statement {\"id\":0,\"state\":\"running\",\"progress\":0.0}\n"
        "output {\"id\":0,\"text\":\"a\\n\"}\n"
        "progress {\"id\":0,\"progress\":0.5}\n"
        "output {\"id\":0,\"text\":\"b\"}\n");
  f.Happens({Finished(0, "{}"), Idle()});
  CHECK(News(*reader) ==
        "statement {\"id\":0,\"state\":\"available\",\"progress\":1.0}\n"
        "session {\"state\":\"idle\"}\n");

  f.session->Submit("y", Kind::kSpark).value();
  CHECK(f.session->CancelStatement(1));
  News(*reader);
  f.session->Submit("z", Kind::kSpark).value();
  News(*reader);
  f.End();
  CHECK(News(*reader) ==
        "statement {\"id\":2,\"state\":\"cancelled\",\"progress\":1.0}\n"
        "end {\"state\":\"dead\",\"reason\":\"it broke\"}\n");
  CHECK(reader->stream->closed);
  CHECK_FALSE(f.session->IsFollowed());
}

TEST_CASE("a snapshot has all that a client must know to be right again") {
  Fixture f;
  f.session->Submit("x", Kind::kSpark).value();
  f.session->Submit("y", Kind::kSpark).value();
  f.session->Submit("z", Kind::kSpark).value();
  f.Happens({Started(0), Finished(0, "{}"), {.what = ProgressEvent{.id = 1, .progress = 0.5}}});
  f.Happens({{.what = OutputEvent{.id = 1, .text = "so far"}}});
  const auto reader = f.Follow("another-run-7");
  CHECK(News(*reader) == R"(snapshot {"id":0,"state":"busy","statements":[)"
                         R"({"id":0,"state":"available","progress":1.0},)"
                         R"({"id":1,"state":"running","progress":0.5,"stdout":"so far"},)"
                         "{\"id\":2,\"state\":\"waiting\",\"progress\":0.0}]}\n");
}

TEST_CASE("a client that was away gets what it missed, or a snapshot if that was too much") {
  Fixture f({.events_retained_max = 4});
  const auto first = f.Follow();
  f.session->Submit("x", Kind::kSpark).value();
  const std::string id = LastId(*first);
  first->gone();
  CHECK_FALSE(f.session->IsFollowed());

  f.Happens({Started(0), Finished(0, "{}"), Idle()});
  const auto again = f.Follow(id);
  CHECK(News(*again) ==
        "statement {\"id\":0,\"state\":\"running\",\"progress\":0.0}\n"
        "statement {\"id\":0,\"state\":\"available\",\"progress\":1.0}\n"
        "session {\"state\":\"idle\"}\n");
  f.session->Submit("y", Kind::kSpark).value();
  CHECK(News(*f.Follow(id)).starts_with("snapshot {\"id\":0,\"state\":\"busy\","));
}

TEST_CASE("the stream of a session that has ended tells that and ends; who knows it gets 204") {
  Fixture f;
  f.End();
  const auto reader = f.Follow();
  CHECK(reader->stream->closed);
  const std::string id = LastId(*reader);
  CHECK(News(*reader) ==
        "snapshot {\"id\":0,\"state\":\"dead\",\"statements\":[]}\n"
        "end {\"state\":\"dead\",\"reason\":\"it broke\"}\n");
  const auto again = f.Follow(id);
  CHECK(again->response->status == 204);
  CHECK(again->stream == nullptr);
}

TEST_CASE("only who may view a session follows it, by GET; HEAD has the headers alone") {
  Fixture f;
  const auto status = [&](HttpRequest request) { return f.Start(std::move(request))->response; };
  CHECK(status({.target = "/sessions/7/events"})->status == 404);
  CHECK(status({.target = "/sessions/0/events", .headers = {{"X-User", "stranger"}}})->status ==
        403);
  const auto refused = status({.method = "POST", .target = "/sessions/0/events"});
  CHECK(refused->status == 405);
  CHECK(FindHeader(refused->headers, "Allow") == "GET, HEAD");

  const auto head = f.Start({.method = "HEAD", .target = "/sessions/0/events"});
  CHECK(FindHeader(head->response->headers, "Content-Type") == "text/event-stream");
  CHECK_FALSE(f.session->IsFollowed());
}

TEST_CASE("who follows a session keeps its heart beating, and stops when it leaves") {
  Fixture f({}, R"({"kind":"spark","heartbeatTimeoutInSecond":5})");
  const auto pass = [&](std::chrono::seconds time) {
    std::promise<void> passed;
    f.clock.Advance(time);
    f.timer.After(Clock::Duration::zero(), [&] { passed.set_value(); });
    passed.get_future().wait();
    return f.session->state();
  };
  const auto reader = f.Follow();
  CHECK(pass(std::chrono::seconds(60)) == SessionState::kIdle);
  reader->gone();
  CHECK(pass(std::chrono::seconds(4)) == SessionState::kIdle);
  CHECK(pass(std::chrono::seconds(1)) == SessionState::kShuttingDown);
}

TEST_CASE("streams are kept alive by comments while nothing happens") {
  Fixture f;
  const auto reader = f.Follow();
  News(*reader);
  f.sessions->KeepFollowersAlive();
  CHECK(reader->stream->written == ":\n\n");
}

void AllowOpenFiles(rlim_t count) {
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min(limit.rlim_max, std::max(limit.rlim_cur, count));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// The service behind a socket.
struct Listening : Fixture {
  std::unique_ptr<HttpServer> http = *HttpServer::Create(
      {}, [this](const std::shared_ptr<Exchange>& exchange) { rest->Handle(exchange); });
};

TEST_CASE("a thousand streams cost no threads, all hear everything, and leave no trace") {
  constexpr int kReaders = 1000;
  AllowOpenFiles(4096);
  Listening f;
  std::vector<RawClient> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back(f.http->port());
    REQUIRE(readers.back().Send(Get("/sessions/0/events")));
  }
  for (RawClient& reader : readers)
    REQUIRE(reader.ReadUntil("\n\n\r\n").find("event: snapshot\n") != std::string::npos);
  const std::ptrdiff_t threads =
      std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  CHECK(threads < 48);  // A busy machine may make the pools grow to 16 each.

  f.session->Submit("x", Kind::kSpark).value();
  f.Happens({Started(0), Finished(0, "{}"), Idle()});
  for (RawClient& reader : readers)
    REQUIRE(reader.ReadUntil("data: {\"state\":\"idle\"}\n\n").find("available") !=
            std::string::npos);
  f.End();
  int ended = 0;
  for (RawClient& reader : readers)
    ended += reader.ReadUntil("0\r\n\r\n").find("event: end\n") != std::string::npos ? 1 : 0;
  CHECK(ended == kReaders);
  CHECK_FALSE(f.session->IsFollowed());
}

TEST_CASE("a stream is not compressed, and ends with the connection for HTTP/1.0") {
  Listening f;
  RawClient reader(f.http->port());
  reader.Send(Get("/sessions/0/events", "Accept-Encoding: gzip\r\n"));
  const std::string head = reader.ReadUntil("\r\n\r\n");
  CHECK(head.find("Content-Encoding") == std::string::npos);
  CHECK(head.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(reader.ReadUntil("\n\n").find("event: snapshot") != std::string::npos);

  RawClient old(f.http->port());
  old.Send("GET /sessions/0/events HTTP/1.0\r\n\r\n");
  const std::string old_head = old.ReadUntil("\r\n\r\n");
  CHECK(old_head.find("Transfer-Encoding") == std::string::npos);
  CHECK(old_head.find("Connection: close\r\n") != std::string::npos);
  CHECK(old.ReadUntil("\n\n").starts_with("id: "));
  f.End();
  CHECK(old.ReadToEnd().ends_with("\"reason\":\"it broke\"}\n\n"));
}

TEST_CASE("output is complete and in order for a client that reads slowly but reads") {
  constexpr int kPieces = 300;
  Listening f;
  RawClient reader(f.http->port(), 4096);
  reader.Send(Get("/sessions/0/events"));
  reader.ReadUntil("\n\n");
  f.session->Submit("x", Kind::kSpark).value();
  std::string wanted;
  for (int i = 0; i < kPieces; ++i) {
    wanted += std::to_string(i) + ".";
    f.Happens({{.what = OutputEvent{.id = 0, .text = std::to_string(i) + "."}}});
  }
  f.End();

  const std::string text = reader.ReadUntil("0\r\n\r\n");
  std::string got;
  for (std::size_t at = 0; (at = text.find("\"text\":\"", at)) != text.npos;) {
    const std::size_t begin = at += 8;
    at = text.find('"', begin);
    got += text.substr(begin, at - begin);
  }
  CHECK(got == wanted);
}

}  // namespace
}  // namespace livy::internal
