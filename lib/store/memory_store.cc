#include <functional>
#include <map>
#include <mutex>

#include <livy/store.h>

#include "store/tree_keys.h"

namespace livy {
namespace {

class MemoryStore : public Store {
 public:
  Result<void> Apply(const std::vector<StoreChange>& changes) override {
    // Nothing can fail after this, so that all changes are made or none.
    if (Result<void> checked = internal::CheckKeys(changes); !checked) return checked;
    const std::lock_guard lock(mutex_);
    for (const StoreChange& change : changes) {
      if (change.value) {
        values_.insert_or_assign(change.key, *change.value);
      } else {
        values_.erase(change.key);
      }
    }
    return {};
  }

  Result<std::optional<std::string>> Get(std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(key);
    if (found == values_.end()) return std::optional<std::string>();
    return std::optional(found->second);
  }

  Result<std::vector<std::string>> Children(std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    return internal::ChildNames(
        key,
        [this](std::string_view from, std::string_view end) -> Result<std::optional<std::string>> {
          const auto found = values_.lower_bound(from);
          if (found == values_.end() || found->first >= end) return std::optional<std::string>();
          return std::optional(found->first);
        });
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> values_;  // Guarded by mutex_.
};

}  // namespace

std::unique_ptr<Store> MakeMemoryStore() {
  return std::make_unique<MemoryStore>();
}

}  // namespace livy
