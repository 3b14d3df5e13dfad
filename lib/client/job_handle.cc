#include <livy/job_handle.h>

#include <string>
#include <utility>

#include <fmt/format.h>

#include "client/channel.h"
#include "client/waiter.h"
#include "core/wire_client.h"

namespace livy {
namespace {

std::string Target(int session_id, int id) {
  return fmt::format("/sessions/{}/statements/{}", session_id, id);
}

// The reason why a session does not answer for its statements any more, if it can be found.
Error WithReason(Error error, internal::Channel& channel, int session_id,
                 std::chrono::milliseconds time) {
  const internal::Channel::Asked asked = channel.Ask(fmt::format("/sessions/{}", session_id), time);
  if (!asked.answer) return error;
  const Result<Session> session = internal::DecodeSession(*asked.answer);
  if (!session || IsActive(session->state)) return error;
  return internal::SessionEnded(*session);
}

}  // namespace

JobHandle::JobHandle(std::shared_ptr<internal::Channel> channel, int session_id, int id)
    : channel_(std::move(channel)), session_id_(session_id), id_(id) {}

Result<Statement> JobHandle::Fetch() const {
  const Result<internal::JsonValue> json = channel_->Get(Target(session_id_, id_));
  if (!json) return json.error();
  return internal::DecodeStatement(*json);
}

Result<Statement> JobHandle::Wait(std::chrono::milliseconds timeout) const {
  internal::Waiter waiter(*channel_, Target(session_id_, id_), timeout);
  std::string known = "in an unknown state";
  while (true) {
    Result<internal::JsonValue> json =
        waiter.Next(fmt::format("Statement {} was still {}", id_, known));
    if (!json && waiter.refused() && json.error().code == ErrorCode::kUnavailable)
      return WithReason(json.error(), *channel_, session_id_, waiter.QuestionTime());
    if (!json) return json.error();

    Result<Statement> statement = internal::DecodeStatement(*json);
    if (!statement || IsFinal(statement->state)) return statement;
    known = ToString(statement->state);
  }
}

Result<void> JobHandle::Cancel() const {
  return channel_->Command("POST", Target(session_id_, id_) + "/cancel");
}

}  // namespace livy
