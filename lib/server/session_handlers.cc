// What RestService does for sessions.
#include <utility>

#include <fmt/format.h>

#include "server/reply.h"
#include "server/rest_call.h"
#include "server/rest_entries.h"
#include "server/rest_service.h"
#include "server/session_request.h"
#include "server/views.h"

namespace livy::internal {
namespace {

// Clients compare this; some read "0.10" as older than "0.5".
constexpr std::string_view kLivyVersion = "0.9.0";

}  // namespace

void RestService::GetVersion(const std::shared_ptr<Call>& call) {
  call->ReplyJson(fmt::format(
      R"({{"url":"","branch":"","revision":"","version":"{}","date":"","user":"","liblivy":"{}",)"
      R"("idempotencyKeys":true}})",
      kLivyVersion, LIVY_VERSION));
}

void RestService::ListSessions(const std::shared_ptr<Call>& call) {
  ReplyWithPage(call, sessions_);
}

void RestService::CreateSession(const std::shared_ptr<Call>& call) {
  CreateOnce(
      call, "sessions",
      [this, call](const StoredAlong& along) { return TryCreateSession(call, along); },
      [this, call](int id) -> std::optional<HttpResponse> {
        const SessionPtr session = sessions_.Find(std::to_string(id));
        if (!session) return std::nullopt;
        return CreatedSession(*session, call->user);
      });
}

HttpResponse RestService::CreatedSession(const InteractiveSession& session,
                                         const User& user) const {
  HttpResponse reply = JsonReply(201, ViewJson(session, user));
  reply.headers.push_back({"Location", fmt::format("/sessions/{}", session.id())});
  return reply;
}

RestService::Created RestService::TryCreateSession(const std::shared_ptr<Call>& call,
                                                   const StoredAlong& along) {
  ApplicationPlace place = sessions_.TakePlace();
  if (!place) return {TooManyReply()};
  Result<SessionRequest> request = ParseSessionRequest(call->request().body);
  if (!request) return {TextReply(400, request.error().message)};
  const Result<User> proxy_user = ProxyUserFor(*call, request->proxy_user);
  if (!proxy_user) return {ErrorReply(proxy_user.error())};
  request->proxy_user = *proxy_user;
  if (!request->kind) request->kind = Kind::kShared;

  const Result<SessionPtr> session =
      sessions_.Create(*std::move(request), call->user, std::move(place), along);
  if (!session) return {RejectionReply(session.error())};
  return {CreatedSession(**session, call->user), (*session)->id()};
}

void RestService::GetSession(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindSession(call);
  if (!session) return;
  const Result<User> user = EffectiveUser(*call);
  if (!user) return call->Reply(ErrorReply(user.error()));
  session->lease().Touch();
  ReplyWhenIdle(call, session, [this, user = *user](const InteractiveSession& now) {
    return ViewJson(now, user);
  });
}

void RestService::GetState(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindSession(call);
  if (!session) return;
  session->lease().Touch();
  ReplyWhenIdle(call, session,
                [](const InteractiveSession& now) { return StateJson(now.id(), now.state()); });
}

void RestService::ReplyWhenIdle(const std::shared_ptr<Call>& call, const SessionPtr& session,
                                std::function<std::string(const InteractiveSession&)> view) const {
  ReplyWhen(call, session, WaitList::kIdleOrEnded,
            [view = std::move(view)](const InteractiveSession& now) {
              return JsonReply(200, view(now));
            });
}

void RestService::GetLog(const std::shared_ptr<Call>& call) {
  if (const SessionPtr session = FindViewable(call)) ReplyWithLog(call, *session);
}

void RestService::DeleteSession(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindModifiable(call);
  if (!session || !IsOurs(call)) return;
  sessions_.Delete(session, By("deleted", call->user),
                   [call, id = session->id()](const Result<bool>& removed) {
                     call->Reply(DeletionReply(removed, id));
                   });
}

void RestService::StopSession(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindModifiable(call);
  if (!session || !IsOurs(call)) return;
  session->Stop(By("stopped", call->user));
  session->AwaitEnd([call] { call->Reply(EmptyReply(204)); });
}

void RestService::InterruptSession(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindModifiable(call);
  if (!session || !IsOurs(call)) return;
  session->Stop(By("interrupted", call->user));
  session->AwaitEnd([call] { call->Reply(MessageReply(200, "interrupted")); });
}

void RestService::ConnectSession(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindModifiable(call);
  if (!session) return;
  session->lease().Renew();
  call->ReplyJson(ViewJson(*session, call->user));
}

}  // namespace livy::internal
