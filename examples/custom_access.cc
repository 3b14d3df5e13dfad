// A server with rules of its own about who may do what:
//
//   custom_access
//
// Users name themselves in a header, as behind a gateway that has checked them, and may touch only
// what is theirs; the auditor may look at everything. No Spark is needed: FakeLauncher stands in.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <livy/livy.h>
#include <livy/testing/fake_launcher.h>

namespace {

class GatewayHeader : public livy::Authenticator {
 public:
  livy::Result<livy::User> Authenticate(const livy::HttpRequest& request) const override {
    const auto user = livy::FindHeader(request.headers, "X-Forwarded-User");
    if (!user) return livy::Error{livy::ErrorCode::kUnauthenticated, "Come through the gateway."};
    return livy::User(std::string(*user));
  }
};

class OwnSessionsOnly : public livy::AccessManager {
 public:
  bool MayUse(const livy::User&) const override { return true; }
  bool MayView(const livy::User& user, const livy::Ownership& session) const override {
    return user == "auditor" || MayModify(user, session);
  }
  bool MayModify(const livy::User& user, const livy::Ownership& session) const override {
    return user == session.owner;
  }
  livy::Result<livy::User> ProxyUser(const livy::User& user, const livy::User&) const override {
    return user;  // Everybody's sessions run as themselves.
  }
};

livy::LivyClient ClientOf(const std::string& user, const livy::LivyServer& server) {
  return livy::LivyClient::Create(
             {.http = {.url = server.url(), .headers = {{"X-Forwarded-User", user}}}})
      .value();
}

void Show(const char* what, bool allowed) {
  std::printf("%-28s %s\n", what, allowed ? "yes" : "no");
}

void Run() {
  livy::ServerOptions options;
  options.launcher = std::make_unique<livy::testing::FakeLauncher>();
  options.authenticator = std::make_unique<GatewayHeader>();
  options.access_manager = std::make_unique<OwnSessionsOnly>();
  const auto server = livy::LivyServer::Create(std::move(options)).value();

  const auto mine = ClientOf("ada", *server).CreateSession({.kind = livy::Kind::kSql}).value();
  mine.WaitUntilIdle(std::chrono::seconds(30)).value();
  const auto bobs = ClientOf("bob", *server).OpenSession(mine.id()).value();
  const auto auditors = ClientOf("auditor", *server).OpenSession(mine.id()).value();

  Show("Ada runs a statement:", mine.Submit({.code = "select 1"}).has_value());
  Show("Bob runs a statement:", bobs.Submit({.code = "select 1"}).has_value());
  Show("The auditor reads the log:", auditors.Log().has_value());
  Show("The auditor ends the session:", auditors.Delete().has_value());
  Show("Ada ends the session:", mine.Delete().has_value());
}

}  // namespace

int main() try { Run(); } catch (const std::exception& failure) {
  std::fprintf(stderr, "custom_access: %s\n", failure.what());
  return 1;
}
