// RestService: from an HTTP request to an answer in Livy's form.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <livy/access_manager.h>
#include <livy/authenticator.h>
#include <livy/log.h>
#include <livy/result.h>

#include "core/json.h"
#include "http/exchange.h"
#include "http/router.h"
#include "server/batch_manager.h"
#include "server/idempotency_keys.h"
#include "server/session_manager.h"

namespace livy::internal {

struct RestOptions {
  bool security_headers = true;
  bool tls = false;  // Adds Strict-Transport-Security.
  std::chrono::milliseconds wait_max = std::chrono::seconds(60);
};

// Safe to use from several threads.
class RestService {
 public:
  // Everything that is passed by reference outlives this; `authenticator` may be null.
  RestService(RestOptions options, SessionManager& sessions, BatchManager& batches,
              IdempotencyKeys& keys, const AccessManager& access,
              const Authenticator* authenticator, LogSink& log);

  // An HttpHandler.
  void Handle(const std::shared_ptr<Exchange>& exchange);

 private:
  // One request on its way. Kept as long as its answer is owed.
  struct Call;
  using Handler = void (RestService::*)(const std::shared_ptr<Call>&);
  using SessionPtr = std::shared_ptr<InteractiveSession>;
  using BatchPtr = std::shared_ptr<BatchSession>;

  void AddRoutes();
  void Add(std::string_view method, std::string_view pattern, Handler handler);
  void Dispatch(const std::shared_ptr<Call>& call, std::string_view method);
  bool Admit(const std::shared_ptr<Call>& call);
  void AddSecurityHeaders(HttpResponse& response) const;

  // What is alike for sessions and batches is in server/rest_entries.h.

  // What the path names; null after an answer that there is none.
  template <typename Manager>
  auto Find(const std::shared_ptr<Call>& call, const Manager& manager) const;
  // False after an answer that the caller may not do this.
  bool MayView(const std::shared_ptr<Call>& call, const Ownership& ownership) const;
  bool MayModify(const std::shared_ptr<Call>& call, const Ownership& ownership) const;
  template <typename Entry>
  void WriteView(const Entry& entry, const User& user, JsonWriter& json) const;
  template <typename Entry>
  std::string ViewJson(const Entry& entry, const User& user) const;
  template <typename Manager>
  void ReplyWithPage(const std::shared_ptr<Call>& call, const Manager& manager) const;
  template <typename Entry>
  void ReplyWithLog(const std::shared_ptr<Call>& call, const Entry& entry) const;
  // Answers with `reply` when that for which `await` waits is so, or as long after as the client's
  // `wait` parameter allows; at once without one. A waiting client costs no thread.
  template <typename Entry, typename Await, typename Reply>
  void ReplyAfter(const std::shared_ptr<Call>& call, const std::shared_ptr<Entry>& entry,
                  const Await& await, Reply reply) const;

  template <typename Entry>
  void ReplyWithOutput(const std::shared_ptr<Call>& call, const std::shared_ptr<Entry>& entry,
                       std::shared_ptr<const void> watch) const;
  template <typename Entry>
  void FollowOutput(const std::shared_ptr<Call>& call, const std::shared_ptr<Entry>& entry,
                    std::int64_t offset, std::shared_ptr<const void> watch) const;

  // Whom an application is to run as, if the caller may ask for that. Fails as
  // AccessManager::ProxyUser().
  Result<User> ProxyUserFor(const Call& call, const User& asked) const;

  // The session that the path names; null after an answer that there is none.
  SessionPtr FindSession(const std::shared_ptr<Call>& call) const;
  // As FindSession(), and null after an answer that the caller may not do this.
  SessionPtr FindViewable(const std::shared_ptr<Call>& call) const;
  SessionPtr FindModifiable(const std::shared_ptr<Call>& call) const;
  // Whether another server has not taken over what there is; answers if it has.
  bool IsOurs(const std::shared_ptr<Call>& call) const;
  // ReplyAfter() of what `key` stands for: see WaitList.
  void ReplyWhen(const std::shared_ptr<Call>& call, const SessionPtr& session, int key,
                 std::function<HttpResponse(const InteractiveSession&)> reply) const;
  void ReplyWhenIdle(const std::shared_ptr<Call>& call, const SessionPtr& session,
                     std::function<std::string(const InteractiveSession&)> view) const;
  void ReplyWhenEnded(const std::shared_ptr<Call>& call, const BatchPtr& batch,
                      std::function<std::string(const BatchSession&)> view) const;

  // What came of a request that creates something.
  struct Created {
    HttpResponse reply = {};
    std::optional<int> id = {};  // Unset: nothing was created.
  };
  // Stores what it is given, unless that is null, in one transaction with the object.
  using Create = std::function<Created(const StoredAlong& along)>;
  // The answer again, with the object as it is now; nullopt if it is gone.
  using Show = std::function<std::optional<HttpResponse>(int id)>;

  // Answers a request that creates something in `collection`, such as "sessions" or
  // "sessions/7/statements": with what `create` answers; to a request whose Idempotency-Key its
  // user has sent before, with what `show` does. All checks of the caller are done before, and
  // those of the request in `create`. Both may be called later, on another thread.
  void CreateOnce(const std::shared_ptr<Call>& call, const std::string& collection, Create create,
                  Show show);

  Created TryCreateSession(const std::shared_ptr<Call>& call, const StoredAlong& along);
  Created TryCreateBatch(const std::shared_ptr<Call>& call, const StoredAlong& along);
  HttpResponse CreatedBatch(const BatchSession& batch, const User& user) const;
  HttpResponse CreatedSession(const InteractiveSession& session, const User& user) const;

  // The caller, or whom it acts for.
  Result<User> EffectiveUser(const Call& call) const;

  void GetVersion(const std::shared_ptr<Call>& call);
  void ListSessions(const std::shared_ptr<Call>& call);
  void CreateSession(const std::shared_ptr<Call>& call);
  void GetSession(const std::shared_ptr<Call>& call);
  void GetState(const std::shared_ptr<Call>& call);
  void GetLog(const std::shared_ptr<Call>& call);
  void DeleteSession(const std::shared_ptr<Call>& call);
  void StopSession(const std::shared_ptr<Call>& call);
  void InterruptSession(const std::shared_ptr<Call>& call);
  void ConnectSession(const std::shared_ptr<Call>& call);
  void FollowSession(const std::shared_ptr<Call>& call);
  void ListBatches(const std::shared_ptr<Call>& call);
  void CreateBatch(const std::shared_ptr<Call>& call);
  void GetBatch(const std::shared_ptr<Call>& call);
  void GetBatchState(const std::shared_ptr<Call>& call);
  void GetBatchLog(const std::shared_ptr<Call>& call);
  void StopBatch(const std::shared_ptr<Call>& call);
  void DeleteBatch(const std::shared_ptr<Call>& call);
  void GetOutput(const std::shared_ptr<Call>& call);
  void GetBatchOutput(const std::shared_ptr<Call>& call);
  // The session that the path names, which has ended; unset after an answer that there is none or
  // that the caller may not view it.
  std::optional<StoredSession> FindEnded(const std::shared_ptr<Call>& call) const;
  void ListHistory(const std::shared_ptr<Call>& call);
  void GetHistory(const std::shared_ptr<Call>& call);
  void ListHistoryStatements(const std::shared_ptr<Call>& call);
  void GetHistoryStatement(const std::shared_ptr<Call>& call);
  void ListStatements(const std::shared_ptr<Call>& call);
  void CreateStatement(const std::shared_ptr<Call>& call);
  void GetStatement(const std::shared_ptr<Call>& call);
  void CancelStatement(const std::shared_ptr<Call>& call);
  void Complete(const std::shared_ptr<Call>& call);
  template <ResourceKind kKind>
  void AddResource(const std::shared_ptr<Call>& call);
  template <ResourceKind kKind>
  void UploadResource(const std::shared_ptr<Call>& call);
  void Give(const std::shared_ptr<Call>& call, const SessionPtr& session, AddCommand command) const;

  const RestOptions options_;
  SessionManager& sessions_;
  BatchManager& batches_;
  IdempotencyKeys& keys_;
  const AccessManager& access_;
  const Authenticator* const authenticator_;
  LogSink& log_;
  Router router_;
  std::vector<Handler> handlers_;  // By route number.
};

}  // namespace livy::internal
