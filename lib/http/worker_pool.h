// WorkerPool: the threads that read requests and run handlers.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace livy::internal {

// Grows from `threads_min` to `threads_max` threads, and back, as tasks wait. Safe to use from
// several threads.
class WorkerPool {
 public:
  WorkerPool(std::size_t threads_min, std::size_t threads_max, std::size_t tasks_max);
  // Drains.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False if `tasks_max` tasks wait already, or the pool is being drained.
  bool Submit(std::function<void()> task);

  // For tasks that continue what was accepted before, of which there are no more than connections.
  // False only if the pool is being drained.
  bool SubmitAlways(std::function<void()> task);

  // To be called every few milliseconds while tasks wait. Adds threads if none was taken up since
  // the last call, that is if handlers block: adding them on every burst doubles the cost of a
  // request. Returns whether tasks wait.
  bool Tick();

  // Runs what waits, then joins all threads. Harmless when repeated.
  void Drain();

  std::size_t threads() const;

 private:
  bool SubmitLocked(std::function<void()>& task);
  void GrowLocked(std::size_t count);
  void Run();

  const std::size_t threads_min_;
  const std::size_t threads_max_;
  const std::size_t tasks_max_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable ended_;
  std::deque<std::function<void()>> tasks_;                        // Guarded by mutex_.
  std::unordered_map<std::thread::id, std::thread> running_ = {};  // Guarded by mutex_.
  std::vector<std::thread> finished_ = {};                         // Guarded by mutex_.
  std::size_t idle_ = 0;                                           // Guarded by mutex_.
  std::uint64_t taken_ = 0;                                        // Guarded by mutex_.
  std::uint64_t taken_at_tick_ = 0;                                // Guarded by mutex_.
  bool is_draining_ = false;                                       // Guarded by mutex_.
};

}  // namespace livy::internal
