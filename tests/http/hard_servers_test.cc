// HttpConnection against servers that break off, break rules, or stay silent.
#include <arpa/inet.h>
#include <atomic>
#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <livy/connection.h>

#include "bare_server.h"
#include "raw_client.h"
#include "server_fixture.h"

namespace livy::internal {
namespace {

using livy::testing::BareServer;
using livy::testing::Counter;
using livy::testing::Fixture;
using livy::testing::RawClient;
using livy::testing::ReadHead;
using livy::testing::Say;
using std::chrono::milliseconds;

constexpr milliseconds kPatience(10000);
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::shared_ptr<Connection> Connect(int port, HttpConnectionOptions options = {}) {
  options.url = fmt::format("http://127.0.0.1:{}", port);
  return MakeHttpConnection(options).value();
}

// Listens and lets no more connections in than fill its queue.
class FullServer {
 public:
  FullServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* name = reinterpret_cast<sockaddr*>(&address);
    ::bind(fd_.fd(), name, size);
    ::listen(fd_.fd(), 0);
    ::getsockname(fd_.fd(), name, &size);
    port_ = ntohs(address.sin_port);
    clients_.emplace_back(port_);
    waiting_ = Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(waiting_.fd(), name, size);
  }
  int port() const { return port_; }

 private:
  Socket fd_;
  Socket waiting_ = {};
  int port_ = 0;
  std::vector<RawClient> clients_ = {};
};

TEST_CASE("an answer that breaks the rules is an error that says how") {
  struct Row {
    std::string answer;
    const char* problem;
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const Row rows[] = {
      {"SSH-2.0-OpenSSH\r\n", "it does not begin as one of HTTP/1.1"},
      {"HTTP/1.1 2xx OK\r\n\r\n", "its status is no number"},
      {ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
       "it has Content-Length and Transfer-Encoding"},
      {ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk", "it has two Content-Lengths"},
      {ok + "Content-Length: -2\r\n\r\n", "its Content-Length is no length"},
      {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "a line of its head ends badly"},
      {ok + "A: b\r\n c\r\n\r\n", "a header is folded"},
      {ok + "A: b\rB: c\r\n\r\n", "a header contains what none may"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n", "a chunk of its body is malformed"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n",
       "a chunk of its body is malformed"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.answer);
    BareServer server([&](int fd, int) {
      ReadHead(fd);
      Say(fd, row.answer);
    });
    const auto answer = Connect(server.port())->Send({}, kPatience);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::kUnavailable);
    CHECK(answer.error().message == fmt::format("The answer of 127.0.0.1:{} cannot be read: {}.",
                                                server.port(), row.problem));
  }
}

TEST_CASE("an answer that breaks off anywhere is unavailable") {
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
  for (std::size_t size = 0; size < chunked.size(); ++size) {
    CAPTURE(size);
    BareServer server([&](int fd, int) {
      ReadHead(fd);
      Say(fd, chunked.substr(0, size));
    });
    const auto answer = Connect(server.port())->Send({}, kPatience);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::kUnavailable);
    CHECK(answer.error().message ==
          fmt::format("The connection to 127.0.0.1:{} broke before the whole answer came.",
                      server.port()));
  }
}

TEST_CASE("endless heads, headers and bodies are cut off at their bounds") {
  struct Row {
    std::string start;
    std::string piece;
    const char* option;
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string kilobyte(1000, 'a');
  const Row rows[] = {
      {"", kilobyte, "response_header_bytes_max"},
      {ok, "A: b\r\n", "response_headers_max"},
      {ok + "A: ", kilobyte, "response_header_bytes_max"},
      {"", "HTTP/1.1 100 Continue\r\n\r\n", "response_header_bytes_max"},
      {ok + "\r\n", kilobyte, "response_bytes_max"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n", "3e8\r\n" + kilobyte + "\r\n",
       "response_bytes_max"},
      {ok + "Content-Length: 1000000\r\n\r\n", "", "response_bytes_max"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.start);
    CAPTURE(row.piece.substr(0, 10));
    BareServer server([&](int fd, int) {
      ReadHead(fd);
      std::string bytes = row.start;
      while (bytes.size() < 300000 && !row.piece.empty())
        bytes += row.piece;
      Say(fd, bytes);
    });
    const auto answer = Connect(server.port(), {.response_bytes_max = 100000})->Send({}, kPatience);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::kResourceExhausted);
    CHECK(answer.error().message.find(row.option) != std::string::npos);
  }
}

TEST_CASE("an answer without a length lasts until the connection ends") {
  BareServer server([](int fd, int) {
    ReadHead(fd);
    Say(fd, "HTTP/1.0 200 OK\r\n\r\n");
    Say(fd, std::string(100000, 'x'));
  });
  const auto connection = Connect(server.port());
  for (int i = 0; i < 2; ++i) {
    const auto answer = connection->Send({.method = "POST"}, kPatience);
    REQUIRE(answer);
    CHECK(answer->body == std::string(100000, 'x'));
  }
}

TEST_CASE("interim answers are skipped, and answers that have no body have none") {
  BareServer server([](int fd, int) {
    ReadHead(fd);
    Say(fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    Say(fd, "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n");
    ReadHead(fd);
    Say(fd, "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n");
    ReadHead(fd);
    Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    ReadHead(fd);
    Say(fd, kOk);
  });
  const auto connection = Connect(server.port());
  const auto first = connection->Send({.method = "POST", .body = "x"}, kPatience);
  REQUIRE(first);
  CHECK(first->status == 204);
  CHECK(first->headers == HttpHeaders{{"A", "b"}});
  CHECK(connection->Send({}, kPatience).value().status == 304);
  CHECK(connection->Send({.method = "HEAD"}, kPatience).value().body.empty());
  CHECK(connection->Send({.method = "POST"}, kPatience).value().body == "ok");
}

TEST_CASE("any request goes to a new connection if the kept one has ended before it") {
  Counter ended;
  std::atomic<int> connections = 0;
  BareServer server([&](int fd, int) {
    ++connections;
    ReadHead(fd);
    Say(fd, kOk);
    ::shutdown(fd, SHUT_RDWR);
    ended.Add();
  });
  const auto connection = Connect(server.port());
  for (int i = 1; i <= 3; ++i) {
    const auto answer = connection->Send({.method = "POST", .body = "once"}, kPatience);
    CHECK_MESSAGE(answer, (answer ? "" : answer.error().message));
    REQUIRE(ended.WaitFor(i));
  }
  CHECK(connections == 3);
}

TEST_CASE("a connection with bytes that nobody asked for is not used again") {
  for (const std::string extra : {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "x"}) {
    for (const bool is_late : {false, true}) {
      CAPTURE(is_late);
      Counter said;
      BareServer server([&](int fd, int) {
        ReadHead(fd);
        Say(fd, std::string(kOk) + (is_late ? "" : extra));
        if (is_late) Say(fd, extra);
        said.Add();
        ReadHead(fd);  // Until the client ends the connection.
      });
      const auto connection = Connect(server.port());
      for (int i = 1; i <= 3; ++i) {
        const auto answer = connection->Send({.method = "POST"}, kPatience);
        REQUIRE(answer);
        CHECK(answer->body == "ok");
        REQUIRE(said.WaitFor(i));
      }
    }
  }
}

TEST_CASE("a server may answer before it has taken the whole request") {
  std::signal(SIGPIPE, SIG_DFL);  // What a broken connection would raise ends the test.
  const std::string body(30 << 20, 'b');
  for (const bool closes : {false, true}) {
    CAPTURE(closes);
    Counter answered;
    BareServer server([&](int fd, int) {
      ReadHead(fd);
      Say(fd, "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\nno");
      if (!closes) answered.WaitFor(1);
    });
    const auto connection = Connect(server.port());
    const auto answer = connection->Send({.method = "POST", .body = body}, kPatience);
    answered.Add();
    CHECK_MESSAGE(answer, (answer ? "" : answer.error().message));
    if (answer) CHECK(answer->status == 413);
  }
}

TEST_CASE("large bodies travel both ways") {
  Fixture fixture;
  const std::string body(10 << 20, 'b');
  const auto answer =
      Connect(fixture.port())->Send({.method = "PUT", .target = "/x", .body = body}, kPatience);
  REQUIRE(answer);
  CHECK(answer->body == "PUT /x " + body);
}

TEST_CASE("a server that does not take the request does not prolong the timeout") {
  Counter done;
  BareServer server([&](int, int) { done.WaitFor(1); });
  const auto answer =
      Connect(server.port())
          ->Send({.method = "POST", .body = std::string(30 << 20, 'b')}, milliseconds(100));
  done.Add();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::kDeadlineExceeded);
  CHECK_FALSE(answer.error().message.starts_with("Cannot connect to"));
}

TEST_CASE("a server that lets nobody in is given up after the time to connect, or the call's") {
  const FullServer server;
  const auto first =
      Connect(server.port(), {.connect_timeout = milliseconds(50)})->Send({}, kPatience);
  REQUIRE_FALSE(first);
  CHECK(first.error().code == ErrorCode::kUnavailable);
  CHECK(first.error().message == fmt::format("Cannot connect to 127.0.0.1:{}.", server.port()));

  const auto second = Connect(server.port())->Send({}, milliseconds(50));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::kDeadlineExceeded);
  CHECK(second.error().message ==
        fmt::format("Cannot connect to 127.0.0.1:{} in time.", server.port()));
}

TEST_CASE("a call whose time is over sends nothing, and leaves an idle connection as it was") {
  std::atomic<int> connections = 0;
  BareServer server([&](int fd, int) {
    ++connections;
    while (ReadHead(fd).starts_with("GET "))
      Say(fd, kOk);
  });
  const auto connection = Connect(server.port());
  REQUIRE(connection->Send({}, kPatience));
  for (const milliseconds timeout : {milliseconds(0), milliseconds(-1), milliseconds::min()}) {
    const auto late = connection->Send({.method = "POST"}, timeout);
    REQUIRE_FALSE(late);
    CHECK(late.error().code == ErrorCode::kDeadlineExceeded);
    CHECK(late.error().message.starts_with("Cannot connect to"));
  }
  CHECK(connection->Send({}, kPatience));
  CHECK(connections == 1);
}

TEST_CASE("a host without a name is unavailable, one with IPv6 is reached") {
  // Longer than a part of a name may be, so that nobody is asked for it.
  const std::string host(64, 'a');
  const auto nowhere = MakeHttpConnection({.url = "http://" + host + ":1"}).value();
  const auto unknown = nowhere->Send({}, kPatience);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == ErrorCode::kUnavailable);
  CHECK(unknown.error().message == "Cannot connect to " + host + ":1: the host is unknown.");

  if (!Listen("::1", 0)) return;  // A machine without IPv6.
  Fixture fixture({.host = "::1"});
  const auto connection =
      MakeHttpConnection({.url = fmt::format("http://[::1]:{}", fixture.port())}).value();
  CHECK(connection->Send({.target = "/six"}, kPatience).value().body == "GET /six ");
}

TEST_CASE("the length and the framing of a request are the connection's to give") {
  Fixture fixture;
  const auto connection = Connect(fixture.port());
  const auto answer = connection->Send(
      {.method = "POST", .target = "/", .headers = {{"content-length", "1"}}, .body = "four"},
      kPatience);
  CHECK(answer.value().body == "POST / four");
  const HttpHeaders chunked = {{"Transfer-Encoding", "chunked"}};
  CHECK(connection->Send({.headers = chunked}, kPatience).error().code ==
        ErrorCode::kInvalidArgument);
  CHECK(MakeHttpConnection({.headers = chunked}).error().code == ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace livy::internal
