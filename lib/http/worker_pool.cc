#include "http/worker_pool.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

namespace livy::internal {
namespace {

// How long a thread beyond the minimum stays without work.
constexpr std::chrono::seconds kIdleTime(5);

}  // namespace

WorkerPool::WorkerPool(std::size_t threads_min, std::size_t threads_max, std::size_t tasks_max)
    : threads_min_(std::max<std::size_t>(threads_min, 1)),
      threads_max_(std::max(threads_max, threads_min_)),
      tasks_max_(tasks_max) {}

WorkerPool::~WorkerPool() {
  Drain();
}

bool WorkerPool::Submit(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  return tasks_.size() < tasks_max_ && SubmitLocked(task);
}

bool WorkerPool::SubmitAlways(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  return SubmitLocked(task);
}

bool WorkerPool::SubmitLocked(std::function<void()>& task) {
  if (is_draining_) return false;
  tasks_.push_back(std::move(task));
  if (running_.size() < threads_min_ && tasks_.size() > idle_) {
    GrowLocked(1);
  } else {
    changed_.notify_one();
  }
  return true;
}

bool WorkerPool::Tick() {
  const std::lock_guard lock(mutex_);
  if (!tasks_.empty() && taken_ == taken_at_tick_) {
    GrowLocked(std::min(tasks_.size(), running_.size()));
  }
  taken_at_tick_ = taken_;
  return !tasks_.empty();
}

void WorkerPool::GrowLocked(std::size_t count) {
  for (std::thread& thread : finished_)
    thread.join();
  finished_.clear();
  for (; count > 0 && running_.size() < threads_max_; --count) {
    try {
      std::thread thread([this] { Run(); });
      const std::thread::id id = thread.get_id();
      running_.emplace(id, std::move(thread));
    } catch (const std::system_error&) {
      return;  // The system has no more threads; those that run go on, and Tick() tries again.
    }
  }
}

void WorkerPool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (!tasks_.empty()) {
      std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      ++taken_;
      lock.unlock();
      task();
      task = nullptr;
      lock.lock();
      continue;
    }
    if (is_draining_) break;
    ++idle_;
    const bool woken =
        changed_.wait_for(lock, kIdleTime, [this] { return is_draining_ || !tasks_.empty(); });
    --idle_;
    if (!woken && running_.size() > threads_min_) break;
  }
  const auto self = running_.find(std::this_thread::get_id());
  finished_.push_back(std::move(self->second));
  running_.erase(self);
  ended_.notify_all();
}

void WorkerPool::Drain() {
  std::vector<std::thread> finished;
  {
    std::unique_lock lock(mutex_);
    is_draining_ = true;
    changed_.notify_all();
    ended_.wait(lock, [this] { return running_.empty(); });
    finished.swap(finished_);
    tasks_.clear();
  }
  for (std::thread& thread : finished)
    thread.join();
}

std::size_t WorkerPool::threads() const {
  const std::lock_guard lock(mutex_);
  return running_.size();
}

}  // namespace livy::internal
