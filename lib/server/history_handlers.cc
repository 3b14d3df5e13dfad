// What RestService does for sessions that have ended, be they still listed or not.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "server/page_range.h"
#include "server/reply.h"
#include "server/rest_call.h"
#include "server/rest_entries.h"
#include "server/rest_service.h"
#include "server/views.h"

namespace livy::internal {
namespace {

Session ViewOf(const StoredSession& session) {
  return {.id = session.id,
          .app_id = session.app_id,
          .owner = session.owner,
          .state = session.end->state,
          .request = session.request,
          .end_reason = session.end->reason,
          .exit_code = session.end->exit_code};
}

Ownership OwnershipOf(const StoredSession& session) {
  return {.owner = session.owner, .proxy_user = session.request.proxy_user};
}

}  // namespace

void RestService::ListHistory(const std::shared_ptr<Call>& call) {
  const Result<PageQuery> asked = QueryPage(call->query, kFirstPage);
  if (!asked) return call->Reply(ErrorReply(asked.error()));
  const Result<User> user = EffectiveUser(*call);
  if (!user) return call->Reply(ErrorReply(user.error()));

  const std::vector<int> ids = sessions_.EndedIds();
  JsonWriter json;
  json.BeginObject()
      .Key("from")
      .Int(asked->from)
      .Key("total")
      .Int(static_cast<std::int64_t>(ids.size()));
  json.Key("sessions").BeginArray();
  const PageRange page = RangeOfPage(asked->from, asked->size, ids.size());
  for (std::int64_t at = page.begin; at < page.end; ++at) {
    const Result<StoredSession> session = sessions_.LoadEnded(ids[static_cast<std::size_t>(at)]);
    if (!session && session.error().code == ErrorCode::kNotFound) continue;  // Gone meanwhile.
    if (!session) return call->Reply(ErrorReply(session.error()));
    Session view = ViewOf(*session);
    if (!access_.MayView(*user, OwnershipOf(*session))) HideOutput(view);
    Write(view, json);
  }
  json.EndArray().EndObject();
  call->ReplyJson(json.Take());
}

std::optional<StoredSession> RestService::FindEnded(const std::shared_ptr<Call>& call) const {
  const Result<int> id = ParseInteger(call->params[0]);
  if (!id) {
    call->Reply(ErrorReply(id.error()));
    return std::nullopt;
  }
  Result<StoredSession> session = sessions_.LoadEnded(*id);
  if (session && MayView(call, OwnershipOf(*session))) return *std::move(session);
  if (!session && session.error().code == ErrorCode::kNotFound) {
    call->Reply(MessageReply(404, fmt::format("Session '{}' not found.", *id)));
  } else if (!session) {
    call->Reply(ErrorReply(session.error()));
  }
  return std::nullopt;
}

void RestService::GetHistory(const std::shared_ptr<Call>& call) {
  const std::optional<StoredSession> session = FindEnded(call);
  if (!session) return;
  JsonWriter json;
  Write(ViewOf(*session), json);
  call->ReplyJson(json.Take());
}

void RestService::ListHistoryStatements(const std::shared_ptr<Call>& call) {
  const std::optional<StoredSession> session = FindEnded(call);
  if (!session) return;
  const Result<PageQuery> asked = QueryPage(call->query, kAllStatements);
  if (!asked) return call->Reply(ErrorReply(asked.error()));
  const std::string order = QueryValue(call->query, "order").value_or("");
  call->Reply(StatementsReply(
      sessions_.LoadStatements(*session, asked->from, asked->size, IsDescending(order))));
}

void RestService::GetHistoryStatement(const std::shared_ptr<Call>& call) {
  const std::optional<StoredSession> session = FindEnded(call);
  if (!session) return;
  const Result<int> id = ParseInteger(call->params[1]);
  if (!id) return call->Reply(ErrorReply(id.error()));
  const Result<std::optional<StatementRecord>> statement = sessions_.LoadStatement(*session, *id);
  if (!statement) return call->Reply(ErrorReply(statement.error()));
  if (!*statement) return call->Reply(TextReply(404, "Statement not found"));
  JsonWriter json;
  Write(**statement, json);
  call->ReplyJson(json.Take());
}

}  // namespace livy::internal
