// Many clients, slow ones, vanishing ones: what waits, what it costs, and how it ends.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <livy/clock.h>

#include "http/http_server.h"
#include "http/worker_pool.h"
#include "raw_client.h"
#include "server_fixture.h"

namespace livy::internal {
namespace {

using livy::testing::Counter;
using livy::testing::Fixture;
using livy::testing::Get;
using livy::testing::Post;
using livy::testing::RawClient;
using std::chrono::milliseconds;

std::ptrdiff_t ThreadsOfThisProcess() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

void AllowOpenFiles(rlim_t count) {
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min(limit.rlim_max, std::max(limit.rlim_cur, count));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a thousand waiting requests cost no threads, and all are answered") {
  constexpr int kWaiting = 1000;
  AllowOpenFiles(4096);
  Fixture fixture;
  std::vector<RawClient> clients;
  for (int i = 0; i < kWaiting; ++i) {
    clients.emplace_back(fixture.port());
    REQUIRE(clients.back().Send(Get("/wait")));
  }
  REQUIRE(fixture.shelf.WaitFor(kWaiting));
  CHECK(ThreadsOfThisProcess() < 32);  // A busy machine may make the pool grow to its 16.
  for (const auto& exchange : fixture.shelf.TakeAll())
    exchange->Send({.body = "now"});
  int answered = 0;
  for (RawClient& client : clients)
    answered += client.ReadAnswer().ends_with("now") ? 1 : 0;
  CHECK(answered == kWaiting);
}

TEST_CASE("clients that send slowly do not keep others waiting, and are cut off in time") {
  Fixture fixture(
      {.threads_max = 2, .header_timeout = milliseconds(300), .body_timeout = milliseconds(300)});
  std::vector<RawClient> slow;
  for (int i = 0; i < 20; ++i) {
    slow.emplace_back(fixture.port());
    slow.back().Send(i % 2 == 0 ? "GET / HTTP/1.1\r\nHo"
                                : "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab");
  }
  RawClient client(fixture.port());
  for (int i = 0; i < 100; ++i)
    REQUIRE(client.Ask(Get("/")).ends_with("GET / "));
  for (RawClient& each : slow) {
    CHECK(each.ReadToEnd().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    CHECK(each.IsEnded());
  }
}

TEST_CASE("a body that stops coming is cut off by its own timeout") {
  Fixture fixture({.header_timeout = milliseconds(100000), .body_timeout = milliseconds(200)});
  RawClient client(fixture.port());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab");
  CHECK(client.ReadToEnd().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_CASE("a connection without a request is closed in silence after a while") {
  Fixture fixture({.header_timeout = milliseconds(200), .keep_alive_timeout = milliseconds(200)});
  RawClient silent(fixture.port());
  RawClient served(fixture.port());
  CHECK(served.Ask(Get("/")).ends_with("GET / "));
  CHECK(silent.ReadToEnd().empty());
  CHECK(silent.IsEnded());
  CHECK(served.ReadToEnd().empty());
  CHECK(served.IsEnded());
}

TEST_CASE("a request that waits longer than every timeout is not cut, whatever follows it") {
  Fixture fixture({.header_timeout = milliseconds(100),
                   .body_timeout = milliseconds(100),
                   .response_timeout = milliseconds(100),
                   .keep_alive_timeout = milliseconds(100)});
  RawClient waiting(fixture.port());
  RawClient other(fixture.port());
  waiting.Send(Get("/wait") + "GET /half");
  const auto exchange = fixture.shelf.TakeOne();
  REQUIRE(exchange);
  CHECK(other.IsEnded());  // By its timeout: the first one's would have come too.
  Fixture second({.header_timeout = milliseconds(300)});
  RawClient third(second.port());
  CHECK(third.IsEnded());
  exchange->Send({.body = "late"});
  CHECK(waiting.ReadAnswer().ends_with("late"));
}

TEST_CASE("endless heads and bodies are cut off at their bounds") {
  struct Row {
    std::string start;
    std::string piece;
    int status;
  };
  const std::string chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const Row rows[] = {
      {"GET /", std::string(1000, 'a'), 414},
      {"GET / HTTP/1.1\r\n", "A: " + std::string(1000, 'a') + "\r\n", 431},
      {"GET / HTTP/1.1\r\nA: ", std::string(1000, 'a'), 431},
      {chunked, "3e8\r\n" + std::string(1000, 'a') + "\r\n", 413},
      {chunked, "1\r\na\r\n", 413},
      {chunked, std::string(1000, '0'), 400},
      {chunked + "1;", std::string(1000, 'x'), 400},
      {chunked + "0\r\n", "A: b\r\n", 413},
  };
  Fixture fixture({.body_bytes_max = 1 << 20});
  for (const Row& row : rows) {
    CAPTURE(row.start);
    CAPTURE(row.piece.substr(0, 10));
    RawClient client(fixture.port());
    client.Send(row.start);
    std::string pieces;
    while (pieces.size() < 100000)
      pieces += row.piece;
    bool is_open = true;
    for (int i = 0; i < 80 && is_open; ++i)
      is_open = client.Send(pieces);
    client.CloseWriting();
    CHECK(client.ReadToEnd().starts_with(fmt::format("HTTP/1.1 {} ", row.status)));
  }
}

TEST_CASE("all bodies together are bounded") {
  // One worker: of two that are over the bound at the same moment, both would be refused.
  Fixture fixture({.threads_min = 1, .threads_max = 1, .bodies_bytes_max = 100000});
  RawClient first(fixture.port());
  RawClient second(fixture.port());
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n";
  first.Send(head + std::string(80000, 'a'));
  second.Send(head + std::string(80000, 'a'));
  // Whichever was read last is over the bound.
  pollfd waited[] = {{first.fd(), POLLIN, 0}, {second.fd(), POLLIN, 0}};
  REQUIRE(::poll(waited, 2, 5000) == 1);
  RawClient& refused = waited[0].revents != 0 ? first : second;
  RawClient& accepted = waited[0].revents != 0 ? second : first;
  CHECK(refused.ReadToEnd().starts_with("HTTP/1.1 503 "));
  CHECK(accepted.Ask(std::string(10000, 'a')).starts_with("HTTP/1.1 200 "));
  RawClient third(fixture.port());
  CHECK(third.Ask(head + std::string(90000, 'a')).starts_with("HTTP/1.1 200"));
}

TEST_CASE("a client that leaves while its answer is owed is noticed, once") {
  Fixture fixture;
  for (const bool only_half : {false, true}) {
    CAPTURE(only_half);
    RawClient client(fixture.port());
    client.Send(Get("/wait"));
    const auto exchange = fixture.shelf.TakeOne();
    REQUIRE(exchange);
    Counter gone;
    exchange->OnGone([&] { gone.Add(); });
    if (only_half) {
      client.CloseWriting();
    } else {
      client.Close();
    }
    CHECK(gone.WaitFor(1));
    exchange->Send({});
    CHECK(gone.count() == 1);
    int late = 0;
    exchange->OnGone([&] { ++late; });
    CHECK(late == 1);
  }
}

TEST_CASE("a client that stays is not called gone") {
  Fixture fixture;
  RawClient client(fixture.port());
  Counter gone;
  client.Send(Get("/wait"));
  fixture.shelf.TakeOne()->OnGone([&] { gone.Add(); });  // Dropped unanswered: 500.
  CHECK(client.ReadAnswer().starts_with("HTTP/1.1 500 "));
  client.Close();
  fixture.server->Stop(milliseconds(1000));
  CHECK(gone.count() == 0);
}

TEST_CASE("a client that leaves later is not told to those whose answers it got") {
  Fixture fixture;
  RawClient client(fixture.port());
  Counter gone;
  client.Send(Get("/wait"));
  const auto first = fixture.shelf.TakeOne();
  first->OnGone([&] { gone.Add(); });
  first->Send({.body = "first"});
  CHECK(client.ReadAnswer().ends_with("first"));
  client.Send(Get("/wait"));
  const auto second = fixture.shelf.TakeOne();
  REQUIRE(second);
  fixture.server->Stop(milliseconds(0));
  CHECK(gone.count() == 0);
}

TEST_CASE("after an answer by another thread, pipelined requests are served and idle ends") {
  Fixture fixture({.threads_min = 1, .threads_max = 1, .keep_alive_timeout = milliseconds(200)});
  RawClient client(fixture.port());
  client.Send(Get("/wait") + Get("/wait"));
  for (const char* answer : {"first", "second"}) {
    const auto exchange = fixture.shelf.TakeOne();
    REQUIRE(exchange);
    // Once the only worker has served this, it has left the other connection.
    CHECK(RawClient(fixture.port()).Ask(Get("/")).ends_with("GET / "));
    exchange->Send({.body = answer});
    CHECK(client.ReadAnswer().ends_with(answer));
  }
  CHECK(client.IsEnded());
}

TEST_CASE("a stream arrives piece by piece and the connection goes on after it") {
  Fixture fixture;
  RawClient client(fixture.port());
  client.Send(Get("/wait"));
  const auto stream = fixture.shelf.TakeOne()->Stream({.status = 201});
  const std::string head = client.ReadUntil("\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 201 Created\r\n"));
  CHECK(Has(head, "Transfer-Encoding: chunked\r\n"));
  CHECK(stream->Write("hello"));
  CHECK(client.ReadUntil("hello\r\n") == "5\r\nhello\r\n");
  CHECK(stream->Write(""));
  stream->Close();
  stream->Close();
  CHECK_FALSE(stream->Write("more"));
  CHECK(client.ReadUntil("\r\n\r\n") == "0\r\n\r\n");
  CHECK(client.Ask(Get("/next")).ends_with("GET /next "));
}

TEST_CASE("a stream for HTTP/1.0 ends with the connection, one for HEAD has no body") {
  Fixture fixture;
  RawClient old(fixture.port());
  old.Send("GET /wait HTTP/1.0\r\n\r\n");
  auto stream = fixture.shelf.TakeOne()->Stream({});
  CHECK(stream->Write("hello"));
  stream.reset();
  CHECK(old.ReadToEnd().ends_with("\r\n\r\nhello"));

  RawClient head(fixture.port());
  head.Send("HEAD /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  stream = fixture.shelf.TakeOne()->Stream({});
  CHECK(stream->Write("hello"));
  stream->Close();
  head.Send(Get("/next"));
  CHECK(head.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 200"));
  CHECK(head.ReadAnswer().ends_with("GET /next "));
}

TEST_CASE("a stream whose client does not read is closed at its bound") {
  Fixture fixture({.stream_buffer_bytes_max = 1 << 20});
  RawClient client(fixture.port(), 4096);
  client.Send(Get("/wait"));
  const auto exchange = fixture.shelf.TakeOne();
  Counter gone;
  exchange->OnGone([&] { gone.Add(); });
  const auto stream = exchange->Stream({});
  const std::string piece(65536, 'x');
  int written = 0;
  while (written < 1000 && stream->Write(piece))
    ++written;
  CHECK(written >= 16);
  CHECK(written < 1000);
  CHECK(gone.WaitFor(1));
}

TEST_CASE("an answer whose client does not read is cut off, one that is read slowly is not") {
  Fixture fixture({.body_bytes_max = 64 << 20, .response_timeout = milliseconds(1000)});
  constexpr std::size_t kSize = 20 << 20;
  RawClient stuck(fixture.port(), 4096);
  RawClient reader(fixture.port(), 4096);
  stuck.Send(Get(fmt::format("/size/{}", kSize)));
  const std::string whole = reader.Ask(Get(fmt::format("/size/{}", kSize)));
  CHECK(whole.size() > kSize);
  CHECK(reader.Ask(Get("/next")).ends_with("GET /next "));
  pollfd waited = {.fd = stuck.fd(), .events = POLLRDHUP, .revents = 0};
  CHECK(::poll(&waited, 1, 5000) == 1);
  CHECK(stuck.ReadToEnd().size() < kSize);
}

TEST_CASE("Stop lets answers that are owed be given within the grace") {
  Fixture fixture;
  RawClient waiting(fixture.port());
  RawClient idle(fixture.port());
  CHECK(idle.Ask(Get("/")).ends_with("GET / "));
  waiting.Send(Get("/wait"));
  const auto exchange = fixture.shelf.TakeOne();
  REQUIRE(exchange);
  std::thread stopping([&] { fixture.server->Stop(milliseconds(10000)); });
  CHECK(idle.IsEnded());
  exchange->Send({.body = "bye"});
  stopping.join();
  const std::string answer = waiting.ReadToEnd();
  CHECK(answer.ends_with("bye"));
  CHECK(Has(answer, "Connection: close\r\n"));
  CHECK_FALSE(RawClient(fixture.port()).is_open());
}

TEST_CASE("Stop cuts off what is owed after the grace, and says so") {
  Fixture fixture;
  RawClient client(fixture.port());
  client.Send(Get("/wait"));
  const auto exchange = fixture.shelf.TakeOne();
  REQUIRE(exchange);
  Counter gone;
  exchange->OnGone([&] { gone.Add(); });
  fixture.server->Stop(milliseconds(50));
  CHECK(gone.count() == 1);
  CHECK(client.ReadToEnd().empty());
  fixture.server->Stop(milliseconds(0));
  fixture.server.reset();
  exchange->Send({});  // Outlives its server.
}

TEST_CASE("handlers that block get more threads, up to the bound") {
  Counter entered;
  Counter released;
  auto server = HttpServer::Create({.threads_min = 1, .threads_max = 6},
                                   [&](const std::shared_ptr<Exchange>& exchange) {
                                     entered.Add();
                                     released.WaitFor(1);
                                     exchange->Send({.body = "done"});
                                   });
  REQUIRE(server);
  std::vector<RawClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back((*server)->port());
    clients.back().Send(Get("/"));
  }
  CHECK(entered.WaitFor(6));
  released.Add();
  for (RawClient& client : clients)
    CHECK(client.ReadAnswer().ends_with("done"));
}

TEST_CASE("a request beside handlers that block is served within milliseconds") {
  constexpr int kAttempts = 10;
  const auto clock = MakeSystemClock();
  Clock::Duration best = Clock::Duration::max();
  for (int i = 0; i < kAttempts; ++i) {
    Counter entered;
    Counter released;
    auto server = HttpServer::Create({.threads_min = 2, .threads_max = 3},
                                     [&](const std::shared_ptr<Exchange>& exchange) {
                                       if (exchange->request().target == "/block") {
                                         entered.Add();
                                         released.WaitFor(1);
                                       }
                                       exchange->Send({.body = "done"});
                                     });
    REQUIRE(server);
    RawClient first((*server)->port());
    RawClient second((*server)->port());
    first.Send(Get("/block"));
    second.Send(Get("/block"));
    REQUIRE(entered.WaitFor(2));
    RawClient third((*server)->port());
    const Clock::TimePoint begin = clock->Now();
    CHECK(third.Ask(Get("/")).ends_with("done"));
    best = std::min(best, clock->Now() - begin);
    released.Add();
  }
  // The best of all, so that a busy machine fails nobody.
  CHECK(best < milliseconds(20));
}

TEST_CASE("requests beyond the queue are told to come again") {
  Counter entered;
  Counter released;
  auto server = HttpServer::Create({.threads_min = 1, .threads_max = 1, .requests_queued_max = 1},
                                   [&](const std::shared_ptr<Exchange>& exchange) {
                                     entered.Add();
                                     released.WaitFor(1);
                                     exchange->Send({.body = "done"});
                                   });
  REQUIRE(server);
  RawClient first((*server)->port());
  first.Send(Get("/"));
  REQUIRE(entered.WaitFor(1));
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back((*server)->port());
    clients.back().Send(Get("/"));
  }
  // One is queued; the two others are answered although the only thread is busy.
  std::vector<pollfd> waited;
  for (const RawClient& client : clients)
    waited.push_back({client.fd(), POLLIN, 0});
  int refused = 0;
  while (refused < 2 && ::poll(waited.data(), waited.size(), 5000) > 0) {
    for (pollfd& each : waited) {
      if (each.revents == 0) continue;
      ++refused;
      each.fd = -1;  // Seen.
    }
  }
  CHECK(refused == 2);
  released.Add();
  int served = 0;
  for (RawClient& client : clients) {
    const std::string answer = client.ReadAnswer();
    if (answer.starts_with("HTTP/1.1 503 ")) CHECK(Has(answer, "Retry-After: 1\r\n"));
    served += answer.ends_with("done") ? 1 : 0;
  }
  CHECK(served == 1);
}

TEST_CASE("connections beyond the bound are closed at once") {
  Fixture fixture({.connections_max = 2});
  RawClient first(fixture.port());
  RawClient second(fixture.port());
  CHECK(first.Ask(Get("/")).ends_with("GET / "));
  CHECK(second.Ask(Get("/")).ends_with("GET / "));
  RawClient third(fixture.port());
  CHECK(third.IsEnded());
  first.Close();
  CHECK(second.Ask(Get("/")).ends_with("GET / "));
}

}  // namespace
}  // namespace livy::internal
