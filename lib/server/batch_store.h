// BatchStore: what is written to the store for batches, and under which keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <livy/launcher.h>
#include <livy/result.h>
#include <livy/store.h>

#include "server/session_store.h"
#include "server/store_writer.h"
#include "server/stored_ids.h"

namespace livy::internal {

// What is stored of a batch. Its request is not: it is never launched a second time.
struct StoredBatch {
  int id = 0;
  std::optional<std::string> name = {};
  std::optional<std::string> app_id = {};
  std::string app_tag = {};
  std::optional<std::string> owner = {};
  std::optional<std::string> proxy_user = {};
  // Ours; Apache Livy's own records do not have it.
  std::string runtime = {};      // Empty: the Spark that has no name.
  std::string application = {};  // What Launcher::Recover() finds it by.
  Statement::Time created = {};  // 0 in records of Apache Livy.
  std::optional<StoredEnd> end = {};
};

// The text in which a batch is stored: Apache Livy's members, and "liblivy" with what only this
// server has.
std::string ToStored(const StoredBatch& batch);

// Fails with kInternal and what is wrong. Members that are not known are ignored, and those that
// are missing have their defaults.
Result<StoredBatch> BatchFromStored(int id, std::string_view text);

// Keys are those of Apache Livy. Safe to use from several threads.
class BatchStore {
 public:
  // `store` outlives this.
  explicit BatchStore(StoreWriter& store) : store_(store), ids_(store, "v1/batch") {}

  // What it writes by.
  StoreWriter& writer() { return store_; }

  StoredIds& ids() { return ids_; }

  // Fails with kUnavailable if the store cannot be read now; with kInternal, and says what is
  // wrong, if what is stored is damaged.
  Result<StoredBatch> Load(int id) const;

  // All of it or nothing, also if this cannot be known at once. `along` are other new keys in the
  // same transaction.
  Result<void> SaveNew(const StoredBatch& batch, std::vector<StoreChange> along = {});

  // One that is there, now or when the store takes it: StoreWriter::ApplyOrOwe().
  Result<void> Save(const StoredBatch& batch);
  Result<void> Remove(int id);

 private:
  StoreWriter& store_;
  StoredIds ids_;
};

}  // namespace livy::internal
