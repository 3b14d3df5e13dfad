// What RestService does alike for sessions and for batches.
#pragma once

#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"
#include "server/end_reason.h"
#include "server/reply.h"
#include "server/rest_call.h"
#include "server/rest_service.h"
#include "server/views.h"

namespace livy::internal {

// What a request gets that does not say which page it wants.
constexpr PageQuery kFirstPage = {.from = 0, .size = 100};
constexpr PageQuery kEndOfLog = {.from = -1, .size = 100};
constexpr PageQuery kAllStatements = {.from = 0, .size = std::numeric_limits<int>::max()};

inline HttpResponse StatementsReply(const Result<StatementSlice>& page) {
  if (!page) return ErrorReply(page.error());
  JsonWriter json;
  json.BeginObject().Key("total_statements").Int(page->total).Key("statements").BeginArray();
  for (const StatementRecord& statement : page->statements)
    Write(statement, json);
  json.EndArray().EndObject();
  return JsonReply(200, json.Take());
}

// What an application wrote is not for everybody. `View` is a Session or a Batch.
template <typename View>
void HideOutput(View& view) {
  view.log.clear();
  if (view.end_reason) view.end_reason = SentenceOf(*view.end_reason);
}

inline std::string StateJson(int id, SessionState state) {
  return fmt::format("{{\"id\":{},\"state\":\"{}\"}}", id, ToString(state));
}

// "deleted by alice".
inline std::string By(std::string_view what, const User& user) {
  return user ? fmt::format("{} by {}", what, *user) : std::string(what);
}

template <typename Manager>
auto RestService::Find(const std::shared_ptr<Call>& call, const Manager& manager) const {
  const std::string& key = call->params[0];
  using Pointer = decltype(manager.Find(key));
  if (IsAllDigits(key)) {
    if (const Result<int> id = ParseInteger(key); !id) {
      call->Reply(ErrorReply(id.error()));
      return Pointer();
    }
  }
  Pointer entry = manager.Find(key);
  if (!entry) call->Reply(MessageReply(404, fmt::format("Session '{}' not found.", key)));
  return entry;
}

template <typename Entry>
void RestService::WriteView(const Entry& entry, const User& user, JsonWriter& json) const {
  auto view = entry.View();
  if (!access_.MayView(user, entry.ownership())) HideOutput(view);
  Write(view, json);
}

template <typename Entry>
std::string RestService::ViewJson(const Entry& entry, const User& user) const {
  JsonWriter json;
  WriteView(entry, user, json);
  return json.Take();
}

template <typename Manager>
void RestService::ReplyWithPage(const std::shared_ptr<Call>& call, const Manager& manager) const {
  const Result<PageQuery> asked = QueryPage(call->query, kFirstPage);
  if (!asked) return call->Reply(ErrorReply(asked.error()));
  const Result<User> user = EffectiveUser(*call);
  if (!user) return call->Reply(ErrorReply(user.error()));

  const auto page = manager.List(asked->from, asked->size);
  JsonWriter json;
  json.BeginObject().Key("from").Int(asked->from).Key("total").Int(page.total);
  json.Key("sessions").BeginArray();
  for (const auto& entry : page.entries)
    WriteView(*entry, *user, json);
  json.EndArray().EndObject();
  call->ReplyJson(json.Take());
}

template <typename Entry>
void RestService::ReplyWithLog(const std::shared_ptr<Call>& call, const Entry& entry) const {
  const Result<PageQuery> asked = QueryPage(call->query, kEndOfLog);
  if (!asked) return call->Reply(ErrorReply(asked.error()));
  JsonWriter json;
  Write(entry.id(), entry.Log(asked->from, asked->size), json);
  call->ReplyJson(json.Take());
}

template <typename Entry, typename Await, typename Reply>
void RestService::ReplyAfter(const std::shared_ptr<Call>& call, const std::shared_ptr<Entry>& entry,
                             const Await& await, Reply reply) const {
  const Result<Clock::Duration> wait = QueryWait(call->query, options_.wait_max);
  if (!wait) return call->Reply(ErrorReply(wait.error()));
  if (*wait == Clock::Duration::zero()) return call->Reply(reply(*entry));

  const WaitList::Token token = await(*wait, [call, entry, wait = *wait, reply = std::move(reply)] {
    HttpResponse response = reply(*entry);
    const auto granted = std::chrono::duration_cast<std::chrono::milliseconds>(wait);
    response.headers.push_back({"Livy-Wait", fmt::format("{}ms", granted.count())});
    call->Reply(std::move(response));
  });
  if (token == 0) return;
  call->exchange->OnGone([entry, token] { entry->StopAwaiting(token); });
}

}  // namespace livy::internal
