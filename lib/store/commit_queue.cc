#include "store/commit_queue.h"

#include <algorithm>
#include <utility>

namespace livy::internal {

void WriteTogetherOrAlone(
    const std::vector<PendingBatch*>& batches,
    const std::function<Result<void>(const std::vector<PendingBatch*>& batches)>& transact) {
  const Result<void> written = transact(batches);
  const bool alone = !written && batches.size() > 1;
  for (PendingBatch* batch : batches)
    batch->result = alone ? transact({batch}) : written;
}

CommitQueue::CommitQueue(Write write, std::size_t batches_max)
    : write_(std::move(write)), batches_max_(batches_max) {}

Result<void> CommitQueue::Submit(const std::vector<StoreChange>& changes) {
  Waiting mine;
  mine.changes = &changes;
  std::unique_lock lock(mutex_);
  queue_.push_back(&mine);
  mine.writes = !std::exchange(writing_, true);
  mine.changed.wait(lock, [&] { return mine.done || mine.writes; });
  if (!mine.done) WriteNext(lock);
  return mine.result;
}

std::size_t CommitQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void CommitQueue::WriteNext(std::unique_lock<std::mutex>& lock) {
  const auto end =
      queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), batches_max_));
  const std::vector<Waiting*> taken(queue_.begin(), end);
  queue_.erase(queue_.begin(), end);
  lock.unlock();

  write_(std::vector<PendingBatch*>(taken.begin(), taken.end()));

  lock.lock();
  // Told under the lock: without it they might be gone.
  for (Waiting* batch : taken) {
    batch->done = true;
    if (!batch->writes) batch->changed.notify_one();
  }
  writing_ = !queue_.empty();
  if (!writing_) return;
  queue_.front()->writes = true;
  queue_.front()->changed.notify_one();
}

}  // namespace livy::internal
