// SessionManager: all sessions of a server, by id and by name.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <livy/access_manager.h>
#include <livy/launcher.h>
#include <livy/result.h>
#include <livy/server.h>
#include <livy/session.h>

#include "driver_link/driver_listener.h"
#include "server/interactive_session.h"
#include "server/roster.h"
#include "server/session_store.h"
#include "server/spark_settings.h"

namespace livy::internal {

struct SessionManagerOptions {
  SparkRules spark = {};
  ServerLimits limits = {};
  std::chrono::milliseconds state_retain = {};
};

// Safe to use from several threads.
class SessionManager {
 public:
  // Everything that is passed by reference outlives this.
  SessionManager(SessionManagerOptions options, SessionServices& services, Launcher& launcher,
                 DriverListener& listener);

  // Takes from the store what an earlier server has left: the counter of ids, and the sessions,
  // with their drivers if these are still there. To be called once, before anything else. Fails
  // with kUnavailable if the store cannot be read; a damaged session is logged and left out.
  Result<void> Load();

  // For a session that is to be created: none if as many applications run as may.
  ApplicationPlace TakePlace() const { return ApplicationPlace(services_.applications); }

  // Starts a session. `request` has its proxy user as it became. Unless it is null, what `along`
  // gives is stored in the same transaction. Fails with kInvalidArgument, in Livy's words, if the
  // request cannot be met; with kUnavailable if it cannot be stored.
  Result<std::shared_ptr<InteractiveSession>> Create(SessionRequest request, User owner,
                                                     ApplicationPlace place,
                                                     const StoredAlong& along = nullptr);

  // The URI of a file that is to be given to a running session, as its driver is to see it. Fails
  // with kInvalidArgument, in Livy's words, if requests may not use it.
  Result<std::string> ResolveFile(std::string_view uri) const {
    return ResolveUri(uri, options_.spark);
  }

  // As Roster's.
  std::shared_ptr<InteractiveSession> Find(std::string_view key) const { return roster_.Find(key); }
  RosterPage<InteractiveSession> List(std::int64_t from, std::int64_t size) const {
    return roster_.List(from, size);
  }

  // Sessions that have ended, whether they are still listed or not: their ids in ascending order;
  // the record of one, which has an end; its statements, from the store. Fail with kUnavailable if
  // the store cannot be read, the second with kNotFound if there is no such session.
  std::vector<int> EndedIds() const;
  Result<StoredSession> LoadEnded(int id) const;
  Result<std::optional<StatementRecord>> LoadStatement(const StoredSession& session, int id) const;
  Result<StatementSlice> LoadStatements(const StoredSession& session, std::int64_t from,
                                        std::int64_t size, bool descending) const;

  // As StoreWriter's, for batches, too: to be asked before what is not stored first.
  Result<void> CheckOurs() { return services_.store.writer().CheckOurs(); }

  // Stops the session, removes it when it has ended, and calls `removed` with whether it was this
  // call that removed it; with kUnavailable if the store refuses that: then it stays.
  void Delete(const std::shared_ptr<InteractiveSession>& session, std::string_view why,
              std::function<void(const Result<bool>&)> removed);

  // Shows those who follow sessions that they are still connected; to be called every 15 s.
  void KeepFollowersAlive();

  // Of the applications of all that are listed.
  std::set<std::string> Tags() const { return roster_.Tags(); }

  // Refuses new sessions, stops all, and returns when they have ended: at `deadline` at the latest,
  // and as much later as drivers may take to end by themselves. What has not ended then is left to
  // a later server.
  void StopAll(Clock::TimePoint deadline);

  // Refuses new sessions, and leaves those there are to a later server.
  void LeaveAll() { roster_.Close(); }

  // Forgets all sessions, and waits for what launchers are still telling about them. To be called
  // last, when no requests and no drivers come any more, and while the timer still runs.
  void DropAll() { roster_.DropAll(); }

 private:
  Result<void> CheckTimes(const SessionRequest& request) const;
  LaunchRequest LaunchFor(const InteractiveSession& session, const DriverLink& link,
                          SparkConf conf) const;
  Result<void> LoadSession(int id);
  Result<void> TakeStatements(InteractiveSession& session) const;
  void LogLeftOut(const Error& damage) const;
  SessionBeginning BeginningOf(const std::shared_ptr<InteractiveSession>& session,
                               StoredSession record, std::shared_ptr<DriverCommands> commands);
  void OnEnded(const std::shared_ptr<InteractiveSession>& session);

  const SessionManagerOptions options_;
  SessionServices& services_;
  Launcher& launcher_;
  DriverListener& listener_;

  Roster<InteractiveSession> roster_;
};

}  // namespace livy::internal
