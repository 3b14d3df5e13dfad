#include <livy/session_handle.h>

#include <string>
#include <utility>

#include <fmt/format.h>

#include "client/channel.h"
#include "client/waiter.h"
#include "core/wire_client.h"

namespace livy {
namespace {

std::string Target(int id, std::string_view rest = "") {
  return fmt::format("/sessions/{}{}", id, rest);
}

// kError is an end as well for whoever waits: Apache Livy's sessions never leave it.
bool HasEnded(SessionState state) {
  return !IsActive(state) || state == SessionState::kError;
}

}  // namespace

SessionHandle::SessionHandle(std::shared_ptr<internal::Channel> channel, int id)
    : channel_(std::move(channel)), id_(id) {}

Result<Session> SessionHandle::Fetch() const {
  const Result<internal::JsonValue> json = channel_->Get(Target(id_));
  if (!json) return json.error();
  return internal::DecodeSession(*json);
}

Result<Session> SessionHandle::WaitUntilIdle(std::chrono::milliseconds timeout) const {
  internal::Waiter waiter(*channel_, Target(id_), timeout);
  std::string known = "in an unknown state";
  while (true) {
    Result<internal::JsonValue> json =
        waiter.Next(fmt::format("Session {} was still {}", id_, known));
    if (!json) return json.error();

    Result<Session> session = internal::DecodeSession(*json);
    if (!session || session->state == SessionState::kIdle) return session;
    if (HasEnded(session->state)) return internal::SessionEnded(*session);
    known = ToString(session->state);
  }
}

Result<JobHandle> SessionHandle::Submit(const StatementRequest& request) const {
  const Result<internal::JsonValue> json =
      channel_->Post(Target(id_, "/statements"), internal::EncodeStatementRequest(request));
  if (!json) return json.error();
  const Result<Statement> statement = internal::DecodeStatement(*json);
  if (!statement) return statement.error();
  return JobHandle(channel_, id_, statement->id);
}

JobHandle SessionHandle::Open(int statement_id) const {
  return JobHandle(channel_, id_, statement_id);
}

Result<std::vector<Statement>> SessionHandle::Statements() const {
  const Result<internal::JsonValue> json = channel_->Get(Target(id_, "/statements"));
  if (!json) return json.error();
  return internal::DecodeStatements(*json);
}

Result<LogPage> SessionHandle::Log(int from, int size) const {
  const Result<internal::JsonValue> json =
      channel_->Get(Target(id_, fmt::format("/log?from={}&size={}", from, size)));
  if (!json) return json.error();
  return internal::DecodeLogPage(*json);
}

Result<void> SessionHandle::Stop() const {
  return channel_->Command("POST", Target(id_, "/stop"));
}

Result<void> SessionHandle::Delete() const {
  return channel_->Command("DELETE", Target(id_));
}

}  // namespace livy
