// Bodies of POST /batches.
#pragma once

#include <string_view>

#include <livy/batch.h>
#include <livy/result.h>

namespace livy::internal {

// As ParseSessionRequest(). Whether a file is named is not checked: that Livy answers in another
// way.
Result<BatchRequest> ParseBatchRequest(std::string_view body);

}  // namespace livy::internal
