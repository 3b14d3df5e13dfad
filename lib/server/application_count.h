// ApplicationCount: applications of a server that have not ended, against their bound.
#pragma once

#include <atomic>
#include <utility>

namespace livy::internal {

// Of sessions and of batches, together. Safe to use from several threads.
class ApplicationCount {
 public:
  explicit ApplicationCount(int most) : most_(most) {}

  // One more, unless there are as many as may be.
  bool Take() {
    int count = count_;
    while (count < most_) {
      if (count_.compare_exchange_weak(count, count + 1)) return true;
    }
    return false;
  }

  // One more, which an earlier server has started.
  void Add() { ++count_; }

  void Remove() { --count_; }
  int count() const { return count_; }

 private:
  const int most_;
  std::atomic<int> count_ = 0;
};

// One of the count, for an application that is to come. False if there are too many.
class ApplicationPlace {
 public:
  // `count` outlives this.
  explicit ApplicationPlace(ApplicationCount& count) : count_(count.Take() ? &count : nullptr) {}
  ~ApplicationPlace() {
    if (count_ != nullptr) count_->Remove();
  }
  ApplicationPlace(ApplicationPlace&& other) noexcept
      : count_(std::exchange(other.count_, nullptr)) {}
  ApplicationPlace& operator=(ApplicationPlace&&) = delete;

  explicit operator bool() const { return count_ != nullptr; }

  // The application has come: it leaves the count when it ends.
  void Keep() { count_ = nullptr; }

 private:
  ApplicationCount* count_;
};

}  // namespace livy::internal
