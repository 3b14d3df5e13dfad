#include "store/tree_plan.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace livy::internal {

void AddOutcome(const std::vector<StoreChange>& changes, Outcome& outcome) {
  for (const StoreChange& change : changes)
    outcome.insert_or_assign(change.key, change.value ? &*change.value : nullptr);
}

std::set<std::string> KeysConcerned(const Outcome& outcome) {
  std::set<std::string> keys;
  for (const auto& [key, value] : outcome) {
    for (std::size_t end = key.find('/'); end != key.npos; end = key.find('/', end + 1))
      keys.insert(key.substr(0, end));
    keys.insert(key);
  }
  return keys;
}

std::vector<NodeStep> PlanSteps(const Outcome& outcome,
                                const std::map<std::string, NodeFacts>& facts) {
  std::vector<NodeStep> steps;
  std::vector<NodeStep> vanishing;
  std::map<std::string_view, std::ptrdiff_t> more_children;
  // Backwards in the order of bytes, what is below a key comes before it.
  for (auto fact = facts.rbegin(); fact != facts.rend(); ++fact) {
    const auto& [key, before] = *fact;
    const auto wanted = outcome.find(key);
    const bool is_changed = wanted != outcome.end();
    const std::string* value = is_changed ? wanted->second : nullptr;
    const bool has_value = is_changed ? value != nullptr : before.has_value;
    const bool exists =
        has_value || static_cast<std::ptrdiff_t>(before.children) + more_children[key] > 0;
    if (exists != before.exists && key.find('/') != key.npos) {
      more_children[std::string_view(key).substr(0, key.rfind('/'))] += exists ? 1 : -1;
    }
    using enum NodeStep::Kind;
    if (exists && !before.exists) {
      steps.push_back({kAppear, key, value});
    } else if (before.exists && !exists) {
      vanishing.push_back({kVanish, key, nullptr});
    } else if (is_changed && (has_value || before.has_value)) {
      steps.push_back({kChange, key, value});
    }
  }
  std::ranges::reverse(steps);
  steps.insert(steps.end(), std::make_move_iterator(vanishing.begin()),
               std::make_move_iterator(vanishing.end()));
  return steps;
}

}  // namespace livy::internal
