#include "server/turns.h"

#include <algorithm>
#include <utility>

namespace livy::internal {

Turns::Turn::Turn(Turn&& other) noexcept
    : turns_(std::exchange(other.turns_, nullptr)), taken_(other.taken_) {}

Turns::Turn::~Turn() {
  if (turns_ == nullptr) return;
  {
    const std::lock_guard lock(turns_->mutex_);
    turns_->taken_.erase(taken_);
  }
  turns_->given_back_.notify_one();
}

bool Turns::IsFull() const {
  return taken_.size() >= static_cast<std::size_t>(std::max(max_, 1));
}

Result<Turns::Turn> Turns::Take() {
  std::unique_lock lock(mutex_);
  while (IsFull()) {
    const Clock::TimePoint deadline = *taken_.begin() + patience_;
    if (clock_.Now() >= deadline) {
      return Error{ErrorCode::kUnavailable, "The store does not answer: others wait for it."};
    }
    clock_.WaitUntil(lock, given_back_, deadline);
  }
  return Turn(*this, taken_.insert(clock_.Now()));
}

Turns::Turn Turns::Wait() {
  std::unique_lock lock(mutex_);
  while (IsFull())
    clock_.WaitUntil(lock, given_back_, Clock::TimePoint::max());
  return {*this, taken_.insert(clock_.Now())};
}

}  // namespace livy::internal
