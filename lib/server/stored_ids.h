// StoredIds: the ids under one key of the store, and the counter that gives new ones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <livy/result.h>

#include "server/store_writer.h"
#include "server/turns.h"

namespace livy::internal {

// Keys are those of Apache Livy: the ids are the children of a key that are numbers, and its child
// "state" is the counter. Safe to use from several threads.
class StoredIds {
 public:
  // `root` is a key, such as "v1/batch". `store` outlives this.
  StoredIds(StoreWriter& store, std::string_view root)
      : store_(store), root_(root), turns_(store.OneByOne()) {}

  // Goes on behind the last id that was ever given, and returns those that are stored, in ascending
  // order. Fails with kUnavailable if the store cannot be read or the counter is damaged: from 0 on
  // ids would be given a second time.
  Result<std::vector<int>> Load();

  // An id that was never given. It is stored first, so that the counter never goes back. Fails as
  // the store does, and with kResourceExhausted after two billion.
  Result<int> Take();

  // All that are stored, in ascending order.
  Result<std::vector<int>> List() const;

 private:
  std::string CounterKey() const;
  Result<int> LoadCounter() const;

  StoreWriter& store_;
  const std::string root_;
  Turns turns_;   // To store the counter.
  int next_ = 0;  // Of who has the turn.
};

}  // namespace livy::internal
