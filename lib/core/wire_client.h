// The values of the public interface as they travel between a client and a server.
//
// Reading is lenient, because servers of many versions and makers answer: unknown members are
// ignored, and whatever can have a default may be missing or null. Writing leaves out what is
// unset, because servers refuse members that they do not know.
#pragma once

#include <string>
#include <vector>

#include <livy/batch.h>
#include <livy/launcher.h>
#include <livy/output.h>
#include <livy/result.h>
#include <livy/session.h>
#include <livy/statement.h>

#include "core/json.h"

namespace livy::internal {

// The body of POST /sessions.
std::string EncodeSessionRequest(const SessionRequest& request);

// The body of POST /sessions/N/statements.
std::string EncodeStatementRequest(const StatementRequest& request);

// The body of POST /batches.
std::string EncodeBatchRequest(const BatchRequest& request);

// One page of GET /sessions or GET /batches. `total` counts all that the server has; -1 if it does
// not say.
template <typename Item>
struct PageOf {
  int total = -1;
  std::vector<Result<Item>> items = {};  // An error in the place of what is no such item.
};

// These fail with kInternal if `json` is no such value at all: a session, a batch or a statement
// must be an object with an id. A state that is not known counts as busy or running, so that
// whoever waits goes on waiting; a kind that is not known is left unset.
Result<Session> DecodeSession(const JsonValue& json);
Result<Batch> DecodeBatch(const JsonValue& json);
template <typename Item>
Result<PageOf<Item>> DecodePage(const JsonValue& json);
Result<Statement> DecodeStatement(const JsonValue& json);
Result<std::vector<Statement>> DecodeStatements(const JsonValue& json);
Result<LogPage> DecodeLogPage(const JsonValue& json);
Result<OutputPage> DecodeOutputPage(const JsonValue& json);

// Anything that is not an object is an output without values.
StatementOutput DecodeStatementOutput(const JsonValue& json);
std::string EncodeStatementOutput(const StatementOutput& output);

// How deep a result may be nested for ParseJson(); deeper ones are refused.
inline constexpr std::size_t kResultDepthMax = 512;

// `value` as JSON text again, numbers digit for digit.
std::string ToJsonText(const JsonValue& value);

}  // namespace livy::internal
