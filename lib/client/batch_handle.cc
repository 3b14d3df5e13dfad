#include <livy/batch_handle.h>

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "client/channel.h"
#include "client/waiter.h"
#include "core/wire_client.h"

namespace livy {
namespace {

std::string Target(int id, std::string_view rest = "") {
  return fmt::format("/batches/{}{}", id, rest);
}

}  // namespace

BatchHandle::BatchHandle(std::shared_ptr<internal::Channel> channel, int id)
    : channel_(std::move(channel)), id_(id) {}

Result<Batch> BatchHandle::Fetch() const {
  const Result<internal::JsonValue> json = channel_->Get(Target(id_));
  if (!json) return json.error();
  return internal::DecodeBatch(*json);
}

Result<Batch> BatchHandle::Wait(std::chrono::milliseconds timeout) const {
  internal::Waiter waiter(*channel_, Target(id_), timeout);
  std::string known = "in an unknown state";
  while (true) {
    Result<internal::JsonValue> json =
        waiter.Next(fmt::format("Batch {} was still {}", id_, known));
    if (!json) return json.error();

    Result<Batch> batch = internal::DecodeBatch(*json);
    // An interpreter's error is no state of a batch; whoever says so means that it has ended.
    if (!batch || !IsActive(batch->state) || batch->state == SessionState::kError) return batch;
    known = ToString(batch->state);
  }
}

Result<LogPage> BatchHandle::Log(int from, int size) const {
  const Result<internal::JsonValue> json =
      channel_->Get(Target(id_, fmt::format("/log?from={}&size={}", from, size)));
  if (!json) return json.error();
  return internal::DecodeLogPage(*json);
}

Result<OutputPage> BatchHandle::Output(std::int64_t offset,
                                       std::chrono::milliseconds timeout) const {
  return internal::AwaitOutput(*channel_, Target(id_), offset, timeout);
}

Result<void> BatchHandle::Cancel() const {
  return channel_->Command("POST", Target(id_, "/stop"));
}

Result<void> BatchHandle::Delete() const {
  return channel_->Command("DELETE", Target(id_));
}

}  // namespace livy
