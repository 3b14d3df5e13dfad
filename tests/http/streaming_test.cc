// Writers of streams that keep the pace of their clients.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include <doctest/doctest.h>

#include "raw_client.h"
#include "server_fixture.h"

namespace livy::internal {
namespace {

using livy::testing::Fixture;
using livy::testing::Get;
using livy::testing::RawClient;

// Writes pieces as long as the client takes them, from whichever thread calls.
struct Writer {
  explicit Writer(std::shared_ptr<ResponseStream> the_stream) : stream(std::move(the_stream)) {}

  void GoOn() {
    const std::lock_guard lock(mutex);
    while (written < kPieces && stream->unsent() == 0) {
      stream->Write(piece);
      ++written;
      unsent_most = std::max(unsent_most, stream->unsent());
    }
    if (written == kPieces) stream->Close();
  }

  static constexpr int kPieces = 64;
  const std::string piece = std::string(65536, 'x');
  std::mutex mutex;
  const std::shared_ptr<ResponseStream> stream;
  int written = 0;
  std::size_t unsent_most = 0;
};

TEST_CASE("a writer that stops while something is unsent goes on when the client has taken it") {
  Fixture fixture({.stream_buffer_bytes_max = 1 << 20});
  RawClient client(fixture.port(), 4096);
  client.Send(Get("/wait", "Connection: close\r\n"));
  Writer writer(fixture.shelf.TakeOne()->Stream({}));
  writer.stream->OnDrained([&] { writer.GoOn(); });

  writer.GoOn();
  {
    const std::lock_guard lock(writer.mutex);
    CHECK(writer.written < Writer::kPieces);
    CHECK(writer.stream->unsent() > 0);
  }
  const std::string answer = client.ReadToEnd();

  CHECK(std::ranges::count(answer, 'x') == Writer::kPieces * 65536);
  CHECK(answer.ends_with("\r\n0\r\n\r\n"));
  const std::lock_guard lock(writer.mutex);
  CHECK(writer.unsent_most <= writer.piece.size() + 16);
}

TEST_CASE("a client that is gone has nothing unsent, and nobody is told that it has drained") {
  Fixture fixture;
  RawClient client(fixture.port(), 4096);
  client.Send(Get("/wait"));
  const auto exchange = fixture.shelf.TakeOne();
  livy::testing::Counter gone;
  exchange->OnGone([&] { gone.Add(); });
  const auto stream = exchange->Stream({});
  int drained = 0;
  stream->OnDrained([&] { ++drained; });
  while (stream->unsent() == 0)
    stream->Write(std::string(65536, 'x'));

  client.Close();

  REQUIRE(gone.WaitFor(1));
  CHECK(stream->unsent() == 0);
  CHECK_FALSE(stream->Write("x"));
  fixture.server->Stop(std::chrono::milliseconds(0));
  CHECK(drained == 0);
}

}  // namespace
}  // namespace livy::internal
