// WaitList: who waits for what to happen to a session.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace livy::internal {

// For one thread at a time: its owner guards it, and calls what it takes out after unlocking.
class WaitList {
 public:
  using Wake = std::function<void()>;
  using Token = std::uint64_t;

  // A statement's id, or one of these.
  static constexpr int kIdleOrEnded = -1;
  static constexpr int kEnded = -2;

  Token Add(int key, Wake wake) {
    const Token token = ++last_token_;
    waiting_.emplace(token, std::pair(key, std::move(wake)));
    return token;
  }

  // Empty if it was taken before.
  Wake Take(Token token) {
    const auto found = waiting_.find(token);
    if (found == waiting_.end()) return {};
    Wake wake = std::move(found->second.second);
    waiting_.erase(found);
    return wake;
  }

  // Moves everybody who waits for `key` to the end of `wakes`.
  void TakeAll(int key, std::vector<Wake>& wakes) {
    std::erase_if(waiting_, [&](auto& entry) {
      if (entry.second.first != key) return false;
      wakes.push_back(std::move(entry.second.second));
      return true;
    });
  }

  void TakeAll(std::vector<Wake>& wakes) {
    for (auto& [token, entry] : waiting_)
      wakes.push_back(std::move(entry.second));
    waiting_.clear();
  }

 private:
  std::map<Token, std::pair<int, Wake>> waiting_;
  Token last_token_ = 0;
};

inline void CallAll(const std::vector<WaitList::Wake>& wakes) {
  for (const WaitList::Wake& wake : wakes)
    wake();
}

}  // namespace livy::internal
