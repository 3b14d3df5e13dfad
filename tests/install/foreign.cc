// A program that holds another httplib beside liblivy: a server and a client of ours talk over a
// socket, and its own classes stay what they are. Prints what it saw.
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include <livy/livy.h>

#include "foreign_httplib.h"

namespace {

class NoLauncher : public livy::Launcher {
 public:
  livy::Result<std::unique_ptr<livy::Application>> Launch(const livy::LaunchRequest&,
                                                          livy::ApplicationObserver) override {
    return livy::Error{livy::ErrorCode::kUnavailable, "Nothing is launched here."};
  }
  livy::Result<std::unique_ptr<livy::Application>> Recover(const std::string&, const std::string&,
                                                           livy::ApplicationObserver) override {
    return livy::Error{livy::ErrorCode::kNotFound, "Nothing is ever found again."};
  }
  std::string Describe() const override { return "nothing"; }
};

livy::Result<void> Talk() {
  livy::ServerOptions options;
  options.launcher = std::make_unique<NoLauncher>();
  auto server = livy::LivyServer::Create(std::move(options));
  if (!server) return server.error();
  const std::string url = "http://127.0.0.1:" + std::to_string((*server)->port());
  auto connection = livy::MakeHttpConnection({.url = url});
  if (!connection) return connection.error();

  const auto posted = (*connection)
                          ->Send({.method = "POST",
                                  .target = "/sessions",
                                  .headers = {{"Content-Type", "application/json"}},
                                  .body = "{\"kind\": \"none\"}"},
                                 std::chrono::seconds(10));
  if (!posted) return posted.error();
  std::cout << "posted " << posted->status << "\n";

  auto client = livy::LivyClient::Create({.connection = *connection});
  if (!client) return client.error();
  auto version = client->ServerVersion();
  if (!version) return version.error();
  std::cout << "version " << *version << "\n";
  return {};
}

}  // namespace

int main() {
  const auto foreign = std::make_unique<httplib::Server>();
  const auto other = std::make_unique<httplib::Client>("there");
  const httplib::Request request;
  const httplib::Response response;
  const livy::Result<void> talked = Talk();
  if (!talked) std::cerr << "foreign: " << talked.error().message << "\n";
  std::cout << foreign->name() << ", " << other->name() << ", " << request.mark << ", "
            << response.mark << ", " << foreign->is_valid() << other->is_valid() << "\n";
  return talked ? 0 : 1;
}
