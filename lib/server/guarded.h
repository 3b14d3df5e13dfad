// Exceptions of parts that an embedder has written become errors.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <livy/result.h>
#include <livy/store.h>

namespace livy::internal {

// What `call` returns; what it throws as kInternal. For calls of parts that an embedder has
// written.
template <typename Call>
auto Guarded(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& failure) {
    return Error{ErrorCode::kInternal, failure.what()};
  } catch (...) {
    return Error{ErrorCode::kInternal, "Something that is no exception was thrown."};
  }
}

// As safe to use from several threads as `store`, which outlives it.
class GuardedStore : public Store {
 public:
  explicit GuardedStore(Store& store) : store_(store) {}

  Result<void> Apply(const std::vector<StoreChange>& changes) override {
    return Ask([&] { return store_.Apply(changes); });
  }
  Result<std::optional<std::string>> Get(std::string_view key) const override {
    return Ask([&] { return std::as_const(store_).Get(key); });
  }
  Result<std::vector<std::string>> Children(std::string_view key) const override {
    return Ask([&] { return std::as_const(store_).Children(key); });
  }

 private:
  // One that throws is one that cannot be used now.
  template <typename Call>
  static auto Ask(const Call& call) -> decltype(call()) {
    auto answer = Guarded(call);
    if (answer || answer.error().code != ErrorCode::kInternal) return answer;
    return Error{ErrorCode::kUnavailable, "The store failed: " + answer.error().message};
  }

  Store& store_;
};

}  // namespace livy::internal
