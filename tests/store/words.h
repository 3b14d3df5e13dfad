// What tests of stores say of errors and of broken promises.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <livy/store.h>
#include <livy/testing/store_contract.h>

namespace livy {

inline bool Says(const Error& error, std::string_view words) {
  return error.message.find(words) != std::string::npos;
}

// Everything that is broken as one text, so that a failure shows it.
inline std::string Broken(const std::function<std::unique_ptr<Store>()>& open,
                          const testing::StoreContractOptions& options = {}) {
  return fmt::format("{}", fmt::join(testing::CheckStoreContract(open, options), "\n"));
}

}  // namespace livy
