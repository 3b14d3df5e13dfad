// Views: sessions, batches and their pages as the REST interface shows them.
#pragma once

#include <livy/batch.h>
#include <livy/launcher.h>
#include <livy/output.h>
#include <livy/session.h>

#include "core/json.h"

namespace livy::internal {

void Write(const Session& session, JsonWriter& json);
void Write(const Batch& batch, JsonWriter& json);

void Write(int session_id, const OutputPage& page, JsonWriter& json);

// Lines as an array, and the page as {"id":..,"from":..,"total":..,"log":[..]}.
void Write(int session_id, const LogPage& page, JsonWriter& json);

}  // namespace livy::internal
