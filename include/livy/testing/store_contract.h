// CheckStoreContract: what every Store promises, as a check for stores of one's own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <livy/store.h>

namespace livy::testing {

struct StoreContractOptions {
  int threads = 8;              // That change the store at once.
  int changes_per_thread = 50;  // Lower for a store that waits for a disk.
};

// Tries a store in every way that <livy/store.h> speaks of, and returns what it found broken: one
// sentence each, with what was expected and what came; empty for a store that is as it should be.
// Calls `open` for each rule; it returns a store in which nothing is, and must not return null.
// Takes as long as some hundred changes, and those of the threads, take.
std::vector<std::string> CheckStoreContract(const std::function<std::unique_ptr<Store>()>& open,
                                            const StoreContractOptions& options = {});

}  // namespace livy::testing
