// StoredIds: the ids under one key of the store, and the counter that gives new ones.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <livy/result.h>
#include <livy/store.h>

namespace livy::internal {

// Keys are those of Apache Livy: the ids are the children of a key that are numbers, and its child
// "state" is the counter. Safe to use from several threads.
class StoredIds {
 public:
  // `root` is a key, such as "v1/batch". `store` outlives this.
  StoredIds(Store& store, std::string_view root) : store_(store), root_(root) {}

  // Goes on behind the last id that was ever given. Fails with kUnavailable if the store cannot be
  // read or the counter is damaged: from 0 on ids would be given a second time.
  Result<void> Load();

  // An id that was never given. It is stored first, so that the counter never goes back.
  Result<int> Take();

  // All that are stored, in ascending order.
  Result<std::vector<int>> List() const;

 private:
  std::string CounterKey() const;

  Store& store_;
  const std::string root_;
  std::mutex mutex_;  // Held while the counter is stored.
  int next_ = 0;      // Guarded by mutex_.
};

}  // namespace livy::internal
