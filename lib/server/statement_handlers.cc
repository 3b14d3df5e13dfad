// What RestService does for statements and completion.
#include <utility>

#include <fmt/format.h>

#include "server/reply.h"
#include "server/rest_call.h"
#include "server/rest_entries.h"
#include "server/rest_service.h"
#include "server/session_request.h"

namespace livy::internal {
namespace {

constexpr std::string_view kNotActive = "requirement failed: Session isn't active.";

HttpResponse StatementReply(int status, const StatementRecord& statement) {
  JsonWriter json;
  Write(statement, json);
  return JsonReply(status, json.Take());
}

HttpResponse CreatedStatement(int session, const StatementRecord& statement) {
  HttpResponse reply = StatementReply(201, statement);
  reply.headers.push_back(
      {"Location", fmt::format("/sessions/{}/statements/{}", session, statement.id)});
  return reply;
}

// A session that is not running: Livy's clients look for these words in a 500.
HttpResponse NotRunningReply(const Error& error) {
  if (error.code == ErrorCode::kUnavailable && error.message.starts_with("Session is in state")) {
    return TextReply(500, "java.lang.IllegalStateException: " + error.message);
  }
  return ErrorReply(error);
}

// The kind that a statement or a completion is for. Livy answers a wrong one with 500 and a stack
// trace; it is the client's mistake.
Result<Kind> KindFor(std::string_view named, Kind session_kind) {
  const std::optional<Kind> kind = named.empty() ? session_kind : ParseKind(named);
  if (!kind) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("Invalid kind: {}", named)};
  }
  if (*kind == Kind::kShared) {
    return Error{ErrorCode::kInvalidArgument,
                 "Code type should be specified if session kind is shared"};
  }
  return *kind;
}

}  // namespace

void RestService::ListStatements(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindViewable(call);
  if (!session) return;
  const Result<PageQuery> asked = QueryPage(call->query, kAllStatements);
  if (!asked) return call->Reply(ErrorReply(asked.error()));
  if (!IsActive(session->state())) return call->Reply(MessageReply(400, kNotActive));

  const std::string order = QueryValue(call->query, "order").value_or("");
  call->Reply(
      StatementsReply(session->ReadStatements(asked->from, asked->size, IsDescending(order))));
}

void RestService::CreateStatement(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindModifiable(call);
  if (!session) return;
  Result<StatementBody> body = ParseStatementBody(call->request().body);
  if (!body) return call->Reply(TextReply(400, body.error().message));
  if (!body->has_code) return call->Reply(TextReply(400, "Field \"code\" is required"));
  const Result<Kind> kind = KindFor(body->kind, session->request().kind.value_or(Kind::kShared));
  if (!kind) return call->Reply(TextReply(400, kind.error().message));

  const auto code = std::make_shared<std::string>(std::move(body->code));
  CreateOnce(
      call, fmt::format("sessions/{}/statements", session->id()),
      [session, code, kind = *kind,
       rows_max = body->rows_max](const StoredAlong& along) -> Created {
        const Result<StatementRecord> statement = session->Submit(*code, kind, rows_max, along);
        if (!statement) return {NotRunningReply(statement.error())};
        return {CreatedStatement(session->id(), *statement), statement->id};
      },
      [this, session](int id) -> std::optional<HttpResponse> {
        Result<std::optional<StatementRecord>> statement = session->ReadStatement(id);
        if (statement && !*statement) {
          // Those of a session that had ended before this server began are in the store only.
          const Result<StoredSession> ended = sessions_.LoadEnded(session->id());
          if (ended) statement = sessions_.LoadStatement(*ended, id);
        }
        if (!statement) return ErrorReply(statement.error());
        if (!*statement) return std::nullopt;
        return CreatedStatement(session->id(), **statement);
      });
}

void RestService::GetStatement(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindViewable(call);
  if (!session) return;
  const Result<int> id = ParseInteger(call->params[1]);
  if (!id) return call->Reply(ErrorReply(id.error()));
  const auto view = [id = *id](const InteractiveSession& now) {
    if (!IsActive(now.state())) return MessageReply(400, kNotActive);
    const Result<std::optional<StatementRecord>> statement = now.ReadStatement(id);
    if (!statement) return ErrorReply(statement.error());
    return *statement ? StatementReply(200, **statement) : TextReply(404, "Statement not found");
  };
  // Negative ids are WaitList's.
  if (*id < 0) return call->Reply(view(*session));
  ReplyWhen(call, session, *id, view);
}

void RestService::CancelStatement(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindModifiable(call);
  if (!session) return;
  const Result<int> id = ParseInteger(call->params[1]);
  if (!id) return call->Reply(ErrorReply(id.error()));
  const Result<void> cancelled = session->CancelStatement(*id);
  call->Reply(cancelled ? MessageReply(200, "canceled") : NotRunningReply(cancelled.error()));
}

void RestService::Complete(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindModifiable(call);
  if (!session) return;
  Result<CompletionBody> body = ParseCompletionBody(call->request().body);
  if (!body) return call->Reply(TextReply(400, body.error().message));
  const Result<Kind> kind = KindFor(body->kind, session->request().kind.value_or(Kind::kShared));
  if (!kind) return call->Reply(TextReply(400, kind.error().message));
  session->Complete(std::move(body->code), *kind, body->cursor,
                    [call](const Result<std::vector<std::string>>& candidates) {
                      if (!candidates) return call->Reply(NotRunningReply(candidates.error()));
                      JsonWriter json;
                      json.BeginObject().Key("candidates").Strings(*candidates).EndObject();
                      call->ReplyJson(json.Take());
                    });
}

}  // namespace livy::internal
