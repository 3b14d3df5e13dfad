#include "server/session_lease.h"

#include <utility>

namespace livy::internal {

SessionLease::SessionLease(ExpiryLimits limits, Clock& clock, Timer& timer)
    : limits_(limits), clock_(clock), timer_(timer) {
  const Clock::TimePoint now = clock_.Now();
  times_ = {.started = now, .active = now, .touched = now};
}

void SessionLease::Start(Expired expired, Clock::Duration age) {
  const std::lock_guard lock(mutex_);
  times_.started -= age;
  expired_ = std::move(expired);
  Schedule();
}

void SessionLease::Touch() {
  if (!limits_.heartbeat) return;
  const std::lock_guard lock(mutex_);
  times_.touched = clock_.Now();
}

void SessionLease::Renew() {
  const std::lock_guard lock(mutex_);
  times_.active = clock_.Now();
}

void SessionLease::SetWorking(bool working) {
  const std::lock_guard lock(mutex_);
  if (times_.working == working) return;
  times_.working = working;
  times_.active = clock_.Now();
  Schedule();
}

std::shared_ptr<const void> SessionLease::Watch() {
  {
    const std::lock_guard lock(mutex_);
    ++times_.watchers;
  }
  return {nullptr, [self = shared_from_this()](const void*) { self->Unwatch(); }};
}

void SessionLease::Unwatch() {
  const std::lock_guard lock(mutex_);
  --times_.watchers;
  times_.touched = clock_.Now();
  Schedule();
}

void SessionLease::End() {
  const std::lock_guard lock(mutex_);
  expired_ = nullptr;
  call_.reset();
  call_at_.reset();
}

// A call that comes too early finds that out, and makes the next; only one that would be too late
// has to be made anew.
void SessionLease::Schedule() {
  if (!expired_) return;
  const std::optional<Expiry> next = NextExpiry(limits_, times_);
  if (!next || (call_at_ && *call_at_ <= next->at)) return;
  call_at_ = next->at;
  call_ = std::make_shared<TimerCall>(timer_);
  call_->After(next->at - clock_.Now(), [self = weak_from_this()] {
    if (const auto lease = self.lock()) lease->OnTimer();
  });
}

void SessionLease::OnTimer() {
  Expired expired;
  std::string reason;
  {
    const std::lock_guard lock(mutex_);
    const Clock::TimePoint now = clock_.Now();
    if (!call_at_ || now < *call_at_) return;  // Another call was made since.
    call_at_.reset();
    const std::optional<Expiry> next = NextExpiry(limits_, times_);
    if (!next || now < next->at) return Schedule();
    reason = ReasonOf(next->kind, limits_, times_);
    expired = std::exchange(expired_, nullptr);
  }
  if (expired) expired(reason);
}

}  // namespace livy::internal
