// The ways out: HttpConnection and PinnedClient, against servers of our own.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <livy/connection.h>

#include "bare_server.h"
#include "http/certificate.h"
#include "http/pinned_client.h"
#include "http/socket.h"
#include "server_fixture.h"

namespace livy::internal {
namespace {

using livy::testing::BareServer;
using livy::testing::Fixture;
using livy::testing::ReadHead;
using livy::testing::Say;
using std::chrono::milliseconds;

constexpr milliseconds kPatience(10000);

std::shared_ptr<Connection> Connect(int port, HttpConnectionOptions options = {}) {
  options.url = fmt::format("http://127.0.0.1:{}{}", port,
                            options.url.starts_with('/') ? options.url : std::string());
  return MakeHttpConnection(options).value();
}

HttpServerOptions TlsOptions(const Certificate& certificate) {
  return {.certificate_pem = certificate.certificate_pem, .key_pem = certificate.key_pem};
}

TEST_CASE("a connection carries methods, targets, headers and bodies both ways") {
  auto server = HttpServer::Create({}, [](const std::shared_ptr<Exchange>& exchange) {
    const HttpRequest& request = exchange->request();
    const std::string name(FindHeader(request.headers, "X-Name").value_or("none"));
    exchange->Send({.status = 202,
                    .headers = {{"X-Name", name}},
                    .body = request.method + request.target + request.body});
  });
  REQUIRE(server);
  const auto connection =
      Connect((*server)->port(), {.url = "/base/", .headers = {{"X-Name", "ada"}}});
  for (const char* method : {"GET", "POST", "DELETE", "PUT", "PATCH"}) {
    const auto answer =
        connection->Send({.method = method, .target = "/a%20b?c=%2F", .body = "body"}, kPatience);
    REQUIRE(answer);
    CHECK(answer->status == 202);
    CHECK(answer->body == std::string(method) + "/base/a%20b?c=%2Fbody");
    CHECK(FindHeader(answer->headers, "x-name") == "ada");
  }
  const auto named = connection->Send({.target = "/", .headers = {{"x-name", "bob"}}}, kPatience);
  REQUIRE(named);
  CHECK(FindHeader(named->headers, "X-Name") == "bob");
}

TEST_CASE("compressed answers are decoded") {
  Fixture fixture;
  const auto answer = Connect(fixture.port())->Send({.target = "/size/100000"}, kPatience);
  REQUIRE(answer);
  CHECK(answer->body == std::string(100000, 'x'));
  CHECK_FALSE(FindHeader(answer->headers, "Content-Encoding"));
}

TEST_CASE("an answer larger than the bound fails, compressed or not") {
  Fixture fixture;
  const auto connection = Connect(fixture.port(), {.response_bytes_max = 50000});
  for (const char* coding : {"gzip", "identity"}) {
    CAPTURE(coding);
    const auto answer = connection->Send(
        {.target = "/size/100000", .headers = {{"Accept-Encoding", coding}}}, kPatience);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::kResourceExhausted);
  }
  CHECK(connection->Send({.target = "/size/50000"}, kPatience));
}

TEST_CASE("a server that does not listen is unavailable, and the message names it") {
  int port = 0;
  {
    const Listeners listeners = Listen("127.0.0.1", 0).value();
    port = listeners.port;
  }
  const auto answer = Connect(port)->Send({}, kPatience);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::kUnavailable);
  CHECK(answer.error().message == fmt::format("Cannot connect to 127.0.0.1:{}.", port));
}

TEST_CASE("only what was not sent is said to be so") {
  BareServer server([](int fd, int) { ReadHead(fd); });
  const auto broken = Connect(server.port())->Send({.method = "POST"}, kPatience);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == ErrorCode::kUnavailable);
  CHECK_FALSE(broken.error().message.starts_with("Cannot connect to"));

  BareServer plain([](int fd, int) { Say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n"); });
  const auto tls = MakeHttpConnection({.url = fmt::format("https://127.0.0.1:{}", plain.port())});
  const auto unsent = tls.value()->Send({}, kPatience);
  REQUIRE_FALSE(unsent);
  CHECK(unsent.error().code == ErrorCode::kUnavailable);
  CHECK(unsent.error().message.starts_with("Cannot connect to"));

  Fixture fixture;
  const auto connection = Connect(fixture.port(), {.connections_max = 1});
  std::thread waiting([&] { CHECK(connection->Send({.target = "/wait"}, kPatience)); });
  const auto exchange = fixture.shelf.TakeOne();
  const auto queued = connection->Send({.method = "POST"}, milliseconds(50));
  exchange->Send({});
  waiting.join();
  REQUIRE_FALSE(queued);
  CHECK(queued.error().code == ErrorCode::kDeadlineExceeded);
  CHECK(queued.error().message.starts_with("Cannot connect to"));
}

TEST_CASE("headers of answers are taken as sent, escapes and all") {
  BareServer server([](int fd, int) {
    ReadHead(fd);
    Say(fd,
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /a%20b%C3%A9?c=%22\r\n"
        "Split: a%0D%0AEvil: 1\r\nNull: a%00b\r\nGood: yes\r\n\r\n");
  });
  const auto answer = Connect(server.port())->Send({}, kPatience);
  REQUIRE(answer);
  CHECK(FindHeader(answer->headers, "Location") == "/a%20b%C3%A9?c=%22");
  CHECK(FindHeader(answer->headers, "Split") == "a%0D%0AEvil: 1");
  CHECK(FindHeader(answer->headers, "Null") == "a%00b");
  CHECK(FindHeader(answer->headers, "Good") == "yes");
}

TEST_CASE("a request ends at its timeout") {
  Fixture fixture;
  const auto answer = Connect(fixture.port())->Send({.target = "/wait"}, milliseconds(100));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::kDeadlineExceeded);
}

TEST_CASE("a server that sends byte after byte does not prolong the timeout") {
  std::atomic<bool> is_done = false;
  BareServer server([&](int fd, int) {
    ReadHead(fd);
    Say(fd, "HTTP/1.1 200 OK\r\n");
    while (!is_done && ::send(fd, "A", 1, MSG_NOSIGNAL) == 1) {
      pollfd waited = {.fd = fd, .events = 0, .revents = 0};
      ::poll(&waited, 1, 20);
    }
  });
  const auto answer = Connect(server.port())->Send({}, milliseconds(200));
  is_done = true;
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::kDeadlineExceeded);
}

TEST_CASE("a GET is repeated if its kept connection was closed by the server, a POST is not") {
  for (const std::string method : {"GET", "POST"}) {
    CAPTURE(method);
    std::atomic<int> asked = 0;
    BareServer server([&](int fd, int count) {
      ReadHead(fd);
      ++asked;
      Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      if (count > 0) return;
      // The next request is taken and not answered, as by a server that ends at this moment.
      ReadHead(fd);
      ++asked;
    });
    const auto connection = Connect(server.port());
    REQUIRE(connection->Send({}, kPatience));
    const auto answer = connection->Send({.method = method}, kPatience);
    CHECK(answer.has_value() == (method == "GET"));
    CHECK(asked == (method == "GET" ? 3 : 2));
  }
}

TEST_CASE("an answer that breaks off is not repeated and is unavailable") {
  std::atomic<int> asked = 0;
  BareServer server([&](int fd, int) {
    ReadHead(fd);
    ++asked;
    Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf");
  });
  const auto answer = Connect(server.port())->Send({}, kPatience);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::kUnavailable);
  CHECK(asked == 1);
}

TEST_CASE("header values with line ends are refused before anything is sent") {
  Fixture fixture;
  const auto connection = Connect(fixture.port());
  const auto answer = connection->Send({.headers = {{"A", "b\r\nEvil: 1"}}}, kPatience);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::kInvalidArgument);
  CHECK(connection->Send({.target = "/a b"}, kPatience).error().code ==
        ErrorCode::kInvalidArgument);
  CHECK(MakeHttpConnection({.headers = {{"A", "b\nc"}}}).error().code ==
        ErrorCode::kInvalidArgument);
}

TEST_CASE("URLs and CA files that cannot be used are refused") {
  for (const char* url : {"", "ftp://a", "http://", "http://a:0", "http://a:b", "http://u@a",
                          "http://[::1", "http://a/?b", "http://a b"}) {
    CAPTURE(url);
    const auto connection = MakeHttpConnection({.url = url});
    REQUIRE_FALSE(connection);
    CHECK(connection.error().code == ErrorCode::kInvalidArgument);
  }
  CHECK(MakeHttpConnection({.url = "https://[::1]:1/x"}));
  CHECK(MakeHttpConnection({.url = "https://a", .ca_file = "/nowhere"}).error().code ==
        ErrorCode::kInvalidArgument);
}

TEST_CASE("many threads share a few connections") {
  Fixture fixture({.connections_max = 2});  // A third connection would be closed at once.
  const auto connection = Connect(fixture.port(), {.connections_max = 2});
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        if (connection->Send({.target = "/x"}, kPatience)) ++answered;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  CHECK(answered == 160);
}

TEST_CASE("https is verified with the authorities given, and only with them") {
  const Certificate certificate = MakeSelfSignedCertificate("localhost").value();
  Fixture fixture(TlsOptions(certificate));
  const auto directory = std::filesystem::temp_directory_path() / ("livy-" + RandomHex(8));
  std::filesystem::create_directory(directory);
  const std::string ca_file = directory / "ca.pem";
  std::ofstream(ca_file) << certificate.certificate_pem;
  const std::string url = fmt::format("https://localhost:{}", fixture.port());

  const auto trusting = MakeHttpConnection({.url = url, .ca_file = ca_file}).value();
  const auto answer = trusting->Send({.target = "/tls"}, kPatience);
  CHECK_MESSAGE(answer, (answer ? "" : answer.error().message));
  if (answer) CHECK(answer->body == "GET /tls ");

  const auto refused = MakeHttpConnection({.url = url}).value()->Send({}, kPatience);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(refused.error().message.find("cannot be trusted") != std::string::npos);
  std::filesystem::remove_all(directory);
}

TEST_CASE("a pinned client talks to the server it knows and to no other") {
  const Certificate certificate = MakeSelfSignedCertificate("livy").value();
  Fixture fixture(TlsOptions(certificate));
  auto client = PinnedClient::Connect("127.0.0.1", fixture.port(), certificate.fingerprint);
  REQUIRE(client);
  for (int i = 0; i < 3; ++i) {
    const auto answer =
        (*client)->Send({.method = "POST", .target = "/p", .body = std::string(100000, 'b')});
    REQUIRE(answer);
    CHECK(answer->body == "POST /p " + std::string(100000, 'b'));
  }
  const auto other = PinnedClient::Connect("127.0.0.1", fixture.port(), std::string(64, '0'));
  REQUIRE_FALSE(other);
  CHECK(other.error().code == ErrorCode::kPermissionDenied);
}

TEST_CASE("a pinned client reads lines as they are streamed, until it is shut down") {
  const Certificate certificate = MakeSelfSignedCertificate("livy").value();
  Fixture fixture(TlsOptions(certificate));
  auto client = PinnedClient::Connect("127.0.0.1", fixture.port(), certificate.fingerprint);
  REQUIRE(client);
  livy::testing::Counter lines;
  std::string last;
  Result<void> ended;
  std::thread reader([&] {
    ended = (*client)->ReadLines({.target = "/wait"}, [&](std::string_view line) {
      last = line;
      lines.Add();
      return true;
    });
  });
  const auto stream = fixture.shelf.TakeOne()->Stream({});
  CHECK(stream->Write("one\ntw"));
  CHECK(lines.WaitFor(1));
  CHECK(stream->Write("o\nthree\n"));
  CHECK(lines.WaitFor(3));
  (*client)->Shutdown();
  reader.join();
  CHECK(last == "three");
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace livy::internal
