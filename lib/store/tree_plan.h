// Plans of changes for stores whose server keeps a tree of nodes, not a list of keys: which nodes
// come, change and go with some values.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <livy/store.h>

#include "store/commit_queue.h"

namespace livy::internal {

// What keys will have; null for those that are forgotten. The values are the callers'.
using Outcome = std::map<std::string, const std::string*, std::less<>>;

// Of several changes of a key the last one counts.
void AddOutcome(const std::vector<StoreChange>& changes, Outcome& outcome);

// The keys themselves and all above them: what must be known for a plan.
std::set<std::string> KeysConcerned(const Outcome& outcome);

struct NodeFacts {
  bool exists = false;
  bool has_value = false;
  std::size_t children = 0;
};

struct NodeStep {
  enum class Kind { kAppear, kChange, kVanish };
  Kind kind = Kind::kAppear;
  std::string key = {};
  const std::string* value = nullptr;  // Null: none, or none any more.

  bool operator==(const NodeStep&) const = default;
};

// The steps in an order in which each can be made: no node appears before the one above it or
// vanishes before those below. A node without a value and without children vanishes.
std::vector<NodeStep> PlanSteps(const Outcome& outcome,
                                const std::map<std::string, NodeFacts>& facts);

}  // namespace livy::internal
