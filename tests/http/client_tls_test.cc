// HttpConnection by TLS: whom it trusts, and what it takes for an end.
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <livy/connection.h>

#include "bare_server.h"
#include "http/certificate.h"
#include "http/tls.h"
#include "server_fixture.h"

namespace livy::internal {
namespace {

using livy::testing::BareServer;
using livy::testing::Counter;
using livy::testing::Fixture;
using std::chrono::milliseconds;

constexpr milliseconds kPatience(10000);

std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

// Signed by itself, for `names` such as "DNS:localhost" or "IP:127.0.0.1".
Certificate MakeCertificate(const std::string& names) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
  X509_set_version(made.get(), 2);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
  X509_set_pubkey(made.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(made.get());
  const auto* name = reinterpret_cast<const unsigned char*>("of a test");
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0);
  X509_set_issuer_name(made.get(), subject);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str()),
      X509_EXTENSION_free);
  X509_add_ext(made.get(), extension.get(), -1);
  X509_sign(made.get(), key.get(), EVP_sha256());
  const std::unique_ptr<BIO, decltype(&BIO_free)> certificate_text(BIO_new(BIO_s_mem()), BIO_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> key_text(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(certificate_text.get(), made.get());
  PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {.certificate_pem = Contents(certificate_text.get()), .key_pem = Contents(key_text.get())};
}

HttpServerOptions TlsOptions(const Certificate& certificate) {
  return {.certificate_pem = certificate.certificate_pem, .key_pem = certificate.key_pem};
}

// A file that is there as long as this is.
class PemFile {
 public:
  explicit PemFile(const std::string& pem)
      : path_(std::filesystem::temp_directory_path() / ("livy-pem-" + RandomHex(8))) {
    std::ofstream(path_) << pem;
  }
  ~PemFile() { std::filesystem::remove(path_); }
  PemFile(const PemFile&) = delete;
  PemFile& operator=(const PemFile&) = delete;
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST_CASE("a certificate counts for the names and addresses in it, and for no others") {
  struct Row {
    const char* names;
    const char* host;
    bool is_trusted;
  };
  const Row rows[] = {
      {"DNS:localhost", "localhost", true},    {"DNS:LocalHost", "localhost", true},
      {"DNS:elsewhere", "localhost", false},   {"DNS:localhost", "127.0.0.1", false},
      {"IP:127.0.0.1", "127.0.0.1", true},     {"IP:127.0.0.2", "127.0.0.1", false},
      {"DNS:127.0.0.1", "127.0.0.1", false},   {"IP:127.0.0.1", "localhost", false},
      {"DNS:*.localhost", "localhost", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.names);
    CAPTURE(row.host);
    const Certificate certificate = MakeCertificate(row.names);
    const PemFile ca_file(certificate.certificate_pem);
    Fixture fixture(TlsOptions(certificate));
    const auto connection =
        MakeHttpConnection({.url = fmt::format("https://{}:{}", row.host, fixture.port()),
                            .ca_file = ca_file.path()})
            .value();
    const auto answer = connection->Send({.target = "/x"}, kPatience);
    CHECK(answer.has_value() == row.is_trusted);
    if (!answer) {
      CHECK(answer.error().code == ErrorCode::kUnavailable);
      CHECK(answer.error().message ==
            fmt::format("Cannot connect to {}:{}: its certificate cannot be trusted.", row.host,
                        fixture.port()));
    }
  }
}

TEST_CASE("a server that asks for a certificate is shown the one of the options, and no other") {
  const Certificate servers = MakeCertificate("DNS:localhost");
  const Certificate mine = MakeCertificate("DNS:client");
  const PemFile ca_file(servers.certificate_pem);
  const PemFile certificate(mine.certificate_pem);
  const PemFile key(mine.key_pem);
  const SslContextPtr context = MakeServerContext(servers.certificate_pem, servers.key_pem).value();
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  for (const bool has_one : {true, false}) {
    CAPTURE(has_one);
    std::string shown;
    {
      BareServer server([&](int fd, int) {
        const SslPtr ssl = MakeSsl(context.get(), fd);
        std::string bytes(4096, '\0');
        if (SSL_read(ssl.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0) return;
        shown = PeerFingerprint(ssl.get());
        constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        SSL_write(ssl.get(), kAnswer.data(), static_cast<int>(kAnswer.size()));
      });
      HttpConnectionOptions options = {.url = fmt::format("https://localhost:{}", server.port()),
                                       .ca_file = ca_file.path()};
      if (has_one) {
        options.certificate_file = certificate.path();
        options.key_file = key.path();
      }
      CHECK(MakeHttpConnection(options).value()->Send({}, kPatience));
    }
    CHECK(shown.empty() != has_one);
  }
}

TEST_CASE("a certificate without its key, or with another's, is refused at once") {
  const Certificate mine = MakeCertificate("DNS:a");
  const PemFile certificate(mine.certificate_pem);
  const PemFile key(mine.key_pem);
  const PemFile other_key(MakeCertificate("DNS:b").key_pem);
  struct Row {
    std::string certificate;
    std::string key;
    bool is_taken;
  };
  const Row rows[] = {
      {certificate.path(), key.path(), true},
      {certificate.path(), "", false},
      {"", key.path(), false},
      {certificate.path(), other_key.path(), false},
      {certificate.path(), "/nowhere", false},
      {"/nowhere", key.path(), false},
      {key.path(), certificate.path(), false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.certificate);
    CAPTURE(row.key);
    const auto made = MakeHttpConnection(
        {.url = "https://a", .certificate_file = row.certificate, .key_file = row.key});
    CHECK(made.has_value() == row.is_taken);
    if (!made) CHECK(made.error().code == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("a server of many names is told which is meant, and nothing if it is an address") {
  for (const char* host : {"localhost", "127.0.0.1"}) {
    std::string hello;
    {
      BareServer server([&](int fd, int) {
        std::string bytes(4096, '\0');
        const ssize_t size = ::recv(fd, bytes.data(), bytes.size(), 0);
        hello.append(bytes, 0, size > 0 ? static_cast<std::size_t>(size) : 0);
      });
      const auto connection =
          MakeHttpConnection({.url = fmt::format("https://{}:{}", host, server.port())}).value();
      CHECK_FALSE(connection->Send({}, kPatience));
    }
    CHECK(hello.size() > 100);
    CHECK((hello.find(host) != std::string::npos) == (host == std::string("localhost")));
  }
}

TEST_CASE("a server that never shakes hands is given up at the timeout, and nothing was sent") {
  Counter done;
  BareServer server([&](int, int) { done.WaitFor(1); });
  const auto connection =
      MakeHttpConnection({.url = fmt::format("https://127.0.0.1:{}", server.port())}).value();
  const auto late = connection->Send({}, milliseconds(50));
  done.Add();
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::kDeadlineExceeded);
  CHECK(late.error().message.starts_with("Cannot connect to"));
}

TEST_CASE("large bodies travel both ways by TLS, one request after the other") {
  const Certificate certificate = MakeCertificate("DNS:localhost");
  const PemFile ca_file(certificate.certificate_pem);
  HttpServerOptions options = TlsOptions(certificate);
  options.connections_max = 1;
  Fixture fixture(options);
  const auto connection =
      MakeHttpConnection(
          {.url = fmt::format("https://localhost:{}", fixture.port()), .ca_file = ca_file.path()})
          .value();
  for (const std::size_t size : {0, 1, 16384, 5 << 20}) {
    const std::string body(size, 'b');
    const auto answer =
        connection->Send({.method = "POST", .target = "/x", .body = body}, kPatience);
    REQUIRE(answer);
    CHECK(answer->body == "POST /x " + body);
  }
}

TEST_CASE("by TLS, an answer without a length is whole only if the server says so") {
  const Certificate certificate = MakeCertificate("DNS:localhost");
  const PemFile ca_file(certificate.certificate_pem);
  const SslContextPtr context =
      MakeServerContext(certificate.certificate_pem, certificate.key_pem).value();
  for (const bool says_goodbye : {true, false}) {
    CAPTURE(says_goodbye);
    BareServer server([&](int fd, int) {
      const SslPtr ssl = MakeSsl(context.get(), fd);
      std::string bytes(4096, '\0');
      if (SSL_read(ssl.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0) return;
      constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\n\r\nhalf of it";
      SSL_write(ssl.get(), kAnswer.data(), static_cast<int>(kAnswer.size()));
      if (says_goodbye) SSL_shutdown(ssl.get());
    });
    const auto connection =
        MakeHttpConnection(
            {.url = fmt::format("https://localhost:{}", server.port()), .ca_file = ca_file.path()})
            .value();
    const auto answer = connection->Send({}, kPatience);
    CHECK(answer.has_value() == says_goodbye);
    if (!answer) CHECK(answer.error().code == ErrorCode::kUnavailable);
  }
}

}  // namespace
}  // namespace livy::internal
