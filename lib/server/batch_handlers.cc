// What RestService does for batches.
#include <utility>

#include <fmt/format.h>

#include "server/batch_request.h"
#include "server/reply.h"
#include "server/rest_call.h"
#include "server/rest_entries.h"
#include "server/rest_service.h"

namespace livy::internal {

void RestService::ListBatches(const std::shared_ptr<Call>& call) {
  ReplyWithPage(call, batches_);
}

void RestService::CreateBatch(const std::shared_ptr<Call>& call) {
  CreateOnce(
      call, "batches",
      [this, call](const StoredAlong& along) { return TryCreateBatch(call, along); },
      [this, call](int id) -> std::optional<HttpResponse> {
        const BatchPtr batch = batches_.Find(std::to_string(id));
        if (!batch) return std::nullopt;
        return CreatedBatch(*batch, call->user);
      });
}

HttpResponse RestService::CreatedBatch(const BatchSession& batch, const User& user) const {
  HttpResponse reply = JsonReply(201, ViewJson(batch, user));
  reply.headers.push_back({"Location", fmt::format("/batches/{}", batch.id())});
  return reply;
}

RestService::Created RestService::TryCreateBatch(const std::shared_ptr<Call>& call,
                                                 const StoredAlong& along) {
  ApplicationPlace place = batches_.TakePlace();
  if (!place) return {TooManyReply()};
  Result<BatchRequest> request = ParseBatchRequest(call->request().body);
  if (!request) return {TextReply(400, request.error().message)};
  const Result<User> proxy_user = ProxyUserFor(*call, request->proxy_user);
  if (!proxy_user) return {ErrorReply(proxy_user.error())};
  request->proxy_user = *proxy_user;

  const Result<NewBatch> created =
      batches_.Create(*std::move(request), call->user, std::move(place), along);
  if (!created) return {RejectionReply(created.error())};
  // As it was created: a launcher that is quick would have made it `running`.
  HttpResponse reply = CreatedBatch(*created->batch, call->user);
  batches_.Launch(*created);
  return {std::move(reply), created->batch->id()};
}

void RestService::GetBatch(const std::shared_ptr<Call>& call) {
  const BatchPtr batch = Find(call, batches_);
  if (!batch) return;
  const Result<User> user = EffectiveUser(*call);
  if (!user) return call->Reply(ErrorReply(user.error()));
  ReplyWhenEnded(call, batch,
                 [this, user = *user](const BatchSession& now) { return ViewJson(now, user); });
}

void RestService::GetBatchState(const std::shared_ptr<Call>& call) {
  const BatchPtr batch = Find(call, batches_);
  if (!batch) return;
  ReplyWhenEnded(call, batch,
                 [](const BatchSession& now) { return StateJson(now.id(), now.state()); });
}

void RestService::GetBatchLog(const std::shared_ptr<Call>& call) {
  const BatchPtr batch = Find(call, batches_);
  if (batch && MayView(call, batch->ownership())) ReplyWithLog(call, *batch);
}

void RestService::StopBatch(const std::shared_ptr<Call>& call) {
  const BatchPtr batch = Find(call, batches_);
  if (!batch || !MayModify(call, batch->ownership()) || !IsOurs(call)) return;
  batch->Stop(By("stopped", call->user));
  batch->AwaitEnd([call] { call->Reply(EmptyReply(204)); });
}

void RestService::DeleteBatch(const std::shared_ptr<Call>& call) {
  const BatchPtr batch = Find(call, batches_);
  if (!batch || !MayModify(call, batch->ownership()) || !IsOurs(call)) return;
  batches_.Delete(batch, By("deleted", call->user),
                  [call, id = batch->id()](const Result<bool>& removed) {
                    call->Reply(DeletionReply(removed, id));
                  });
}

void RestService::ReplyWhenEnded(const std::shared_ptr<Call>& call, const BatchPtr& batch,
                                 std::function<std::string(const BatchSession&)> view) const {
  const auto await = [&](Clock::Duration wait, WaitList::Wake wake) {
    return batch->Await(wait, std::move(wake));
  };
  ReplyAfter(call, batch, await, [view = std::move(view)](const BatchSession& now) {
    return JsonReply(200, view(now));
  });
}

}  // namespace livy::internal
