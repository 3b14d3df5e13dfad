// One request after the other: what arrives at the handler, and what the client gets.
#include "http/http_server.h"

#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "http/compression.h"
#include "raw_client.h"
#include "server_fixture.h"

namespace livy::internal {
namespace {

using livy::testing::Fixture;
using livy::testing::Get;
using livy::testing::Post;
using livy::testing::RawClient;

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a request reaches the handler whole, and its answer the client") {
  Fixture fixture;
  RawClient client(fixture.port());
  const std::string answer = client.Ask(Post("/a?b=%20c", "hello"));
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.ends_with("\r\n\r\nPOST /a?b=%20c hello"));
  CHECK(Has(answer, "\r\nDate: "));
  CHECK(Has(answer, " GMT\r\n"));
  CHECK_FALSE(Has(answer, "Connection"));
  CHECK(client.Ask(Get("/again")).ends_with("GET /again "));
}

TEST_CASE("every method reaches the handler, in upper case, with its body if it has one") {
  Fixture fixture;
  RawClient client(fixture.port());
  for (const char* method : {"GET", "DELETE", "OPTIONS", "PUT", "PATCH", "TRACE", "FOO", "get"}) {
    CAPTURE(method);
    const std::string name = method == std::string("get") ? "GET" : method;
    CHECK(
        client.Ask(method + std::string(" /m HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"))
            .ends_with("\r\n\r\n" + name + " /m abc"));
  }
}

TEST_CASE("HEAD is answered with the length of the body and without it") {
  Fixture fixture;
  RawClient client(fixture.port());
  client.Send("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n" + Get("/next"));
  const std::string head = client.ReadUntil("\r\n\r\n");
  CHECK(Has(head, "Content-Length: 8\r\n"));
  CHECK(client.ReadAnswer().ends_with("GET /next "));
}

TEST_CASE("forms and multipart bodies arrive as they were sent") {
  Fixture fixture;
  RawClient client(fixture.port());
  CHECK(client.Ask(Post("/", "a=1&b=%202", "Content-Type: application/x-www-form-urlencoded\r\n"))
            .ends_with("POST / a=1&b=%202"));
  const std::string parts =
      "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b--\r\n";
  CHECK(client.Ask(Post("/", parts, "Content-Type: multipart/form-data; boundary=b\r\n"))
            .ends_with("POST / " + parts));
}

TEST_CASE("chunked bodies are joined, their extensions and trailers ignored") {
  Fixture fixture;
  RawClient client(fixture.port());
  const std::string answer = client.Ask(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n");
  CHECK(answer.ends_with("POST / abc0123456789"));
  CHECK(client.Ask(Get("/next")).ends_with("GET /next "));
}

TEST_CASE("a compressed body may be chunked, and is bounded after decoding") {
  Fixture fixture({.body_bytes_max = 1000});
  for (const std::size_t size : {1000U, 1001U}) {
    const std::string data = Compress(std::string(size, 'x'), ContentCoding::kGzip).value();
    RawClient client(fixture.port());
    const std::string answer = client.Ask(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Encoding: "
        "gzip\r\n\r\n" +
        fmt::format("1\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n", data[0], data.size() - 1,
                    data.substr(1)));
    if (size == 1000) {
      CHECK(answer.ends_with("POST / " + std::string(size, 'x')));
    } else {
      CHECK(answer.starts_with("HTTP/1.1 413 "));
    }
  }
}

TEST_CASE("a form that carries files has a bound of its own") {
  Fixture fixture({.body_bytes_max = 10, .multipart_bytes_max = 20});
  const auto status = [&](std::string_view type, std::size_t size) {
    RawClient client(fixture.port());
    return client.Ask(Post("/", std::string(size, 'x'), fmt::format("Content-Type: {}\r\n", type)))
        .substr(9, 3);
  };
  CHECK(status("application/json", 10) == "200");
  CHECK(status("application/json", 11) == "413");
  CHECK(status("Multipart/Form-Data; boundary=b", 20) == "200");
  CHECK(status("multipart/form-data", 21) == "413");
}

TEST_CASE("a client that expects 100 Continue gets it before its body") {
  Fixture fixture;
  RawClient client(fixture.port());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.ReadUntil("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("ok");
  CHECK(client.ReadAnswer().ends_with("POST / ok"));
}

TEST_CASE("pipelined requests are answered in order") {
  Fixture fixture;
  RawClient client(fixture.port());
  std::string requests;
  for (int i = 0; i < 100; ++i)
    requests += Post(fmt::format("/{}", i), "b");
  client.Send(requests);
  for (int i = 0; i < 100; ++i) {
    CAPTURE(i);
    REQUIRE(client.ReadAnswer().ends_with(fmt::format("POST /{} b", i)));
  }
}

TEST_CASE("requests pipelined behind one that waits are answered after it") {
  Fixture fixture;
  RawClient client(fixture.port());
  client.Send(Get("/wait") + Get("/second"));
  const auto exchange = fixture.shelf.TakeOne();
  REQUIRE(exchange);
  exchange->Send({.body = "first"});
  CHECK(client.ReadAnswer().ends_with("first"));
  CHECK(client.ReadAnswer().ends_with("GET /second "));
}

TEST_CASE("HTTP/1.0 is served, and kept alive if asked for") {
  Fixture fixture;
  RawClient client(fixture.port());
  const std::string kept = client.Ask("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
  CHECK(Has(kept, "Connection: keep-alive\r\n"));
  client.Send("GET /b HTTP/1.0\r\n\r\n");
  CHECK(Has(client.ReadToEnd(), "Connection: close\r\n"));
}

TEST_CASE("a handler that throws is answered with its words, one that forgets with 500") {
  Fixture fixture;
  RawClient client(fixture.port());
  const std::string thrown = client.Ask(Get("/throw"));
  CHECK(thrown.starts_with("HTTP/1.1 500 Server Error\r\n"));
  CHECK(thrown.ends_with("\r\n\r\n\"it broke\""));
  CHECK(client.Ask(Get("/drop")).starts_with("HTTP/1.1 500 Server Error\r\n"));
  CHECK(client.Ask(Get("/next")).ends_with("GET /next "));
}

TEST_CASE("what cannot be read is refused with Jetty's page, and the connection ends") {
  struct Row {
    std::string request;
    int status;
    const char* reason;
  };
  const std::string host = "Host: x\r\n";
  const Row rows[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400, "No Host"},
      {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "Multiple Hosts"},
      {"GET /\r\n", 505, "HTTP/0.9 not supported"},
      {"GET / HTTP/1.2\r\n" + host + "\r\n", 505, "Unknown Version"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 426, "Upgrade Required"},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400,
       "Multiple Content-Lengths"},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       400, "Transfer-Encoding and Content-Length"},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400,
       "Invalid Content-Length Value"},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1x\r\n\r\n", 400,
       "Invalid Content-Length Value"},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1000000000000000\r\n\r\n", 413,
       "Payload Too Large"},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 501,
       "Bad Transfer-Encoding"},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400,
       "Bad chunk"},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n", 400,
       "Bad chunk"},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400,
       "Bad chunk"},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1;\ra\r\n", 400,
       "Bad chunk"},
      {"GET / HTTP/1.1\r\n" + host + "A: b\r\n folded\r\n\r\n", 400, "Header Folding"},
      {"GET / HTTP/1.1\r\n" + host + "no colon\r\n\r\n", 400, "No colon"},
      {"GET / HTTP/1.1\r\n" + host + "A : b\r\n\r\n", 400, "Illegal character"},
      {"GET / HTTP/1.1\r\n" + host + std::string("A: b\0c\r\n\r\n", 10), 400, "Illegal character"},
      {"GET / HTTP/1.1\nHost: x\n\n", 400, "Bad EOL"},
      {"GET /%zz HTTP/1.1\r\n" + host + "\r\n", 400, "Bad URI escape"},
      {"GET a HTTP/1.1\r\n" + host + "\r\n", 400, "Bad URI"},
      {"GET / x HTTP/1.1\r\n" + host + "\r\n", 400, "Bad URI"},
      {"GET / HTTP/1.1\r\n" + host + "Expect: wonders\r\n\r\n", 417, "Expectation Failed"},
      {"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n" + host + "\r\n", 414, "URI Too Long"},
      {std::string(20000, 'a'), 414, "URI Too Long"},
      {"GET http://" + std::string(9000, 'a') + " HTTP/1.1\r\n" + host + "\r\n", 414,
       "URI Too Long"},
      {std::string("GET http://a\0/ HTTP/1.1\r\n", 25) + host + "\r\n", 400, "Illegal character"},
      {"GET / HTTP/1.1\r\n" + host + "A: " + std::string(140000, 'a') + "\r\n\r\n", 431,
       "Request Header Fields Too Large"},
  };
  Fixture fixture;
  for (const Row& row : rows) {
    CAPTURE(row.request.substr(0, 100));
    RawClient client(fixture.port());
    client.Send(row.request);
    const std::string answer = client.ReadToEnd();
    CHECK(answer.starts_with("HTTP/1.1 " + std::to_string(row.status) + " "));
    CHECK(Has(answer, "Content-Type: text/html;charset=iso-8859-1\r\n"));
    CHECK(Has(answer, "Connection: close\r\n"));
    CHECK(answer.ends_with("\r\n\r\n<h1>Bad Message " + std::to_string(row.status) +
                           "</h1><pre>reason: " + row.reason + "</pre>"));
  }
}

TEST_CASE("more headers than the limit are refused") {
  Fixture fixture({.headers_max = 10});
  RawClient client(fixture.port());
  std::string headers;
  for (int i = 0; i < 10; ++i)
    headers += "A: b\r\n";
  client.Send(Get("/", headers));
  CHECK(client.ReadToEnd().starts_with("HTTP/1.1 431 "));
}

TEST_CASE("a target with scheme and host is cut down to its path") {
  Fixture fixture;
  RawClient client(fixture.port());
  CHECK(client.Ask("GET http://example.org:1/a?b HTTP/1.1\r\nHost: x\r\n\r\n")
            .ends_with("GET /a?b "));
}

TEST_CASE("an answer given by another thread is sent, and the connection goes on") {
  Fixture fixture;
  RawClient client(fixture.port());
  for (int i = 0; i < 3; ++i) {
    client.Send(Get("/wait"));
    const auto exchange = fixture.shelf.TakeOne();
    REQUIRE(exchange);
    exchange->Send({.status = 201, .body = "late"});
    const std::string answer = client.ReadAnswer();
    CHECK(answer.starts_with("HTTP/1.1 201 Created\r\n"));
    CHECK(answer.ends_with("late"));
  }
}

TEST_CASE("headers that would break the answer apart are left out") {
  auto server = HttpServer::Create({}, [](const std::shared_ptr<Exchange>& exchange) {
    exchange->Send({.headers = {{"A", "b\r\nEvil: 1"}, {"C d", "e"}, {"Good", "yes"}}});
  });
  REQUIRE(server);
  RawClient client((*server)->port());
  const std::string answer = client.Ask(Get("/"));
  CHECK_FALSE(Has(answer, "Evil"));
  CHECK_FALSE(Has(answer, "C d"));
  CHECK(Has(answer, "Good: yes\r\n"));
}

}  // namespace
}  // namespace livy::internal
