// A LivyServer whose drivers are threads of its own, for bench/run to put load on.
//
//   stub_server MODE SESSIONS [SQLITE_FILE]
//
// MODE says what its sessions do:
//   answer   give the time of the monotonic clock, in nanoseconds, for any code
//   hold     run a statement until a line arrives on standard input, and then print that time
//   silent   stay `starting`, with a log of ten lines as a driver writes them
//
// Prints "listening on URL" once its sessions are there, and ends on SIGTERM.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <livy/livy.h>
#include <livy/testing/fake_launcher.h>

namespace {

using livy::Result;

constexpr std::chrono::minutes kReadyMax{5};

long long Nanos() {
  static const std::unique_ptr<livy::Clock> clock = livy::MakeSystemClock();
  return clock->Now().time_since_epoch().count();
}

livy::StatementOutput TellTime(const livy::StatementRequest&) {
  return livy::testing::TextOutput(std::to_string(Nanos()));
}

livy::StatementOutput Hold(const livy::StatementRequest& statement) {
  std::string line;
  std::getline(std::cin, line);
  fmt::print("{}\n", Nanos());
  std::fflush(stdout);
  return TellTime(statement);
}

// What a page of sessions shows of each is mostly the end of its log.
class SilentApplication : public livy::Application {
 public:
  explicit SilentApplication(livy::ApplicationObserver observer) : observer_(std::move(observer)) {}

  livy::LogPage Log(int, int) const override {
    livy::LogPage page = {.from = 0, .total = 10};
    for (int line = 0; line < page.total; ++line) {
      page.lines.push_back(
          fmt::format("26/11/21 07:00:0{} INFO SparkContext: Running Spark version 3.5.7, and "
                      "as much text as such a line has.",
                      line));
    }
    return page;
  }

  void ForgetSettings() override {}
  std::string Handle() const override { return ""; }
  void Kill() override { observer_({.state = livy::ApplicationState::kKilled}); }

 private:
  const livy::ApplicationObserver observer_;
};

class SilentLauncher : public livy::Launcher {
 public:
  Result<std::unique_ptr<livy::Application>> Launch(const livy::LaunchRequest&,
                                                    livy::ApplicationObserver observer) override {
    return std::make_unique<SilentApplication>(std::move(observer));
  }
  Result<std::unique_ptr<livy::Application>> Recover(const std::string&, const std::string&,
                                                     livy::ApplicationObserver) override {
    return livy::Error{livy::ErrorCode::kNotFound, "Nothing is ever found again."};
  }
  std::string Describe() const override { return "applications without a driver"; }
};

std::unique_ptr<livy::Launcher> MakeLauncher(std::string_view mode) {
  if (mode == "silent") return std::make_unique<SilentLauncher>();
  return std::make_unique<livy::testing::FakeLauncher>(mode == "hold" ? Hold : TellTime);
}

Result<std::unique_ptr<livy::LivyServer>> Start(std::string_view mode, int sessions,
                                                const char* sqlite_file) {
  livy::ServerOptions options;
  options.launcher = MakeLauncher(mode);
  options.limits.sessions_max = sessions + 1;
  options.limits.creations_max = sessions + 1;
  options.limits.keep_alive_timeout = std::chrono::minutes(10);
  // Sessions that are silent on purpose are not to be given up.
  options.driver_connect_timeout = std::chrono::hours(1);
  options.driver_shutdown_timeout = std::chrono::seconds(1);
  if (sqlite_file != nullptr) {
    Result<std::unique_ptr<livy::Store>> store = livy::OpenSqliteStore(sqlite_file);
    if (!store) return store.error();
    options.store = *std::move(store);
  }
  return livy::LivyServer::Create(std::move(options));
}

Result<void> AddSessions(livy::LivyServer& server, std::string_view mode, int count) {
  const Result<livy::LivyClient> client =
      livy::LivyClient::Create({.connection = server.Connect()});
  if (!client) return client.error();
  std::vector<livy::SessionHandle> sessions;
  for (int i = 0; i < count; ++i) {
    const Result<livy::SessionHandle> session =
        client->CreateSession({.kind = livy::Kind::kPySpark});
    if (!session) return session.error();
    sessions.push_back(*session);
  }
  if (mode == "silent") return {};
  for (const livy::SessionHandle& session : sessions) {
    if (const auto idle = session.WaitUntilIdle(kReadyMax); !idle) return idle.error();
  }
  return {};
}

int Fail(const livy::Error& error) {
  fmt::print(stderr, "stub_server: {}\n", error.message);
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: stub_server answer|hold|silent SESSIONS [SQLITE_FILE]\n");
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const int sessions = std::atoi(argv[2]);
  const auto server = Start(argv[1], sessions, argc > 3 ? argv[3] : nullptr);
  if (!server) return Fail(server.error());
  if (const auto added = AddSessions(**server, argv[1], sessions); !added) {
    return Fail(added.error());
  }
  fmt::print("listening on {}\n", (*server)->url());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  return EXIT_SUCCESS;
}
