// CommitQueue: lets threads that change a store at the same time share one transaction.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include <livy/result.h>
#include <livy/store.h>

namespace livy::internal {

// One caller's changes on their way into the store, and what became of them.
struct PendingBatch {
  const std::vector<StoreChange>* changes = nullptr;
  Result<void> result = {};
};

// Writes `batches` by `transact`, which stores all it is given or none, and sets each result. If
// that fails, each alone: one of them cannot be stored, or not all of them can, and the others must
// not suffer for it. For stores where that is cheap and its failure certain.
void WriteTogetherOrAlone(
    const std::vector<PendingBatch*>& batches,
    const std::function<Result<void>(const std::vector<PendingBatch*>& batches)>& transact);

// The first caller that finds nobody writing writes for all who wait, itself among them; the others
// sleep until their changes are in or refused, or it is their turn to write. So a lone caller pays
// nothing, many pay for one transaction, and nobody is woken in vain. Safe to use from several
// threads.
class CommitQueue {
 public:
  // Writes `batches` and sets each result. Called by one thread at a time, with no lock held.
  using Write = std::function<void(const std::vector<PendingBatch*>& batches)>;

  // At most `batches_max` batches are written at once, which bounds how long one waits for others.
  CommitQueue(Write write, std::size_t batches_max);

  // Blocks until `changes` were written.
  Result<void> Submit(const std::vector<StoreChange>& changes);

  // How many callers wait for a transaction that has not begun.
  std::size_t waiting() const;

 private:
  struct Waiting : PendingBatch {
    bool done = false;
    bool writes = false;  // It is its turn.
    std::condition_variable changed = {};
  };

  void WriteNext(std::unique_lock<std::mutex>& lock);

  const Write write_;
  const std::size_t batches_max_;
  mutable std::mutex mutex_;
  std::vector<Waiting*> queue_;  // Guarded by mutex_; no longer than there are callers.
  bool writing_ = false;         // Guarded by mutex_.
};

}  // namespace livy::internal
