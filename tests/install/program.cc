// A program of somebody else: a server and a client of it in one process, with a launcher of its
// own, from nothing but an installed liblivy. Prints the server's version, and the sessions.
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include <livy/livy.h>

namespace {

// An application that is up at once and ends when it is told to.
class Idle : public livy::Application {
 public:
  explicit Idle(livy::ApplicationObserver observer) : observer_(std::move(observer)) {}

  void Start() { observer_({.state = livy::ApplicationState::kRunning}); }
  livy::LogPage Log(int, int) const override { return {}; }
  void ForgetSettings() override {}
  std::string Handle() const override { return ""; }
  void Kill() override { observer_({.state = livy::ApplicationState::kKilled}); }

 private:
  livy::ApplicationObserver observer_;
};

class IdleLauncher : public livy::Launcher {
 public:
  livy::Result<std::unique_ptr<livy::Application>> Launch(
      const livy::LaunchRequest&, livy::ApplicationObserver observer) override {
    auto application = std::make_unique<Idle>(std::move(observer));
    application->Start();
    return std::unique_ptr<livy::Application>(std::move(application));
  }

  livy::Result<std::unique_ptr<livy::Application>> Recover(const std::string&, const std::string&,
                                                           livy::ApplicationObserver) override {
    return livy::Error{livy::ErrorCode::kNotFound, "Nothing is ever found again."};
  }
  std::string Describe() const override { return "nothing"; }
};

livy::Result<void> Run() {
  livy::ServerOptions options;
  options.launcher = std::make_unique<IdleLauncher>();
  auto server = livy::LivyServer::Create(std::move(options));
  if (!server) return server.error();

  auto client = livy::LivyClient::Create({.connection = (*server)->Connect()});
  if (!client) return client.error();
  auto version = client->ServerVersion();
  if (!version) return version.error();
  std::cout << "version " << *version << "\n";

  auto session = client->CreateSession({.kind = livy::Kind::kSpark, .name = "mine"});
  if (!session) return session.error();
  for (const livy::Result<livy::Session>& listed : client->Sessions()) {
    if (!listed) return listed.error();
    std::cout << "session " << listed->id << " " << listed->request.name.value_or("") << "\n";
  }
  return {};
}

}  // namespace

int main() {
  const livy::Result<void> ran = Run();
  if (!ran) std::cerr << "program: " << ran.error().message << "\n";
  return ran ? 0 : 1;
}
