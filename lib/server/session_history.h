// SessionHistory: sessions that have ended and are not listed any more.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <livy/clock.h>
#include <livy/log.h>
#include <livy/result.h>

#include "server/session_store.h"
#include "server/timer.h"

namespace livy::internal {

struct HistoryOptions {
  std::chrono::milliseconds retain =
      {};                      // From the time on when it is not listed; 0: none is kept.
  std::int64_t bytes_max = 0;  // Of all that is stored of them.
};

// They stay in the store, with their statements, until their time is over or others need the room;
// in memory is only which they are. Safe to use from several threads.
class SessionHistory {
 public:
  // Everything that is passed by reference outlives this.
  SessionHistory(HistoryOptions options, SessionStore& store, Clock& clock, Timer& timer,
                 LogSink& log);

  // Takes in a session whose end is stored; without a history it is removed from the store. Fails
  // with kUnavailable if that cannot be stored.
  Result<void> Take(StoredSession record);

  // One that an earlier server had taken in.
  void Restore(int id, const StoredRemoval& removal);

  // All ids, in ascending order.
  std::vector<int> Ids() const;

 private:
  std::optional<int> Oldest(bool only_if_due) const;
  void Prune();
  void PruneLater();

  const HistoryOptions options_;
  SessionStore& store_;
  Clock& clock_;
  Timer& timer_;
  LogSink& log_;

  mutable std::mutex mutex_;
  std::map<int, StoredRemoval> sessions_;           // Guarded by mutex_.
  std::set<std::pair<Statement::Time, int>> ages_;  // Guarded by mutex_. The same, oldest first.
  std::int64_t bytes_ = 0;                          // Guarded by mutex_. Of all of them.
  bool is_scheduled_ = false;                       // Guarded by mutex_. Prune() will be called.
};

}  // namespace livy::internal
