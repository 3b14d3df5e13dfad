// A program that uses the system's cpp-httplib beside liblivy: a client of each asks a server of
// the other. Prints what it saw.
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <httplib.h>

#include <livy/livy.h>
#include <livy/testing/fake_launcher.h>

namespace {

livy::Result<void> AskTheirs() {
  httplib::Server theirs;
  theirs.Post("/echo", [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(request.body, "text/plain");
  });
  const int port = theirs.bind_to_any_port("127.0.0.1");
  std::thread thread([&theirs] { theirs.listen_after_bind(); });
  auto connection = livy::MakeHttpConnection({.url = "http://127.0.0.1:" + std::to_string(port)});
  livy::Result<void> asked;
  for (int i = 0; i < 2 && connection && asked; ++i) {
    const auto answer = (*connection)
                            ->Send({.method = "POST", .target = "/echo", .body = "hello"},
                                   std::chrono::seconds(10));
    if (!answer) asked = answer.error();
    if (answer) std::cout << "theirs " << answer->status << " " << answer->body << "\n";
  }
  connection = livy::Error{};  // Their server waits for clients that keep a connection.
  theirs.stop();
  thread.join();
  return asked;
}

livy::Result<void> AskOurs() {
  livy::ServerOptions options;
  options.launcher = std::make_unique<livy::testing::FakeLauncher>();
  auto ours = livy::LivyServer::Create(std::move(options));
  if (!ours) return ours.error();
  httplib::Client client("127.0.0.1", (*ours)->port());
  const httplib::Result answer =
      client.Post("/sessions", "{\"kind\": \"none\"}", "application/json");
  if (!answer) return livy::Error{livy::ErrorCode::kUnavailable, "Their client got no answer."};
  std::cout << "ours " << answer->status << "\n";
  return {};
}

}  // namespace

int main() {
  for (const livy::Result<void>& asked : {AskTheirs(), AskOurs()}) {
    if (asked) continue;
    std::cerr << "foreign_debian: " << asked.error().message << "\n";
    return 1;
  }
  return 0;
}
