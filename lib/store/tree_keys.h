// The rules of a store's keys, shared by every implementation.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <livy/result.h>
#include <livy/store.h>

namespace livy::internal {

// Names separated by '/', none of them empty.
bool IsKey(std::string_view key);

// Fails with kInvalidArgument, naming the key, if one is not names separated by '/'.
Result<void> CheckKeys(const std::vector<StoreChange>& changes);

// The least key that is not below `from` and is below `end`, in the order of bytes; nullopt if
// there is none.
using FindKey =
    std::function<Result<std::optional<std::string>>(std::string_view from, std::string_view end)>;

// The names directly under `key`. Takes at most two steps of `find` a name, however many keys lie
// below that name.
Result<std::vector<std::string>> ChildNames(std::string_view key, const FindKey& find);

}  // namespace livy::internal
