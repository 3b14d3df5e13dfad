// What RestService does for requests that create something and may come twice.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "server/reply.h"
#include "server/rest_call.h"
#include "server/rest_service.h"

namespace livy::internal {
namespace {

constexpr std::string_view kHeader = "Idempotency-Key";
constexpr std::size_t kKeyBytesMax = 255;

bool IsUsable(std::string_view key) {
  return !key.empty() && key.size() <= kKeyBytesMax &&
         std::ranges::all_of(key, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

void RestService::CreateOnce(const std::shared_ptr<Call>& call, const std::string& collection,
                             Create create, Show show) {
  const auto key = FindHeader(call->request().headers, kHeader);
  if (!key) return call->Reply(create(nullptr).reply);
  if (!IsUsable(*key)) {
    return call->Reply(
        MessageReply(400, fmt::format("The header {} must be 1 to {} printable ASCII characters.",
                                      kHeader, kKeyBytesMax)));
  }
  const IdempotencyKeys::Answer answer = keys_.Begin(
      {.user = call->user,
       .key = std::string(*key),
       .content = fmt::format("{}?{}\n{}", collection, call->query, call->request().body)},
      [this, call, collection, create, show](const HttpResponse* refusal) {
        refusal != nullptr ? call->Reply(*refusal) : CreateOnce(call, collection, create, show);
      });
  HttpResponse reply;
  std::optional<Created> created;
  using enum IdempotencyKeys::Answer::Kind;
  switch (answer.kind) {
    case kWaits:
      return;
    case kMisused:
      reply = MessageReply(
          422, fmt::format("{} '{}' was sent with another request before.", kHeader, *key));
      break;
    case kCreated:
      reply = show(answer.id).value_or(MessageReply(
          410, fmt::format("What the request with {} '{}' has created, number {} of /{}, is gone.",
                           kHeader, *key, answer.id, collection)));
      reply.headers.push_back({"Idempotent-Replayed", "true"});
      break;
    case kNew:
      created = create([this, name = answer.name](int id) { return keys_.ChangesFor(name, id); });
      reply = std::move(created->reply);
  }
  reply.headers.push_back({std::string(kHeader), std::string(*key)});
  // What a store refuses now it would refuse to all who wait, after as long for each.
  if (created) keys_.Settle(answer.name, created->id, reply.status == 503 ? &reply : nullptr);
  call->Reply(std::move(reply));
}

}  // namespace livy::internal
