// SessionLease: follows what happens to a session, and says when its time is over.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <livy/clock.h>

#include "server/session_expiry.h"
#include "server/timer.h"

namespace livy::internal {

// Costs one call of the timer at a time, made when the next limit would be reached; what renews the
// lease before that only moves a point in time. Safe to use from several threads, also under a
// session's lock: it calls nobody but the timer. Made by std::make_shared.
class SessionLease : public std::enable_shared_from_this<SessionLease> {
 public:
  using Expired = std::function<void(const std::string& reason)>;

  // Clock and timer outlive it.
  SessionLease(ExpiryLimits limits, Clock& clock, Timer& timer);

  // Time begins to count; for a session that is older, its ttl has done so for `age` already.
  // `expired` is called at most once, on the timer's thread with no lock held.
  void Start(Expired expired, Clock::Duration age = {});

  // A request for the session has come.
  void Touch();

  // Something was done that keeps a session from being idle.
  void Renew();

  // Whether the session works. That it has come to rest renews the lease.
  void SetWorking(bool working);

  // As long as what is returned lives, somebody looks at the session.
  std::shared_ptr<const void> Watch();

  // The session ends for another reason.
  void End();

 private:
  void Unwatch();
  void OnTimer();
  // With mutex_ held.
  void Schedule();

  const ExpiryLimits limits_;
  Clock& clock_;
  Timer& timer_;

  std::mutex mutex_;
  SessionTimes times_;                       // Guarded by mutex_.
  Expired expired_;                          // Guarded by mutex_. Null before Start(), after End().
  std::shared_ptr<TimerCall> call_;          // Guarded by mutex_. Null if there is none to come.
  std::optional<Clock::TimePoint> call_at_;  // Guarded by mutex_.
};

}  // namespace livy::internal
