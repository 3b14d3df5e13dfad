// SqliteStore: a Store in one SQLite database.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <livy/result.h>
#include <livy/store.h>

#include "store/commit_queue.h"
#include "store/sqlite_database.h"
#include "store/store_lock.h"

namespace livy::internal {

struct SqliteStoreOptions {
  std::filesystem::path file = {};
  int pages_max = 0;  // Of 4096 bytes; 0: no bound but the disk's. The tests fill a store by it.
};

// Safe to use from several threads: they share one connection. Changes made at the same time share
// a transaction.
class SqliteStore : public Store {
 public:
  // As OpenSqliteStore().
  static Result<std::unique_ptr<SqliteStore>> Open(const SqliteStoreOptions& options);

  Result<void> Apply(const std::vector<StoreChange>& changes) override;
  Result<std::optional<std::string>> Get(std::string_view key) const override;
  Result<std::vector<std::string>> Children(std::string_view key) const override;

 private:
  struct Statements {
    SqliteStatement begin;
    SqliteStatement commit;
    SqliteStatement put;
    SqliteStatement forget;
    SqliteStatement get;
    SqliteStatement next;
  };

  SqliteStore(std::filesystem::path file, StoreLock lock, SqliteDatabase database,
              Statements statements);

  void Write(const std::vector<PendingBatch*>& batches);
  // All of them or none. Both need mutex_.
  Result<void> Transact(const std::vector<PendingBatch*>& batches);
  Result<void> Change(const std::vector<StoreChange>& changes);

  const std::filesystem::path file_;
  const StoreLock lock_;
  mutable std::mutex mutex_;
  SqliteDatabase database_;        // Guarded by mutex_.
  mutable Statements statements_;  // Guarded by mutex_. Go before their database.
  CommitQueue commits_;
};

}  // namespace livy::internal
