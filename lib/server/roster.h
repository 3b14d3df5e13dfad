// Roster: the sessions of a server, or its batches, by id and by name, until they are forgotten.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <livy/clock.h>
#include <livy/result.h>

#include "core/number.h"
#include "server/application_count.h"
#include "server/page_range.h"
#include "server/store_writer.h"
#include "server/timer.h"

namespace livy::internal {

struct RosterOptions {
  std::string_view noun = "sessions";  // For messages. A literal.
  int entries_max = 0;
  Clock::Duration retain = {};  // How long those that have ended stay.
};

// A part of the list, as Apache Livy pages.
template <typename Entry>
struct RosterPage {
  int total = 0;  // Of all.
  std::vector<std::shared_ptr<Entry>> entries = {};
};

inline bool IsAllDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// An Entry has id(), name(), tag() and DropApplication(). Safe to use from several threads.
template <typename Entry>
class Roster {
 public:
  using Pointer = std::shared_ptr<Entry>;

  // `forget` removes an entry from the store. What is passed by reference outlives this.
  Roster(RosterOptions options, Clock& clock, Timer& timer, StoreWriter& writer,
         ApplicationCount& applications, std::function<Result<void>(Entry&)> forget)
      : options_(options),
        clock_(clock),
        timer_(timer),
        writer_(writer),
        applications_(applications),
        forget_(std::move(forget)) {}

  // Keeps the name for an entry that is to come, which counts as alive from now on, and whose
  // application counts already. Fails, in
  // Livy's words, with kInvalidArgument if the name cannot be used or is taken; with
  // kResourceExhausted if there are too many; with kUnavailable after Close().
  Result<void> Reserve(const std::optional<std::string>& name, int id);

  // The entry does not come.
  void Unreserve(const std::optional<std::string>& name);

  // The entry has come.
  void Insert(const Pointer& entry);

  // An entry of an earlier server, whose ids ascend; nothing is refused.
  void Restore(const Pointer& entry, bool is_alive);

  // By id, or by name if `key` is not all digits.
  Pointer Find(std::string_view key) const;

  // Entries from index `from` on, in the order of their ids, as Livy counts: a negative `from`
  // shortens the page.
  RosterPage<Entry> List(std::int64_t from, std::int64_t size) const;

  std::vector<Pointer> All() const;

  // Of their applications.
  std::set<std::string> Tags() const {
    std::set<std::string> tags;
    for (const Pointer& entry : All())
      tags.insert(entry->tag());
    return tags;
  }

  // The application of an entry has ended: removes the entry after the time that it is retained.
  void OnEnded(const Pointer& entry);

  void RemoveLater(const Pointer& entry, Clock::Duration after);

  // Removes the entry, first from the store; false if somebody else did. If the store refuses, the
  // entry stays, and the error says why.
  Result<bool> Remove(const Pointer& entry);

  // Refuses what is new, and waits for those that are to come.
  void Close();

  // Returns when all have ended, at `deadline` at the latest.
  void AwaitEnds(Clock::TimePoint deadline);

  // Drops all entries, and waits for what launchers are still telling about them. To be called
  // last, when nobody else calls any more, and while the timer still runs.
  void DropAll();

 private:
  // Between two attempts to remove an entry whose time is over.
  static constexpr std::chrono::seconds kRemovalPause{10};

  void LetGo(Entry& entry);

  const RosterOptions options_;
  Clock& clock_;
  Timer& timer_;
  StoreWriter& writer_;
  ApplicationCount& applications_;
  const std::function<Result<void>(Entry&)> forget_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Pointer> entries_;              // Guarded by mutex_. By id.
  std::set<std::string, std::less<>> names_;  // Guarded by mutex_. Of entries_ and those to be.
  int alive_ = 0;                             // Guarded by mutex_. Not ended, those to be included.
  int reserved_ = 0;                          // Guarded by mutex_. Those to be.
  int removing_ = 0;     // Guarded by mutex_. Removed, but their applications may still call us.
  bool is_open_ = true;  // Guarded by mutex_.
};

template <typename Entry>
Result<void> Roster<Entry>::Reserve(const std::optional<std::string>& name, int id) {
  const auto invalid = [](std::string message) {
    return Error{ErrorCode::kInvalidArgument, std::move(message)};
  };
  if (name && (name->empty() || IsAllDigits(*name))) {
    return invalid(fmt::format("Invalid session name: {}", *name));
  }
  const std::lock_guard lock(mutex_);
  if (!is_open_) return Error{ErrorCode::kUnavailable, "The server is stopping."};
  const int listed = static_cast<int>(entries_.size()) + reserved_;
  if (listed >= options_.entries_max) {
    return Error{ErrorCode::kResourceExhausted,
                 fmt::format("There are {} {} already.", listed, options_.noun)};
  }
  if (name && !names_.insert(*name).second) {
    return invalid(fmt::format("Duplicate session name: Some({}) for session {}", *name, id));
  }
  ++alive_;
  ++reserved_;
  return {};
}

template <typename Entry>
void Roster<Entry>::Unreserve(const std::optional<std::string>& name) {
  const std::lock_guard lock(mutex_);
  if (name) names_.erase(*name);
  --alive_;
  --reserved_;
  changed_.notify_all();
}

template <typename Entry>
void Roster<Entry>::Insert(const Pointer& entry) {
  const std::lock_guard lock(mutex_);
  entries_.insert(std::ranges::upper_bound(entries_, entry->id(), {}, &Entry::id), entry);
  --reserved_;
  changed_.notify_all();
}

template <typename Entry>
void Roster<Entry>::Restore(const Pointer& entry, bool is_alive) {
  const std::lock_guard lock(mutex_);
  entries_.push_back(entry);
  if (entry->name()) names_.insert(*entry->name());
  if (!is_alive) return;
  ++alive_;
  applications_.Add();
}

template <typename Entry>
typename Roster<Entry>::Pointer Roster<Entry>::Find(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  if (IsAllDigits(key)) {
    const std::optional<int> id = ParseNumber<int>(key);
    if (!id) return nullptr;
    const auto found = std::ranges::lower_bound(entries_, *id, {}, &Entry::id);
    return found != entries_.end() && (*found)->id() == *id ? *found : nullptr;
  }
  if (!names_.contains(key)) return nullptr;
  const auto found =
      std::ranges::find_if(entries_, [&](const Pointer& entry) { return entry->name() == key; });
  return found == entries_.end() ? nullptr : *found;
}

template <typename Entry>
RosterPage<Entry> Roster<Entry>::List(std::int64_t from, std::int64_t size) const {
  const std::lock_guard lock(mutex_);
  const PageRange page = RangeOfPage(from, size, entries_.size());
  return {.total = static_cast<int>(entries_.size()),
          .entries = {entries_.begin() + page.begin, entries_.begin() + page.end}};
}

template <typename Entry>
std::vector<typename Roster<Entry>::Pointer> Roster<Entry>::All() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

template <typename Entry>
void Roster<Entry>::OnEnded(const Pointer& entry) {
  RemoveLater(entry, options_.retain);
  // Under the lock: AwaitEnds() may be waiting for this, and we may be gone soon after it.
  const std::lock_guard lock(mutex_);
  --alive_;
  applications_.Remove();
  changed_.notify_all();
}

template <typename Entry>
void Roster<Entry>::RemoveLater(const Pointer& entry, Clock::Duration after) {
  timer_.After(after, [this, weak = std::weak_ptr(entry)] {
    writer_.Post([this, weak] {
      const auto ended = weak.lock();
      if (ended && !Remove(ended)) RemoveLater(ended, kRemovalPause);
    });
  });
}

// First in the store: what was told to be gone must not be there again after a crash.
template <typename Entry>
Result<bool> Roster<Entry>::Remove(const Pointer& entry) {
  if (Find(std::to_string(entry->id())) != entry) return false;
  if (const Result<void> forgotten = forget_(*entry); !forgotten) return forgotten.error();
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(entries_, entry);
    if (found == entries_.end()) return false;
    entries_.erase(found);
    if (entry->name()) names_.erase(*entry->name());
    ++removing_;
  }
  LetGo(*entry);
  return true;
}

template <typename Entry>
void Roster<Entry>::Close() {
  std::unique_lock lock(mutex_);
  is_open_ = false;
  // Whoever calls this stops only what there is. They wait for the store, and so does this.
  while (reserved_ > 0)
    clock_.WaitUntil(lock, changed_, Clock::TimePoint::max());
}

template <typename Entry>
void Roster<Entry>::AwaitEnds(Clock::TimePoint deadline) {
  std::unique_lock lock(mutex_);
  while (alive_ > 0 && clock_.Now() < deadline)
    clock_.WaitUntil(lock, changed_, deadline);
}

template <typename Entry>
void Roster<Entry>::DropAll() {
  std::vector<Pointer> entries;
  {
    const std::lock_guard lock(mutex_);
    entries.swap(entries_);
    removing_ += static_cast<int>(entries.size());
  }
  for (const Pointer& entry : entries)
    LetGo(*entry);
  std::unique_lock lock(mutex_);
  while (removing_ > 0)
    clock_.WaitUntil(lock, changed_, Clock::TimePoint::max());
}

// For one that is counted in removing_.
template <typename Entry>
void Roster<Entry>::LetGo(Entry& entry) {
  entry.DropApplication([this] {
    // Under the lock: DropAll() may be waiting for this, and we may be gone soon after it.
    const std::lock_guard lock(mutex_);
    --removing_;
    changed_.notify_all();
  });
}

}  // namespace livy::internal
