// EventFeed: what happens to one session, told to those who follow it (docs/design/006).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "http/exchange.h"

namespace livy::internal {

struct EventFeedOptions {
  std::string run = {};               // Part of each id; other feeds have others.
  std::size_t events_max = 1000;      // Kept for readers who come back or are slow,
  std::size_t bytes_max = 256 << 10;  // the newest one even if it is longer.
};

// Readers are streams of text/event-stream. Each has a place in the row of events that are kept and
// is written to only while its client has taken what was written before; so a slow one costs its
// place and one piece, and when its place is no longer kept it goes on with a snapshot.
//
// Safe to use from several threads.
class EventFeed : public std::enable_shared_from_this<EventFeed> {
 public:
  using Token = std::uint64_t;

  // All that a reader needs to know who knows nothing, and the last event that it includes.
  struct Snapshot {
    std::string json = {};
    std::int64_t number = 0;
  };

  // Called without a lock held; nullopt if there is nothing to be told of any more.
  using TakeSnapshot = std::function<std::optional<Snapshot>()>;

  EventFeed(EventFeedOptions options, TakeSnapshot take_snapshot)
      : options_(std::move(options)), take_snapshot_(std::move(take_snapshot)) {}

  // Adds an event. It reaches nobody before Pump(): the caller may hold the lock under which it
  // happened.
  void Publish(std::string_view name, std::string_view json);

  // The last event was the last of all: readers who have it are through.
  void End();

  // The number of the last event; 0 if there was none.
  std::int64_t last() const;

  // Whether a client with this Last-Event-ID knows the last event of all.
  bool HasToldAll(std::string_view last_event_id) const;

  // Writes events to `stream` from now on: those after `last_event_id` if they are still kept, else
  // a snapshot and what follows it. The stream is closed after the last event of all. `watch` is
  // held as long as there is this reader.
  Token Follow(std::shared_ptr<ResponseStream> stream, std::string_view last_event_id,
               std::shared_ptr<const void> watch = nullptr);

  // The reader has gone. Harmless if it is unknown.
  void Forget(Token token);

  bool has_readers() const;

  // Writes what is new. Not to be called with a lock held.
  void Pump();

  // Shows readers and what stands between that the connection is alive.
  void KeepAlive();

 private:
  struct Reader;

  void Serve(const std::shared_ptr<Reader>& reader);
  void ServeAll(bool with_comment);
  // Both belong to the one thread that serves the reader.
  bool Write(Reader& reader);
  bool FindNext(Reader& reader);
  bool FindSnapshot(Reader& reader);

  // The following are called with mutex_ held.
  std::optional<std::int64_t> PlaceOf(std::string_view last_event_id) const;
  std::int64_t first() const { return last_ - static_cast<std::int64_t>(events_.size()) + 1; }
  bool TakeEvents(Reader& reader);

  const EventFeedOptions options_;
  const TakeSnapshot take_snapshot_;

  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<const std::string>> events_;  // Guarded by mutex_. Up to last_.
  std::size_t bytes_ = 0;                                  // Guarded by mutex_. Of events_.
  std::int64_t last_ = 0;                                  // Guarded by mutex_.
  std::int64_t pumped_ = 0;                                // Guarded by mutex_. Readers were told.
  bool has_ended_ = false;                                 // Guarded by mutex_.
  std::map<Token, std::shared_ptr<Reader>> readers_;       // Guarded by mutex_.
  Token last_token_ = 0;                                   // Guarded by mutex_.
};

}  // namespace livy::internal
