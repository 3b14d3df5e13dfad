// PendingAnswers: what a session's driver was asked, and who waits for the answers.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <livy/result.h>

namespace livy::internal {

// Guarded by whoever owns it. Functions that are taken are to be called without that lock.
template <typename T>
class PendingAnswers {
 public:
  using Answered = std::function<void(const Result<T>&)>;

  // The number that the question gets; nullopt if `max` are under way.
  std::optional<int> Add(int max, Answered answered) {
    if (static_cast<int>(waiting_.size()) >= max) return std::nullopt;
    waiting_[next_] = std::move(answered);
    return next_++;
  }

  // Null if that question was answered already, or never asked.
  Answered Take(int id) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return nullptr;
    Answered answered = std::move(found->second);
    waiting_.erase(found);
    return answered;
  }

  std::vector<Answered> TakeAll() {
    std::vector<Answered> all;
    for (auto& [id, answered] : waiting_)
      all.push_back(std::move(answered));
    waiting_.clear();
    return all;
  }

 private:
  std::map<int, Answered> waiting_;
  int next_ = 0;
};

}  // namespace livy::internal
