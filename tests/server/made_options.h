// Options of livy-server from settings, for their tests.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "server/options.h"

namespace livy::app {

using Conf = std::map<std::string, std::string>;

// An environment of these variables and no others.
inline Environment Variables(Conf variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

inline const Environment kHome = Variables({{"HOME", "/home/ada"}});

inline Options Make(const Conf& conf) {
  return MakeOptions(conf, kHome).value();
}

inline std::string Refusal(const Conf& conf, const Environment& environment = kHome) {
  const Result<Options> options = MakeOptions(conf, environment);
  if (options) return "";
  CHECK(options.error().code == ErrorCode::kInvalidArgument);
  return options.error().message;
}

}  // namespace livy::app
