// What RestService does for sessions.
#include <utility>

#include <fmt/format.h>

#include "server/reply.h"
#include "server/rest_call.h"
#include "server/rest_service.h"
#include "server/session_request.h"
#include "server/views.h"

namespace livy::internal {
namespace {

// Clients compare this; some read "0.10" as older than "0.5".
constexpr std::string_view kLivyVersion = "0.9.0";

constexpr int kPageSize = 100;
constexpr int kLogPageSize = 100;

std::string StateJson(int id, SessionState state) {
  return fmt::format("{{\"id\":{},\"state\":\"{}\"}}", id, ToString(state));
}

// What the driver wrote is not for everybody.
void HideOutput(Session& view) {
  view.log.clear();
  if (view.end_reason) view.end_reason = SentenceOf(*view.end_reason);
}

// "deleted by alice".
std::string By(std::string_view what, const User& user) {
  return user ? fmt::format("{} by {}", what, *user) : std::string(what);
}

}  // namespace

std::string RestService::ViewJson(const InteractiveSession& session, const User& user) const {
  Session view = session.View();
  if (!access_.MayView(user, session.ownership())) HideOutput(view);
  JsonWriter json;
  Write(view, json);
  return json.Take();
}

void RestService::GetVersion(const std::shared_ptr<Call>& call) {
  call->ReplyJson(fmt::format(
      R"({{"url":"","branch":"","revision":"","version":"{}","date":"","user":"","liblivy":"{}"}})",
      kLivyVersion, LIVY_VERSION));
}

void RestService::ListSessions(const std::shared_ptr<Call>& call) {
  const Result<int> from = QueryInteger(call->query, "from", 0);
  if (!from) return call->Reply(ErrorReply(from.error()));
  const Result<int> size = QueryInteger(call->query, "size", kPageSize);
  if (!size) return call->Reply(ErrorReply(size.error()));
  const Result<User> user = EffectiveUser(*call);
  if (!user) return call->Reply(ErrorReply(user.error()));

  const RosterPage<InteractiveSession> page = sessions_.List(*from, *size);
  JsonWriter json;
  json.BeginObject().Key("from").Int(*from).Key("total").Int(page.total);
  json.Key("sessions").BeginArray();
  for (const SessionPtr& session : page.entries) {
    Session view = session->View();
    if (!access_.MayView(*user, session->ownership())) HideOutput(view);
    Write(view, json);
  }
  json.EndArray().EndObject();
  call->ReplyJson(json.Take());
}

void RestService::CreateSession(const std::shared_ptr<Call>& call) {
  if (sessions_.IsFull()) {
    return call->Reply(MessageReply(400, "Rejected, too many sessions are being created!"));
  }
  Result<SessionRequest> request = ParseSessionRequest(call->request().body);
  if (!request) return call->Reply(TextReply(400, request.error().message));
  const std::optional<std::string> do_as = QueryValue(call->query, "doAs");
  const Result<User> proxy_user =
      access_.ProxyUser(call->user, do_as ? do_as : request->proxy_user);
  if (!proxy_user) return call->Reply(ErrorReply(proxy_user.error()));
  request->proxy_user = *proxy_user;
  if (!request->kind) request->kind = Kind::kShared;

  const Result<SessionPtr> session = sessions_.Create(*std::move(request), call->user);
  if (!session && session.error().code == ErrorCode::kInvalidArgument) {
    return call->Reply(MessageReply(400, "Rejected, Reason: " + session.error().message));
  }
  if (!session) return call->Reply(ErrorReply(session.error()));
  HttpResponse reply = JsonReply(201, ViewJson(**session, call->user));
  reply.headers.push_back({"Location", fmt::format("/sessions/{}", (*session)->id())});
  call->Reply(std::move(reply));
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
                                std::function<std::string(const InteractiveSession&)> view) {
  ReplyAfter(call, session, WaitList::kIdleOrEnded,
             [view = std::move(view)](const InteractiveSession& now) {
               return JsonReply(200, view(now));
             });
}

void RestService::GetLog(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindViewable(call);
  if (!session) return;
  const Result<int> from = QueryInteger(call->query, "from", -1);
  if (!from) return call->Reply(ErrorReply(from.error()));
  const Result<int> size = QueryInteger(call->query, "size", kLogPageSize);
  if (!size) return call->Reply(ErrorReply(size.error()));
  JsonWriter json;
  Write(session->id(), session->Log(*from, *size), json);
  call->ReplyJson(json.Take());
}

void RestService::DeleteSession(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindModifiable(call);
  if (!session) return;
  sessions_.Delete(session, By("deleted", call->user), [call, id = session->id()](bool removed) {
    call->Reply(removed ? MessageReply(200, "deleted")
                        : MessageReply(404, fmt::format("Session {} already stopped.", id)));
  });
}

void RestService::StopSession(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindModifiable(call);
  if (!session) return;
  session->Stop(By("stopped", call->user));
  session->AwaitEnd([call] { call->Reply(EmptyReply(204)); });
}

void RestService::InterruptSession(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindModifiable(call);
  if (!session) return;
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
