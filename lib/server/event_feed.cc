#include "server/event_feed.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/number.h"

namespace livy::internal {
namespace {

// Small events that are written together, so that a burst costs few system calls.
constexpr std::size_t kBatchBytes = 16 << 10;

// Of what is written at once; the rest waits for the client to take it.
constexpr std::size_t kPieceBytes = 64 << 10;

constexpr std::string_view kComment = ":\n\n";

// JSON has no line ends outside of strings, and inside of them escapes.
std::string Frame(std::string_view run, std::int64_t number, std::string_view name,
                  std::string_view json) {
  return fmt::format("id: {}-{}\nevent: {}\ndata: {}\n\n", run, number, name, json);
}

}  // namespace

// The members up to `pending` are guarded by the feed's mutex; the others belong to the one thread
// that serves the reader.
struct EventFeed::Reader {
  const Token token;
  const std::shared_ptr<ResponseStream> stream;
  const std::shared_ptr<const void> watch;
  std::int64_t place = 0;  // The last event that was written or is in `pending`.
  bool needs_snapshot = false;
  bool wants_comment = false;
  bool is_served = false;        // By some thread,
  bool is_served_again = false;  // which is to look again before it stops.
  std::shared_ptr<const std::string> pending = {};
  std::size_t written = 0;  // Of `pending`.
};

void EventFeed::Publish(std::string_view name, std::string_view json) {
  const std::lock_guard lock(mutex_);
  if (has_ended_) return;
  auto event = std::make_shared<const std::string>(Frame(options_.run, ++last_, name, json));
  bytes_ += event->size();
  events_.push_back(std::move(event));
  while (events_.size() > 1 &&
         (events_.size() > options_.events_max || bytes_ > options_.bytes_max)) {
    bytes_ -= events_.front()->size();
    events_.pop_front();
  }
}

void EventFeed::End() {
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
}

std::int64_t EventFeed::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

std::optional<std::int64_t> EventFeed::PlaceOf(std::string_view last_event_id) const {
  if (!last_event_id.starts_with(options_.run)) return std::nullopt;
  last_event_id.remove_prefix(options_.run.size());
  if (!last_event_id.starts_with('-')) return std::nullopt;
  const auto number = ParseNumber<std::int64_t>(last_event_id.substr(1));
  if (!number || *number < 0 || *number > last_) return std::nullopt;
  return number;
}

bool EventFeed::HasToldAll(std::string_view last_event_id) const {
  const std::lock_guard lock(mutex_);
  return has_ended_ && PlaceOf(last_event_id) == last_;
}

EventFeed::Token EventFeed::Follow(std::shared_ptr<ResponseStream> stream,
                                   std::string_view last_event_id,
                                   std::shared_ptr<const void> watch) {
  std::shared_ptr<Reader> reader;
  {
    const std::lock_guard lock(mutex_);
    reader = std::make_shared<Reader>(
        Reader{.token = ++last_token_, .stream = std::move(stream), .watch = std::move(watch)});
    const std::optional<std::int64_t> place = PlaceOf(last_event_id);
    reader->place = place.value_or(0);
    reader->needs_snapshot = !place || *place < first() - 1;
    readers_.emplace(reader->token, reader);
  }
  reader->stream->OnDrained([self = weak_from_this(), drained = std::weak_ptr(reader)] {
    const std::shared_ptr<EventFeed> feed = self.lock();
    const std::shared_ptr<Reader> slow = drained.lock();
    if (feed && slow) feed->Serve(slow);
  });
  Serve(reader);
  return reader->token;
}

void EventFeed::Forget(Token token) {
  std::shared_ptr<Reader> dropped;  // Without the lock.
  const std::lock_guard lock(mutex_);
  const auto found = readers_.find(token);
  if (found == readers_.end()) return;
  dropped = std::move(found->second);
  readers_.erase(found);
}

bool EventFeed::has_readers() const {
  const std::lock_guard lock(mutex_);
  return !readers_.empty();
}

void EventFeed::Pump() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(pumped_, last_) == last_) return;
  }
  ServeAll(false);
}

void EventFeed::KeepAlive() {
  ServeAll(true);
}

void EventFeed::ServeAll(bool with_comment) {
  std::vector<std::shared_ptr<Reader>> readers;
  {
    const std::lock_guard lock(mutex_);
    readers.reserve(readers_.size());
    for (const auto& [token, reader] : readers_) {
      reader->wants_comment = reader->wants_comment || with_comment;
      readers.push_back(reader);
    }
  }
  for (const std::shared_ptr<Reader>& reader : readers)
    Serve(reader);
}

void EventFeed::Serve(const std::shared_ptr<Reader>& reader) {
  {
    const std::lock_guard lock(mutex_);
    reader->is_served_again = reader->is_served;
    if (std::exchange(reader->is_served, true)) return;
  }
  while (true) {
    // What is unsent now is followed by a call of OnDrained()'s function.
    while (reader->stream->unsent() == 0 && FindNext(*reader) && Write(*reader)) {
    }
    const std::lock_guard lock(mutex_);
    if (std::exchange(reader->is_served_again, false)) continue;
    reader->is_served = false;
    return;
  }
}

bool EventFeed::Write(Reader& reader) {
  const std::string_view piece =
      std::string_view(*reader.pending).substr(reader.written, kPieceBytes);
  reader.written += piece.size();
  if (reader.written == reader.pending->size()) {
    const std::shared_ptr<const std::string> whole = std::exchange(reader.pending, nullptr);
    if (reader.stream->Write(piece)) return true;
  } else if (reader.stream->Write(piece)) {
    return true;
  }
  Forget(reader.token);
  return false;
}

// Whether there is anything to write: it is in `pending` then.
bool EventFeed::FindNext(Reader& reader) {
  if (reader.pending != nullptr) return true;
  bool is_through = false;
  {
    const std::lock_guard lock(mutex_);
    if (reader.place < first() - 1) reader.needs_snapshot = true;
    if (!reader.needs_snapshot) {
      if (TakeEvents(reader)) return true;
      if (!has_ended_) return false;
      is_through = true;
    }
  }
  if (!is_through && FindSnapshot(reader)) return true;
  reader.stream->Close();
  Forget(reader.token);
  return false;
}

bool EventFeed::TakeEvents(Reader& reader) {
  reader.written = 0;
  if (reader.place < last_) {
    const auto next = [&] { return events_[static_cast<std::size_t>(++reader.place - first())]; };
    reader.pending = next();
    if (reader.place == last_ || reader.pending->size() >= kBatchBytes) return true;
    auto batch = std::make_shared<std::string>(*reader.pending);
    while (reader.place < last_ && batch->size() < kBatchBytes)
      *batch += *next();
    reader.pending = std::move(batch);
    return true;
  }
  if (!std::exchange(reader.wants_comment, false)) return false;
  reader.pending = std::make_shared<const std::string>(kComment);
  return true;
}

bool EventFeed::FindSnapshot(Reader& reader) {
  const std::optional<Snapshot> snapshot = take_snapshot_();
  if (!snapshot) return false;
  reader.written = 0;
  reader.pending = std::make_shared<const std::string>(
      Frame(options_.run, snapshot->number, "snapshot", snapshot->json));
  const std::lock_guard lock(mutex_);
  reader.place = snapshot->number;
  reader.needs_snapshot = false;
  return true;
}

}  // namespace livy::internal
