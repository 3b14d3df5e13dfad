#include "server/event_feed.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "fake_exchange.h"

namespace livy::internal {
namespace {

// A feed of numbers, whose snapshot is the last of them.
struct Fixture {
  explicit Fixture(std::size_t events_max = 1000, std::size_t bytes_max = 1 << 20)
      : feed(std::make_shared<EventFeed>(
            EventFeedOptions{.run = "r", .events_max = events_max, .bytes_max = bytes_max},
            [this]() -> std::optional<EventFeed::Snapshot> {
              ++snapshots;
              return EventFeed::Snapshot{.json = fmt::format("{}", feed->last()),
                                         .number = feed->last()};
            })) {}

  void Happen(int first, int last) {
    for (int number = first; number <= last; ++number)
      feed->Publish("n", fmt::format("{}", number));
    feed->Pump();
  }
  std::shared_ptr<FakeStream> Follow(std::string_view last_event_id = "") {
    const auto stream = std::make_shared<FakeStream>();
    token = feed->Follow(stream, last_event_id);
    return stream;
  }

  int snapshots = 0;
  EventFeed::Token token = 0;
  std::shared_ptr<EventFeed> feed;
};

std::string Snapshot(int number) {
  return fmt::format("id: r-{}\nevent: snapshot\ndata: {}\n\n", number, number);
}

std::string Events(int first, int last) {
  std::string text;
  for (int number = first; number <= last; ++number)
    text += fmt::format("id: r-{}\nevent: n\ndata: {}\n\n", number, number);
  return text;
}

TEST_CASE("a stream begins with a snapshot and goes on with what happens after it") {
  Fixture f;
  f.Happen(1, 2);
  const auto stream = f.Follow();
  CHECK(stream->written == Snapshot(2));
  f.Happen(3, 4);
  CHECK(stream->written == Snapshot(2) + Events(3, 4));
  CHECK(f.snapshots == 1);
}

TEST_CASE("who comes back with the last id gets what came after it, and nothing twice") {
  Fixture f;
  f.Happen(1, 5);
  CHECK(f.Follow("r-3")->written == Events(4, 5));
  CHECK(f.Follow("r-5")->written.empty());
  CHECK(f.Follow("r-0")->written == Events(1, 5));
  CHECK(f.snapshots == 0);
}

TEST_CASE("an id that is not known any more, or never was, leads to a snapshot") {
  Fixture f(3);
  f.Happen(1, 5);
  CHECK(f.Follow("r-2")->written == Events(3, 5));
  for (const char* id :
       {"r-1", "r-0", "r-6", "r--1", "r-", "r", "", "s-4", "r-4x", "4", "r-99999999999999999999"}) {
    CAPTURE(id);
    CHECK(f.Follow(id)->written == Snapshot(5));
  }
}

TEST_CASE("events are kept up to a length, the newest even beyond it") {
  Fixture f(1000, 60);
  f.Happen(1, 5);
  CHECK(f.Follow("r-3")->written == Events(4, 5));
  CHECK(f.Follow("r-2")->written == Snapshot(5));
  f.feed->Publish("n", std::string(100, '7'));
  CHECK(f.Follow("r-5")->written.find(std::string(100, '7')) != std::string::npos);
}

TEST_CASE("a slow reader gets everything in order as it takes what it got before") {
  Fixture f;
  const auto stream = f.Follow();
  stream->held = 1;
  f.Happen(1, 3);
  f.Happen(4, 6);
  CHECK(stream->written == Snapshot(0));
  stream->Drain();
  CHECK(stream->written == Snapshot(0) + Events(1, 6));
}

TEST_CASE("a reader that is too slow for what is kept goes on with a snapshot") {
  Fixture f(3);
  const auto stream = f.Follow();
  stream->held = 1;
  f.Happen(1, 9);
  stream->Drain();
  f.Happen(10, 10);
  CHECK(stream->written == Snapshot(0) + Snapshot(9) + Events(10, 10));
}

TEST_CASE("a long event goes out piece by piece, and nothing comes in between") {
  Fixture f(1000, 10 << 20);
  const auto stream = f.Follow("r-0");
  stream->fills = true;
  const std::string text(200000, 'x');
  f.feed->Publish("n", text);
  f.feed->Pump();
  f.feed->KeepAlive();
  CHECK(stream->written.size() == 65536);
  for (int i = 0; i < 9; ++i)
    stream->Drain();
  CHECK(stream->written == "id: r-1\nevent: n\ndata: " + text + "\n\n:\n\n");
}

TEST_CASE("a reader that leaves or breaks is forgotten at once") {
  Fixture f;
  const auto left = f.Follow();
  f.feed->Forget(f.token);
  CHECK_FALSE(f.feed->has_readers());
  f.feed->Forget(f.token);

  const auto broken = f.Follow();
  CHECK(f.feed->has_readers());
  broken->broken = true;
  f.Happen(1, 1);
  CHECK_FALSE(f.feed->has_readers());
  CHECK(left->written == Snapshot(0));
}

TEST_CASE(
    "streams end after the last event of all, for those who have it, those behind and new ones") {
  Fixture f;
  const auto reader = f.Follow();
  const auto slow = f.Follow();
  slow->held = 1;
  f.feed->Publish("n", "1");
  CHECK_FALSE(f.feed->HasToldAll("r-1"));
  f.feed->End();
  f.feed->Publish("n", "2");
  f.feed->Pump();
  CHECK(reader->written == Snapshot(0) + Events(1, 1));
  CHECK(reader->closed);
  CHECK_FALSE(slow->closed);
  slow->Drain();
  CHECK(slow->written == reader->written);
  CHECK(slow->closed);

  const auto late = f.Follow("r-0");
  CHECK(late->written == Events(1, 1));
  CHECK(late->closed);
  CHECK_FALSE(f.feed->has_readers());
  CHECK(f.feed->HasToldAll("r-1"));
  CHECK_FALSE(f.feed->HasToldAll("r-0"));
  CHECK_FALSE(f.feed->HasToldAll("s-1"));
}

TEST_CASE("an idle stream is kept alive by comments") {
  Fixture f;
  const auto stream = f.Follow();
  f.feed->KeepAlive();
  f.Happen(1, 1);
  CHECK(stream->written == Snapshot(0) + ":\n\n" + Events(1, 1));
}

TEST_CASE("what several threads tell arrives complete and in order") {
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  Fixture f(kThreads * kEach);
  const auto stream = f.Follow("r-0");
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&f] {
      for (int i = 0; i < kEach; ++i) {
        f.feed->Publish("n", "0");
        f.feed->Pump();
      }
    });
  }
  threads.clear();  // Joins.
  std::string wanted;
  for (int number = 1; number <= kThreads * kEach; ++number)
    wanted += fmt::format("id: r-{}\nevent: n\ndata: 0\n\n", number);
  CHECK(stream->written == wanted);
}

}  // namespace
}  // namespace livy::internal
