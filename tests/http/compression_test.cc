// Compressed bodies, by themselves and through a server.
#include "http/compression.h"

#include <string>
#include <zlib.h>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "raw_client.h"
#include "server_fixture.h"

namespace livy::internal {
namespace {

using livy::testing::Fixture;
using livy::testing::Get;
using livy::testing::Post;
using livy::testing::RawClient;

// Deflate without any frame, as some clients send it.
std::string BareDeflate(const std::string& text) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST_CASE("the coding with the highest q is chosen, the first on a tie") {
  struct Row {
    const char* accepted;
    ContentCoding coding;
  };
  const Row rows[] = {
      {"", ContentCoding::kNone},
      {"gzip", ContentCoding::kGzip},
      {"GZIP", ContentCoding::kGzip},
      {"deflate, gzip", ContentCoding::kDeflate},
      {"gzip, deflate, br", ContentCoding::kGzip},
      {"gzip;q=0.5, deflate;q=0.6", ContentCoding::kDeflate},
      {"gzip;q=0", ContentCoding::kNone},
      {"gzip ; q=0.1 , br;q=1", ContentCoding::kGzip},
      {"identity, *", ContentCoding::kNone},
      {"gzip;q=x", ContentCoding::kGzip},
  };
  for (const Row& row : rows) {
    CAPTURE(row.accepted);
    CHECK(ChooseCoding(row.accepted) == row.coding);
  }
}

TEST_CASE("what was compressed is decompressed, within the bound and not beyond") {
  for (const ContentCoding coding : {ContentCoding::kGzip, ContentCoding::kDeflate}) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000000}}) {
      CAPTURE(size);
      const std::string text(size, 'a');
      const std::string packed = Compress(text, coding).value();
      CHECK(Decompress(packed, coding, size).value() == text);
      if (size > 0) {
        CHECK(Decompress(packed, coding, size - 1).error().code == ErrorCode::kResourceExhausted);
      }
      CHECK(Decompress(packed.substr(0, packed.size() - 1), coding, size).error().code ==
            ErrorCode::kInvalidArgument);
    }
  }
  const std::string two = Compress("one ", ContentCoding::kGzip).value() +
                          Compress("two", ContentCoding::kGzip).value();
  CHECK(Decompress(two, ContentCoding::kGzip, 100).value() == "one two");
  CHECK(Decompress(BareDeflate("bare"), ContentCoding::kDeflate, 100).value() == "bare");
  CHECK(Decompress("nonsense", ContentCoding::kGzip, 100).error().code ==
        ErrorCode::kInvalidArgument);
}

TEST_CASE("compressed requests reach the handler decoded, unknown codings as they are") {
  Fixture fixture;
  RawClient client(fixture.port());
  const std::string gzip = Compress("hello", ContentCoding::kGzip).value();
  const std::string deflate = Compress("hello", ContentCoding::kDeflate).value();
  CHECK(client.Ask(Post("/", gzip, "Content-Encoding: gzip\r\n")).ends_with("POST / hello"));
  CHECK(client.Ask(Post("/", deflate, "Content-Encoding: deflate\r\n")).ends_with("POST / hello"));
  CHECK(client.Ask(Post("/", "{}", "Content-Encoding: UTF-8\r\n")).ends_with("POST / {}"));
  CHECK(client.Ask(Get("/", "Content-Encoding: gzip\r\n")).ends_with("GET / "));
  client.Send(Post("/", "nonsense", "Content-Encoding: gzip\r\n"));
  CHECK(client.ReadToEnd().starts_with("HTTP/1.1 400 "));
}

TEST_CASE("a small body that becomes a large one is refused") {
  const std::string bomb = Compress(std::string(100 << 20, '\0'), ContentCoding::kGzip).value();
  REQUIRE(bomb.size() < 1 << 20);
  Fixture fixture({.body_bytes_max = 1 << 20});
  RawClient client(fixture.port());
  client.Send(Post("/", bomb, "Content-Encoding: gzip\r\n"));
  CHECK(client.ReadToEnd().starts_with("HTTP/1.1 413 "));
}

TEST_CASE("answers that are large texts are compressed for clients that ask for it") {
  Fixture fixture;
  RawClient client(fixture.port());
  const auto ask = [&](std::string_view target, std::string_view accepted) {
    return client.Ask(Get(target, fmt::format("Accept-Encoding: {}\r\n", accepted)));
  };
  const std::string packed = ask("/size/5000", "gzip");
  CHECK(packed.find("Content-Encoding: gzip\r\n") != std::string::npos);
  CHECK(packed.find("Vary: Accept-Encoding\r\n") != std::string::npos);
  const std::string body = packed.substr(packed.find("\r\n\r\n") + 4);
  CHECK(Decompress(body, ContentCoding::kGzip, 5000).value() == std::string(5000, 'x'));
  CHECK(ask("/size/5000", "deflate").find("Content-Encoding: deflate") != std::string::npos);
  CHECK(ask("/size/5000", "br").find("Content-Encoding") == std::string::npos);
  CHECK(ask("/size/500", "gzip").find("Content-Encoding") == std::string::npos);
}

}  // namespace
}  // namespace livy::internal
