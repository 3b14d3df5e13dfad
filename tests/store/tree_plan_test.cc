// Plans of changes for stores that keep trees.
#include "store/tree_plan.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace livy::internal {
namespace {

using enum NodeStep::Kind;

// A server of nodes that refuses what a real one would.
class Nodes {
 public:
  std::map<std::string, NodeFacts> FactsOf(const Outcome& outcome) const {
    std::map<std::string, NodeFacts> facts;
    for (const std::string& key : KeysConcerned(outcome)) {
      const auto found = values_.find(key);
      facts[key] = {.exists = found != values_.end(),
                    .has_value = found != values_.end() && found->second != "-",
                    .children = Children(key)};
    }
    return facts;
  }

  void Make(const NodeStep& step) {
    const std::string value = step.value == nullptr ? "-" : *step.value;
    const std::size_t slash = step.key.rfind('/');
    if (step.kind == kAppear) {
      CHECK((slash == step.key.npos || values_.contains(step.key.substr(0, slash))));
      CHECK(values_.emplace(step.key, value).second);
    } else if (step.kind == kChange) {
      REQUIRE(values_.contains(step.key));
      values_[step.key] = value;
    } else {
      CHECK(Children(step.key) == 0);
      CHECK(values_.erase(step.key) == 1);
    }
  }

  std::size_t Children(const std::string& key) const {
    std::size_t count = 0;
    for (const auto& [other, value] : values_) {
      count += other.starts_with(key + "/") && other.find('/', key.size() + 1) == other.npos;
    }
    return count;
  }

  const std::map<std::string, std::string>& values() const { return values_; }

 private:
  std::map<std::string, std::string> values_;  // "-": none.
};

TEST_CASE("nodes come from the top down and go from the bottom up") {
  Nodes nodes;
  Outcome outcome;
  const std::vector<StoreChange> made = {{"a/b/c", "1"}};
  AddOutcome(made, outcome);
  const std::vector<NodeStep> steps = PlanSteps(outcome, nodes.FactsOf(outcome));
  CHECK(steps == std::vector<NodeStep>{{kAppear, "a", nullptr},
                                       {kAppear, "a/b", nullptr},
                                       {kAppear, "a/b/c", &*made[0].value}});
  for (const NodeStep& step : steps)
    nodes.Make(step);
  outcome.clear();
  AddOutcome({{"a/b/c", std::nullopt}}, outcome);
  CHECK(PlanSteps(outcome, nodes.FactsOf(outcome)) ==
        std::vector<NodeStep>{
            {kVanish, "a/b/c", nullptr}, {kVanish, "a/b", nullptr}, {kVanish, "a", nullptr}});
}

TEST_CASE("after any changes there are the nodes with values and those above them, and no others") {
  std::mt19937 random(7);
  Nodes nodes;
  std::map<std::string, std::string> wanted;
  const std::vector<std::string> keys = {"a",       "a/b", "a/b/c", "a/b-c",
                                         "a/d/e/f", "g",   "g/h/i", "g/h/j"};
  for (int round = 0; round < 2000; ++round) {
    std::vector<StoreChange> changes(1 + random() % 5);
    for (StoreChange& change : changes) {
      change.key = keys[random() % keys.size()];
      if (random() % 2 == 0) change.value = fmt::format("{}", random() % 3);
    }
    Outcome outcome;
    AddOutcome(changes, outcome);
    for (const NodeStep& step : PlanSteps(outcome, nodes.FactsOf(outcome)))
      nodes.Make(step);

    for (const StoreChange& change : changes) {
      if (change.value) {
        wanted[change.key] = *change.value;
      } else {
        wanted.erase(change.key);
      }
    }
    std::map<std::string, std::string> expected = wanted;
    for (const auto& [key, value] : wanted) {
      for (std::size_t end = key.find('/'); end != key.npos; end = key.find('/', end + 1))
        expected.emplace(key.substr(0, end), "-");
    }
    REQUIRE(nodes.values() == expected);
  }
}

}  // namespace
}  // namespace livy::internal
