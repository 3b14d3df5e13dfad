// SparkSettings: from a request to the Spark settings that its application is launched with.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <livy/batch.h>
#include <livy/result.h>
#include <livy/server.h>
#include <livy/session.h>

namespace livy::internal {

using SparkConf = std::map<std::string, std::string>;

// A file's URI as Spark gets it. Fails with kInvalidArgument if it is a relative path, or a local
// file outside the directories that are allowed.
Result<std::string> ResolveUri(std::string_view uri, const SparkRules& rules);

// The Spark that a request gets.
struct RuntimeChoice {
  std::string name = {};  // Empty: the one without a name.
  SparkRules rules = {};  // Those of the server, with what the runtime has of its own.
};

// What was asked for, or the default. Fails with kInvalidArgument if there is no such runtime.
Result<RuntimeChoice> ChooseRuntime(const std::optional<std::string>& wanted,
                                    const SparkRules& rules);

// Without the request's livy.* keys, which are not Spark's. `rules` are those of its runtime.
// Fails with kInvalidArgument, in Livy's words, if the request names a setting that is refused or a
// file that may not be used.
Result<SparkConf> SparkConfFor(const SessionRequest& request, const SparkRules& rules);
Result<SparkConf> SparkConfFor(const BatchRequest& request, const SparkRules& rules);

}  // namespace livy::internal
