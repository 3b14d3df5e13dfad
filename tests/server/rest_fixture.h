// The REST service with everything behind it, but for processes and sockets.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "driver_link/driver_listener.h"
#include "fake_exchange.h"
#include "server/fakes.h"
#include "server/rest_service.h"
#include "server/session_manager.h"

namespace livy::internal {

// Who may do what is decided by names: "root" everything, owners their own, "guest" may look.
class NamedAccess : public AccessManager {
 public:
  bool MayUse(const User& user) const override { return user != "nobody"; }
  bool MayView(const User& user, const Ownership& session) const override {
    return user == "guest" || MayModify(user, session);
  }
  bool MayModify(const User& user, const Ownership& session) const override {
    return !user || user == "root" || user == session.owner || user == session.proxy_user;
  }
  Result<User> ProxyUser(const User& user, const User& wanted) const override {
    if (const auto hook = std::exchange(on_next_proxy, nullptr)) hook();
    if (!wanted) return User();
    if (!user || user == "root" || user == wanted) return wanted;
    return Error{ErrorCode::kPermissionDenied,
                 "User '" + *user + "' not allowed to impersonate 'Some(" + *wanted + ")'."};
  }

  mutable std::function<void()> on_next_proxy = {};  // Called when that is asked next.
};

class HeaderAuthenticator : public Authenticator {
 public:
  Result<User> Authenticate(const HttpRequest& request) const override {
    const auto user = FindHeader(request.headers, "X-User");
    if (!user) return User();
    if (user->empty()) return Error{ErrorCode::kUnauthenticated, "Authentication required"};
    return User(std::string(*user));
  }
};

struct RestFixture : SessionFixture {
  explicit RestFixture(const ServerLimits& limits = {}, const SparkRules& spark = {})
      : SessionFixture(limits) {
    services.limits = limits;
    listener = *DriverListener::Create({});
    sessions.emplace(
        SessionManagerOptions{
            .spark = spark, .limits = limits, .state_retain = std::chrono::minutes(10)},
        services, launcher, *listener);
    REQUIRE(sessions->Load());
    batches.emplace(
        BatchManagerOptions{
            .spark = spark, .limits = limits, .state_retain = std::chrono::minutes(10)},
        batch_services, launcher);
    REQUIRE(batches->Load());
    keys.emplace(IdempotencyOptions{.keys_max = limits.idempotency_keys_max}, writer, clock, *log);
    REQUIRE(keys->Load());
    rest.emplace(RestOptions{.wait_max = std::chrono::seconds(60)}, *sessions, *batches, *keys,
                 access, &authenticator, *log);
  }

  // As a server does: the timer's calls use the rest.
  ~RestFixture() { timer.Stop(); }

  std::shared_ptr<FakeExchange> Start(HttpRequest request) {
    auto exchange = std::make_shared<FakeExchange>(std::move(request));
    rest->Handle(exchange);
    return exchange;
  }
  HttpResponse Send(std::string method, std::string target, std::string body = "",
                    HttpHeaders headers = {}) {
    const auto exchange = Start({.method = std::move(method),
                                 .target = std::move(target),
                                 .headers = std::move(headers),
                                 .body = std::move(body)});
    REQUIRE(exchange->response);
    return *exchange->response;
  }
  HttpResponse Get(std::string target, HttpHeaders headers = {}) {
    return Send("GET", std::move(target), "", std::move(headers));
  }
  // A session whose driver is idle.
  void StartIdle(std::string body = R"({"kind":"spark"})") {
    const HttpResponse created = Send("POST", "/sessions", std::move(body));
    REQUIRE(created.status == 201);
    Happens({{.number = 1, .what = StateEvent{.state = SessionState::kIdle}}});
  }
  void Happens(const std::vector<DriverEvent>& events) {
    REQUIRE(sessions->List(0, 1).entries.at(0)->OnDriverEvents(events));
  }
  void End(std::size_t process) {
    launcher.processes.at(process)->observer({.state = ApplicationState::kFailed});
  }

  NamedAccess access = {};
  HeaderAuthenticator authenticator = {};
  std::unique_ptr<DriverListener> listener = {};
  std::optional<SessionManager> sessions = {};
  BatchStore batch_store{writer};
  BatchServices batch_services{.store = batch_store,
                               .clock = clock,
                               .timer = timer,
                               .log = *log,
                               .applications = applications};
  std::optional<BatchManager> batches = {};
  std::optional<IdempotencyKeys> keys = {};
  std::optional<RestService> rest = {};
};

}  // namespace livy::internal
