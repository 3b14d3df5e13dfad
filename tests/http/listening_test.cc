// Where a server listens, with which certificate, and what it leaves alone.
#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "http/certificate.h"
#include "http/http_server.h"
#include "http/pinned_client.h"
#include "raw_client.h"
#include "server_fixture.h"

namespace livy::internal {
namespace {

using livy::testing::Fixture;
using livy::testing::Get;
using livy::testing::RawClient;
using std::chrono::milliseconds;

TEST_CASE("a port that is served is refused by name") {
  Fixture fixture;
  const auto second =
      HttpServer::Create({.port = fixture.port()}, [](const std::shared_ptr<Exchange>&) {});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::kUnavailable);
  CHECK(second.error().message == fmt::format("Cannot listen on 127.0.0.1 port {}: address already "
                                              "in use.",
                                              fixture.port()));
  const auto nowhere =
      HttpServer::Create({.host = "192.0.2.1"}, [](const std::shared_ptr<Exchange>&) {});
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("a server can be made again on the port it had") {
  int port = 0;
  for (int i = 0; i < 3; ++i) {
    Fixture fixture({.port = port});
    port = fixture.port();
    RawClient client(port);
    CHECK(client.Ask(Get("/")).ends_with("GET / "));
  }
}

bool CanConnectTo6(int port) {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<std::uint16_t>(port));
  address.sin6_addr = in6addr_loopback;
  const int status = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  ::close(fd);
  return status == 0;
}

TEST_CASE("IPv6 is served, and IPv4 beside it by the address that means all") {
  auto handler = [](const std::shared_ptr<Exchange>& exchange) { exchange->Send({}); };
  const auto six = HttpServer::Create({.host = "::1"}, handler);
  if (!six) {
    MESSAGE("There is no IPv6 on this machine.");
    return;
  }
  CHECK(CanConnectTo6((*six)->port()));
  CHECK_FALSE(RawClient((*six)->port()).is_open());
  const auto any = HttpServer::Create({.host = "::"}, handler);
  REQUIRE(any);
  CHECK(CanConnectTo6((*any)->port()));
  CHECK(RawClient((*any)->port()).is_open());
}

TEST_CASE("a certificate that cannot be used is refused") {
  const Certificate one = MakeSelfSignedCertificate("a").value();
  const Certificate two = MakeSelfSignedCertificate("b").value();
  const HttpServerOptions rows[] = {
      {.certificate_pem = "nonsense", .key_pem = one.key_pem},
      {.certificate_pem = one.certificate_pem, .key_pem = "nonsense"},
      {.certificate_pem = one.certificate_pem, .key_pem = two.key_pem},
      {.certificate_pem = one.certificate_pem},
  };
  for (const HttpServerOptions& options : rows) {
    const auto server = HttpServer::Create(options, [](const std::shared_ptr<Exchange>&) {});
    REQUIRE_FALSE(server);
    CHECK(server.error().code == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("a client that never shakes hands is cut off, and delays nobody") {
  const Certificate certificate = MakeSelfSignedCertificate("livy").value();
  Fixture fixture({.certificate_pem = certificate.certificate_pem,
                   .key_pem = certificate.key_pem,
                   .threads_max = 2,
                   .header_timeout = milliseconds(300)});
  std::vector<RawClient> silent;
  for (int i = 0; i < 10; ++i) {
    silent.emplace_back(fixture.port());
    silent.back().Send("\x16\x03");  // The beginning of a handshake.
  }
  auto client = PinnedClient::Connect("127.0.0.1", fixture.port(), certificate.fingerprint);
  REQUIRE(client);
  CHECK((*client)->Send({.target = "/"}));
  for (RawClient& each : silent)
    CHECK(each.IsEnded());
  RawClient plain(fixture.port());
  plain.Send(Get("/"));
  CHECK(plain.IsEnded());
}

TEST_CASE("a large answer over TLS arrives whole") {
  const Certificate certificate = MakeSelfSignedCertificate("livy").value();
  Fixture fixture({.certificate_pem = certificate.certificate_pem, .key_pem = certificate.key_pem});
  auto client = PinnedClient::Connect("127.0.0.1", fixture.port(), certificate.fingerprint);
  REQUIRE(client);
  const auto answer = (*client)->Send({.target = "/size/20000000"});
  REQUIRE(answer);
  CHECK(answer->body == std::string(20000000, 'x'));
  CHECK((*client)->Send({.target = "/"}));
}

TEST_CASE("the host's treatment of SIGPIPE is left alone") {
  struct sigaction before = {};
  struct sigaction after = {};
  ::sigaction(SIGPIPE, nullptr, &before);
  Fixture fixture;
  ::sigaction(SIGPIPE, nullptr, &after);
  CHECK((before.sa_handler == after.sa_handler));
}

}  // namespace
}  // namespace livy::internal
