// The options of where the state is kept.
#pragma once

#include "options.h"
#include "settings.h"

namespace livy::app {

// After the settings of sessions: with a store that takes no large values, another default counts
// for the outputs of statements.
void TakeState(Settings& settings, const Environment& environment, Options& options);

}  // namespace livy::app
