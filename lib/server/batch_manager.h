// BatchManager: all batches of a server, by id and by name.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include <livy/access_manager.h>
#include <livy/batch.h>
#include <livy/launcher.h>
#include <livy/result.h>
#include <livy/server.h>

#include "server/batch_session.h"
#include "server/idempotency_keys.h"
#include "server/roster.h"
#include "server/spark_settings.h"

namespace livy::internal {

struct BatchManagerOptions {
  SparkRules spark = {};
  ServerLimits limits = {};
  std::chrono::milliseconds state_retain = {};
};

// A batch that is listed and stored, and what it is to be launched with.
struct NewBatch {
  std::shared_ptr<BatchSession> batch = {};
  LaunchRequest launch = {};
};

// Safe to use from several threads.
class BatchManager {
 public:
  // What is passed by reference outlives this.
  BatchManager(BatchManagerOptions options, BatchServices& services, Launcher& launcher);

  // Takes from the store what an earlier server has left: the counter of ids, and the batches, with
  // their applications if these are still there. To be called once, before anything else. Fails
  // with kUnavailable if the store cannot be read; a damaged batch is logged and left out.
  Result<void> Load();

  // For a batch that is to be created: none if as many applications run as may.
  ApplicationPlace TakePlace() const { return ApplicationPlace(services_.applications); }

  // Enters a batch, which is to be launched then. `request` has its proxy user as it became. Unless
  // it is null, what `along` gives is stored in the same transaction. Fails
  // with kInvalidArgument, in Livy's words, if the request cannot be met; with kUnavailable if it
  // cannot be stored; and nothing is left then.
  Result<NewBatch> Create(BatchRequest request, User owner, ApplicationPlace place,
                          const StoredAlong& along = nullptr);

  void Launch(const NewBatch& created);

  // As Roster's.
  std::shared_ptr<BatchSession> Find(std::string_view key) const { return roster_.Find(key); }
  RosterPage<BatchSession> List(std::int64_t from, std::int64_t size) const {
    return roster_.List(from, size);
  }

  // Ends the batch, removes it when it has ended, and calls `removed` with whether it was this call
  // that removed it; with kUnavailable if the store refuses that: then it stays.
  void Delete(const std::shared_ptr<BatchSession>& batch, std::string_view why,
              std::function<void(const Result<bool>&)> removed);

  // Of the applications of all that are listed.
  std::set<std::string> Tags() const { return roster_.Tags(); }

  // Refuses new batches and ends all. Returns at once: see AwaitEnds().
  void StopAll();

  // Returns when all have ended, at `deadline` at the latest. What has not is left to a later
  // server.
  void AwaitEnds(Clock::TimePoint deadline);

  // Refuses new batches, and leaves those there are to a later server.
  void LeaveAll() { roster_.Close(); }

  // As Roster's.
  void DropAll() { roster_.DropAll(); }

 private:
  Result<void> LoadBatch(int id);
  std::string HandleByTag(const std::string& tag) const;
  std::function<void()> EndOf(const std::shared_ptr<BatchSession>& batch);

  const BatchManagerOptions options_;
  BatchServices& services_;
  Launcher& launcher_;
  Roster<BatchSession> roster_;
};

}  // namespace livy::internal
