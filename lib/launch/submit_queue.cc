#include "launch/submit_queue.h"

#include <algorithm>

#include <fmt/format.h>

namespace livy::internal {

Result<SubmitQueue::Entry> SubmitQueue::Enter(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty() && running_.size() < running_max_) {
    running_.insert(++last_id_);
    return Entry{.id = last_id_, .may_begin = true};
  }
  if (waiting_.size() >= waiting_max_) {
    return Error{ErrorCode::kResourceExhausted,
                 fmt::format("{} launches are waiting already.", waiting_.size())};
  }
  waiting_.push_back({.id = ++last_id_, .waiter = &waiter});
  return Entry{.id = last_id_};
}

void SubmitQueue::Release(Id id) {
  {
    const std::lock_guard lock(mutex_);
    if (running_.erase(id) == 0) return;
  }
  GiveTurns();
}

bool SubmitQueue::Withdraw(Id id) {
  const std::lock_guard lock(mutex_);
  return std::erase_if(waiting_, [&](const Waiting& one) { return one.id == id; }) > 0;
}

void SubmitQueue::Forget(Id id) {
  if (id == 0) return;
  Withdraw(id);
  {
    std::unique_lock lock(mutex_);
    while (in_turn_.contains(id))
      turned_.wait(lock);
  }
  Release(id);
}

void SubmitQueue::Close() {
  std::unique_lock lock(mutex_);
  is_closed_ = true;
  while (!in_turn_.empty())
    turned_.wait(lock);
}

std::optional<SubmitQueue::Place> SubmitQueue::PlaceOf(Id id) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::lower_bound(waiting_, id, {}, &Waiting::id);
  if (found == waiting_.end() || found->id != id) return std::nullopt;
  return Place{.number = static_cast<std::size_t>(found - waiting_.begin()) + 1,
               .waiting = waiting_.size()};
}

std::optional<SubmitQueue::Waiting> SubmitQueue::TakeNext() {
  const std::lock_guard lock(mutex_);
  if (is_closed_ || waiting_.empty() || running_.size() >= running_max_) return std::nullopt;
  const Waiting next = waiting_.front();
  waiting_.pop_front();
  running_.insert(next.id);
  in_turn_.insert(next.id);
  return next;
}

// A loop and not a recursion: any number of those that wait may fail to start.
void SubmitQueue::GiveTurns() {
  while (const std::optional<Waiting> next = TakeNext()) {
    const bool keeps = next->waiter->OnTurn(next->id);
    {
      const std::lock_guard lock(mutex_);
      in_turn_.erase(next->id);
      if (!keeps) running_.erase(next->id);
    }
    turned_.notify_all();
  }
}

}  // namespace livy::internal
