// DeadlineWatch: cuts calls off at their time, for blocking code that cannot do it by itself.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <livy/clock.h>

namespace livy::internal {

// Owns one thread, which begins with the first entry. Safe to use from several threads.
class DeadlineWatch {
 public:
  explicit DeadlineWatch(Clock& clock) : clock_(clock) {}
  ~DeadlineWatch();
  DeadlineWatch(const DeadlineWatch&) = delete;
  DeadlineWatch& operator=(const DeadlineWatch&) = delete;

  // Calls `cut` at `deadline` on the watch's thread, unless Remove() comes first. Fails silently to
  // do so only if the system has no more threads.
  std::uint64_t Add(Clock::TimePoint deadline, std::function<void()> cut);

  // When it returns, the entry's `cut` does not run and will not.
  void Remove(std::uint64_t entry, Clock::TimePoint deadline);

 private:
  using Key = std::pair<Clock::TimePoint, std::uint64_t>;

  void Run();

  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable cut_ended_;
  std::map<Key, std::function<void()>> entries_ = {};    // Guarded by mutex_.
  std::uint64_t last_entry_ = 0;                         // Guarded by mutex_.
  std::uint64_t being_cut_ = 0;                          // Guarded by mutex_. 0: none.
  Clock::TimePoint wakes_at_ = Clock::TimePoint::max();  // Guarded by mutex_.
  bool is_ending_ = false;                               // Guarded by mutex_.
  std::thread thread_ = {};                              // Guarded by mutex_.
};

}  // namespace livy::internal
