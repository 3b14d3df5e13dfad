// What RestService does for those who read and follow what applications write.
#include <string>
#include <utility>

#include <fmt/format.h>

#include "server/output_follower.h"
#include "server/reply.h"
#include "server/rest_call.h"
#include "server/rest_entries.h"
#include "server/rest_service.h"
#include "server/views.h"

namespace livy::internal {
namespace {

constexpr int kSize = 64 << 10;
constexpr int kSizeMax = 1 << 20;

Result<int> SizeOf(std::string_view query) {
  const Result<int> size = QueryInteger(query, "size", kSize);
  if (!size || (*size >= 1 && *size <= kSizeMax)) return size;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("size = {}: it must be a number from 1 to {}.", *size, kSizeMax)};
}

HttpResponse PageReply(int id, const Result<OutputPage>& page) {
  if (!page) return ErrorReply(page.error());
  JsonWriter json;
  Write(id, *page, json);
  return JsonReply(200, json.Take());
}

}  // namespace

template <typename Entry>
void RestService::ReplyWithOutput(const std::shared_ptr<Call>& call,
                                  const std::shared_ptr<Entry>& entry,
                                  std::shared_ptr<const void> watch) const {
  const std::shared_ptr<ApplicationOutput> output = entry->output();
  if (!output || !output->keeps()) {
    return call->Reply(MessageReply(404, "What applications write is not kept by this server."));
  }
  const Result<std::int64_t> offset =
      ParseInteger<std::int64_t>(QueryValue(call->query, "offset").value_or("0"));
  if (!offset) return call->Reply(ErrorReply(offset.error()));
  const Result<int> size = SizeOf(call->query);
  if (!size) return call->Reply(ErrorReply(size.error()));
  if (QueryValue(call->query, "follow") == "true") {
    return FollowOutput(call, entry, *offset, std::move(watch));
  }
  const auto await = [&](Clock::Duration wait, WaitList::Wake wake) {
    return output->Await(*offset, wait, [wake = std::move(wake), watch] { wake(); });
  };
  ReplyAfter(call, output, await,
             [id = entry->id(), offset = *offset, size = *size](const ApplicationOutput& now) {
               return PageReply(id, now.Read(offset, static_cast<std::size_t>(size)));
             });
}

template <typename Entry>
void RestService::FollowOutput(const std::shared_ptr<Call>& call,
                               const std::shared_ptr<Entry>& entry, std::int64_t offset,
                               std::shared_ptr<const void> watch) const {
  // As browsers do that connect again.
  if (const auto last = FindHeader(call->request().headers, "Last-Event-ID")) {
    if (*last == "end") return call->Reply(EmptyReply(204));
    const Result<std::int64_t> place = ParseInteger<std::int64_t>(*last);
    if (!place) return call->Reply(ErrorReply(place.error()));
    offset = *place;
  }
  const std::shared_ptr<ResponseStream> stream = call->Stream(EventStreamHead());
  if (!stream || call->request().method == "HEAD") return;
  const auto follower = std::make_shared<OutputFollower>(
      entry->output(), stream, offset, [weak = std::weak_ptr(entry)] {
        const auto ended = weak.lock();
        return std::string(ended ? ToString(ended->state()) : "");
      });
  call->exchange->OnGone([follower, watch = std::move(watch)] { follower->Stop(); });
  follower->Begin();
}

void RestService::GetOutput(const std::shared_ptr<Call>& call) {
  if (const SessionPtr session = FindViewable(call)) {
    ReplyWithOutput(call, session, session->lease().Watch());
  }
}

void RestService::GetBatchOutput(const std::shared_ptr<Call>& call) {
  const BatchPtr batch = Find(call, batches_);
  if (batch && MayView(call, batch->ownership())) ReplyWithOutput(call, batch, nullptr);
}

}  // namespace livy::internal
