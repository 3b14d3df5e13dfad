// What RestService does for those who follow sessions.
#include <utility>

#include "server/reply.h"
#include "server/rest_call.h"
#include "server/rest_service.h"

namespace livy::internal {

void RestService::FollowSession(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindViewable(call);
  if (!session) return;
  const std::string last_event_id(
      FindHeader(call->request().headers, "Last-Event-ID").value_or(""));
  // Browsers connect again after every end, unless they are told so.
  if (session->HasToldAll(last_event_id)) return call->Reply(EmptyReply(204));
  const std::shared_ptr<ResponseStream> stream = call->Stream(EventStreamHead());
  if (!stream || call->request().method == "HEAD") return;
  const EventFeed::Token token = session->Follow(stream, last_event_id);
  call->exchange->OnGone([followed = std::weak_ptr(session), token] {
    if (const auto left = followed.lock()) left->Unfollow(token);
  });
}

}  // namespace livy::internal
