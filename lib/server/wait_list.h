// WaitList: who waits for what to happen to a session.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <livy/clock.h>

#include "server/timer.h"

namespace livy::internal {

// For one thread at a time: its owner guards it, and calls what it takes out after unlocking.
class WaitList {
 public:
  using Wake = std::function<void()>;
  using Token = std::uint64_t;

  // A statement's id, or one of these.
  static constexpr int kIdleOrEnded = -1;
  static constexpr int kEnded = -2;
  static constexpr int kOutput = -3;

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

// Lets somebody wait who costs no thread: `wake` is called once, at once if there is nothing to
// wait for, and after `timeout` at the latest (Duration::max(): no limit). `add` puts what it is
// given into the owner's list and returns its token, 0 if there is nothing to wait for. The owner
// has TakeWaiting(token), which is called on the timer's thread.
template <typename Owner, typename Add>
WaitList::Token Park(std::weak_ptr<Owner> owner, Timer& timer, Clock::Duration timeout,
                     const Add& add, const WaitList::Wake& wake) {
  const auto late = std::make_shared<TimerCall>(timer);
  const WaitList::Token token = add([wake, late] { wake(); });
  if (token == 0) {
    wake();
    return token;
  }
  if (timeout == Clock::Duration::max()) return token;
  late->After(timeout, [owner = std::move(owner), token] {
    const auto waiting = owner.lock();
    if (const WaitList::Wake expired = waiting ? waiting->TakeWaiting(token) : nullptr) expired();
  });
  return token;
}

inline void CallAll(const std::vector<WaitList::Wake>& wakes) {
  for (const WaitList::Wake& wake : wakes)
    wake();
}

}  // namespace livy::internal
