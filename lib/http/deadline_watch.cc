#include "http/deadline_watch.h"

#include <system_error>

namespace livy::internal {

DeadlineWatch::~DeadlineWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

std::uint64_t DeadlineWatch::Add(Clock::TimePoint deadline, std::function<void()> cut) {
  const std::lock_guard lock(mutex_);
  entries_.emplace(Key(deadline, ++last_entry_), std::move(cut));
  if (!thread_.joinable()) {
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error&) {
      return last_entry_;  // The call's own timeouts still bound each of its steps.
    }
  } else if (deadline < wakes_at_) {
    // Deadlines mostly come in the order of their calls, so that this wakes the thread seldom.
    changed_.notify_all();
  }
  return last_entry_;
}

void DeadlineWatch::Remove(std::uint64_t entry, Clock::TimePoint deadline) {
  std::unique_lock lock(mutex_);
  entries_.erase(Key(deadline, entry));
  cut_ended_.wait(lock, [&] { return being_cut_ != entry; });
}

void DeadlineWatch::Run() {
  std::unique_lock lock(mutex_);
  while (!is_ending_) {
    if (entries_.empty() || entries_.begin()->first.first > clock_.Now()) {
      wakes_at_ = entries_.empty() ? Clock::TimePoint::max() : entries_.begin()->first.first;
      clock_.WaitUntil(lock, changed_, wakes_at_);
      continue;
    }
    auto due = entries_.extract(entries_.begin());
    being_cut_ = due.key().second;
    lock.unlock();
    due.mapped()();
    lock.lock();
    being_cut_ = 0;
    cut_ended_.notify_all();
  }
}

}  // namespace livy::internal
