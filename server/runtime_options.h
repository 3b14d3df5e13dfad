// The options of further Sparks: livy.runtime.NAME.*.
#pragma once

#include <string>
#include <string_view>

#include "options.h"
#include "settings.h"

namespace livy::app {

// Whether `mode` is one that Spark knows, or empty.
void CheckDeployMode(Settings& settings, std::string_view key, const std::string& mode);

// After the settings of the Spark for all, and of clusters: what a runtime leaves out it has from
// there.
void TakeRuntimes(Settings& settings, const Environment& environment, Options& options);

// Where paths without a scheme are, is for Hadoop to say: for requests without a runtime, and for
// each runtime that has a Hadoop of its own. Fails with kInvalidArgument if its settings cannot be
// read.
Result<void> TakeHadoop(const Environment& environment, Options& options);

}  // namespace livy::app
