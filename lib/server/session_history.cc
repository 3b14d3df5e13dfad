#include "server/session_history.h"

#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "server/stored_records.h"

namespace livy::internal {
namespace {

// Before a store is asked again to remove what it has refused to.
constexpr Clock::Duration kPause = std::chrono::seconds(10);

}  // namespace

SessionHistory::SessionHistory(HistoryOptions options, SessionStore& store, Clock& clock,
                               Timer& timer, LogSink& log)
    : options_(options), store_(store), clock_(clock), timer_(timer), log_(log) {}

Result<void> SessionHistory::Take(StoredSession record) {
  if (options_.retain == std::chrono::milliseconds(0) || options_.bytes_max == 0) {
    return store_.Remove(record.id);
  }
  const Result<std::int64_t> bytes = store_.StatementBytes(record.id);
  if (!bytes) return bytes.error();
  record.driver = {};  // Nobody needs its secret any more.
  record.removal = StoredRemoval{
      .at = clock_.Wall(), .bytes = *bytes + static_cast<std::int64_t>(ToStored(record).size())};
  if (const Result<void> saved = store_.SaveRemoved(record); !saved) return saved;
  Restore(record.id, *record.removal);
  return {};
}

void SessionHistory::Restore(int id, const StoredRemoval& removal) {
  {
    const std::lock_guard lock(mutex_);
    if (sessions_.try_emplace(id, removal).second) {
      ages_.emplace(removal.at, id);
      bytes_ += removal.bytes;
    }
  }
  PruneLater();
}

std::vector<int> SessionHistory::Ids() const {
  const std::lock_guard lock(mutex_);
  std::vector<int> ids;
  for (const auto& [id, removal] : sessions_)
    ids.push_back(id);
  return ids;
}

// To be called with mutex_ held.
std::optional<int> SessionHistory::Oldest(bool only_if_due) const {
  if (ages_.empty()) return std::nullopt;
  const auto& [at, id] = *ages_.begin();
  const bool is_due = bytes_ > options_.bytes_max || clock_.Wall() - at >= options_.retain;
  return is_due || !only_if_due ? std::optional(id) : std::nullopt;
}

// Those are removed first that were first not listed any more. One call is scheduled at a time, for
// the oldest: all others come later.
void SessionHistory::PruneLater() {
  Clock::Duration after = Clock::Duration::zero();
  {
    const std::lock_guard lock(mutex_);
    const std::optional<int> oldest = Oldest(false);
    const bool is_full = bytes_ > options_.bytes_max;
    if (!oldest || (is_scheduled_ && !is_full)) return;
    is_scheduled_ = true;
    if (!is_full) after = options_.retain - (clock_.Wall() - sessions_.at(*oldest).at);
  }
  timer_.After(after, [this] { store_.writer().Post([this] { Prune(); }); });
}

// One at a time, so that what has ended meanwhile is not stored after all of them.
void SessionHistory::Prune() {
  std::optional<int> id;
  {
    const std::lock_guard lock(mutex_);
    is_scheduled_ = false;
    id = Oldest(true);
  }
  if (!id) return PruneLater();
  if (const Result<void> removed = store_.Remove(*id); !removed) {
    log_.Write(LogLevel::kWarning, "server",
               fmt::format("session={} stays in the history: {}", *id, removed.error().message));
    const std::lock_guard lock(mutex_);
    is_scheduled_ = true;
    timer_.After(kPause, [this] { store_.writer().Post([this] { Prune(); }); });
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    // Unless somebody else was quicker.
    if (const auto found = sessions_.find(*id); found != sessions_.end()) {
      bytes_ -= found->second.bytes;
      ages_.erase({found->second.at, *id});
      sessions_.erase(found);
    }
  }
  PruneLater();
}

}  // namespace livy::internal
