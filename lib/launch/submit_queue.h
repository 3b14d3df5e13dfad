// SubmitQueue: how many spark-submit processes there may be at once.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_set>

#include <livy/result.h>

namespace livy::internal {

// First come, first served. Safe to use from several threads.
class SubmitQueue {
 public:
  using Id = std::uint64_t;  // 0: none.

  class Waiter {
   public:
    virtual ~Waiter() = default;

    // Its turn has come. Called once at most, by a thread that makes room. Returns whether it keeps
    // its place among those that run; it does not if it cannot start.
    virtual bool OnTurn(Id id) = 0;
  };

  // Of what has come: whether it may begin at once. If not, its OnTurn() is called later.
  struct Entry {
    Id id = 0;
    bool may_begin = false;
  };

  // How far one is that waits.
  struct Place {
    std::size_t number = 0;   // 1: the next.
    std::size_t waiting = 0;  // Of how many.
  };

  SubmitQueue(int running_max, int waiting_max)
      : running_max_(static_cast<std::size_t>(running_max)),
        waiting_max_(static_cast<std::size_t>(waiting_max)) {}
  SubmitQueue(const SubmitQueue&) = delete;
  SubmitQueue& operator=(const SubmitQueue&) = delete;

  // Fails with kResourceExhausted if too many wait. `waiter` is there until Forget(), or until it
  // was called or withdrawn.
  Result<Entry> Enter(Waiter& waiter);

  // Makes room for others, whose turns come before this returns. Harmless when repeated, and for
  // one that waits: use Withdraw().
  void Release(Id id);

  // Whether it was waiting: its turn will not come then.
  bool Withdraw(Id id);

  // Withdraws, waits for a turn in progress, releases.
  void Forget(Id id);

  // No turn comes any more, and none is in progress: what waits goes on waiting.
  void Close();

  // Unset if it does not wait.
  std::optional<Place> PlaceOf(Id id) const;

  std::size_t running_max() const { return running_max_; }

 private:
  struct Waiting {
    Id id = 0;
    Waiter* waiter = nullptr;
  };

  std::optional<Waiting> TakeNext();
  void GiveTurns();

  const std::size_t running_max_;
  const std::size_t waiting_max_;
  mutable std::mutex mutex_;
  std::condition_variable turned_;
  bool is_closed_ = false;          // Guarded by mutex_.
  Id last_id_ = 0;                  // Guarded by mutex_.
  std::deque<Waiting> waiting_;     // Guarded by mutex_. By id.
  std::unordered_set<Id> running_;  // Guarded by mutex_.
  std::unordered_set<Id> in_turn_;  // Guarded by mutex_. Whose OnTurn() is in progress.
};

}  // namespace livy::internal
