// Bodies of POST /sessions and POST /sessions/{id}/statements.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <livy/result.h>
#include <livy/session.h>
#include <livy/statement.h>

namespace livy::internal {

// Fails with kInvalidArgument, naming the field that is wrong or unknown. Null counts as absent.
// Where a text is wanted, a number or a boolean is taken as it is written, as Livy does.
Result<SessionRequest> ParseSessionRequest(std::string_view body);

struct StatementBody {
  std::string code = {};
  std::string kind =
      {};  // Empty if absent; not checked, because Livy answers a wrong one with 500.
  std::optional<int> rows_max = {};
  bool has_code = false;
};

Result<StatementBody> ParseStatementBody(std::string_view body);

// The URI of POST /sessions/{id}/add-jar and its like; empty if it is left out.
Result<std::string> ParseResourceBody(std::string_view body);

struct CompletionBody {
  std::string code = {};
  std::string kind = {};
  int cursor = 0;
};

Result<CompletionBody> ParseCompletionBody(std::string_view body);

}  // namespace livy::internal
