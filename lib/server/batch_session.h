// BatchSession: one batch, which is one application, from its launch to its end.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <livy/access_manager.h>
#include <livy/batch.h>
#include <livy/clock.h>
#include <livy/launcher.h>
#include <livy/log.h>
#include <livy/result.h>

#include "server/application_count.h"
#include "server/application_log.h"
#include "server/application_output.h"
#include "server/batch_store.h"
#include "server/end_reason.h"
#include "server/held_application.h"
#include "server/roster.h"
#include "server/timer.h"
#include "server/turns.h"
#include "server/wait_list.h"

namespace livy::internal {

// What all batches of a server share. Everything outlives them.
struct BatchServices {
  BatchStore& store;
  Clock& clock;
  Timer& timer;
  LogSink& log;
  ApplicationCount& applications;
  OutputOptions output = {};
};

// A passive object: requests, the launcher and timers reach it on their own threads. Safe to use
// from several threads. Made by std::make_shared.
class BatchSession : public std::enable_shared_from_this<BatchSession> {
 public:
  // As it is stored: starting, or ended if the record has an end.
  BatchSession(StoredBatch record, BatchServices& services);

  int id() const { return id_; }
  const std::optional<std::string>& name() const { return name_; }
  const Ownership& ownership() const { return ownership_; }
  const std::string& tag() const { return tag_; }
  const std::shared_ptr<ApplicationOutput>& output() const { return output_; }

  // One of the next two is called, once, unless the batch has ended. `ended` is called once when
  // it has.

  // Launches the application. If it cannot be, the batch is dead and says why.
  void Start(Launcher& launcher, const LaunchRequest& launch, std::function<void()> ended);

  // Follows the application that an earlier server has launched. What has become of one that ended
  // meanwhile nobody knows: the batch is dead then, not successful.
  void Recover(Launcher& launcher, std::function<void()> ended);

  // Lets go of the application, for a batch that nobody will look at. `gone` is called by the timer
  // when the application's observer is not being called and will not be.
  void DropApplication(std::function<void()> gone);

  SessionState state() const;
  Batch View() const;
  LogPage Log(int from, int size) const;

  // Ends the application with everything it started. Returns at once. Harmless if the batch is
  // ending or has ended. `why` becomes its end's reason, in words such as "deleted by alice".
  void Stop(std::string_view why);

  // Calls `wake` once when the batch has ended: at once if it has, else on another thread, after
  // `timeout` at the latest (Duration::max(): no limit). The token is for StopAwaiting().
  WaitList::Token Await(Clock::Duration timeout, WaitList::Wake wake);

  void AwaitEnd(WaitList::Wake wake) { Await(Clock::Duration::max(), std::move(wake)); }

  // Nobody waits any more: `wake` will not be called unless it has been.
  void StopAwaiting(WaitList::Token token) { TakeWaiting(token); }

  // The function that waits under that token, which waits no more; null if there is none.
  WaitList::Wake TakeWaiting(WaitList::Token token);

  // Forgets the batch, which has ended; its end is not stored after that.
  Result<void> RemoveFromStore();

 private:
  ApplicationObserver Observer();
  void SetApplication(std::unique_ptr<Application> application);
  void GiveUp(const std::string& reason);
  void OnApplication(const ApplicationStatus& status);
  void Take(const ApplicationStatus& status);
  void OnEnd(const ApplicationStatus& status);
  void SaveIfAlive();
  void WriteLog(LogLevel level, std::string_view message) const;

  const int id_;
  const std::optional<std::string> name_;
  const Ownership ownership_;
  const std::string tag_;  // Of its application.
  BatchServices& services_;
  const std::shared_ptr<ApplicationOutput> output_;

  // To store the record, so that the store ends with what was last. Taken before mutex_; not kept
  // over calls to anybody but the store.
  Turns saving_;

  mutable std::mutex mutex_;
  SessionState state_ = SessionState::kStarting;  // Guarded by mutex_.
  StoredBatch record_;                            // Guarded by mutex_. As it is to be stored.
  bool is_stopping_ = false;                      // Guarded by mutex_.
  bool is_restored_ = false;  // Guarded by mutex_. An earlier server has launched it.
  std::string end_reason_;    // Guarded by mutex_. Final when it has ended.
  HeldApplication application_{services_.timer};  // Guarded by mutex_.
  ApplicationStatus application_status_;          // Guarded by mutex_.
  std::function<void()> ended_;                   // Guarded by mutex_. Called once.
  LogNotes notes_;                                // Guarded by mutex_. End of the log.
  WaitList waiting_;                              // Guarded by mutex_.
};

}  // namespace livy::internal
