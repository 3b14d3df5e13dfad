// The texts in which sessions and statements are stored.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <livy/result.h>

#include "core/json.h"
#include "server/session_store.h"
#include "server/statement_record.h"

namespace livy::internal {

// Apache Livy's members, and "liblivy" with what only this server has.
std::string ToStored(const StoredSession& session);

// As it is stored: what is shown, and the kind.
std::string ToStored(const StatementRecord& statement);

// These fail with kInternal and what is wrong. Members that are not known are ignored, and those
// that are missing have their defaults.
Result<StoredSession> SessionFromStored(int id, std::string_view text);
Result<StatementRecord> StatementFromStored(std::string_view text);

// The members of "liblivy" that tell of an end; nullopt if it has not come.
void WriteEnd(const StoredEnd& end, JsonWriter& json);
std::optional<StoredEnd> EndOf(const JsonValue& ours);

// The time of a member; 0 if it has none.
Statement::Time TimeOf(const JsonValue& object, std::string_view name);

}  // namespace livy::internal
