// Client and server as an embedding program has them: by the public headers only.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <livy/livy.h>
#include <livy/testing/fake_launcher.h>

#include "../scratch.h"

namespace livy {
namespace {

using std::chrono::seconds;

constexpr seconds kPlenty(20);

struct Fixture {
  explicit Fixture(testing::FakeLauncher::Interpreter interpreter = nullptr,
                   ServerOptions options = {}) {
    auto made = interpreter ? std::make_unique<testing::FakeLauncher>(std::move(interpreter))
                            : std::make_unique<testing::FakeLauncher>();
    launcher = made.get();
    options.launcher = std::move(made);
    server = LivyServer::Create(std::move(options)).value();
    client.emplace(LivyClient::Create({.http = {.url = server->url()}}).value());
  }

  testing::FakeLauncher* launcher = nullptr;
  std::unique_ptr<LivyServer> server;
  std::optional<LivyClient> client;
};

TEST_CASE("a statement goes from a client to a driver and its result comes back") {
  Fixture f;
  const SessionHandle session = f.client->CreateSession({.kind = Kind::kPySpark}).value();
  CHECK(session.WaitUntilIdle(kPlenty).value().state == SessionState::kIdle);

  const Statement done = session.Submit({.code = "1 + 1"}).value().Wait(kPlenty).value();

  CHECK(done.state == StatementState::kAvailable);
  CHECK(done.output->text() == "1 + 1");
  CHECK(done.progress == 1);
  CHECK(done.started);
  CHECK(session.Delete());
  CHECK(session.Fetch().error().code == ErrorCode::kNotFound);
}

TEST_CASE("a batch is submitted, followed and waited for") {
  const auto folder =
      std::filesystem::temp_directory_path() / ("livy-embedded-" + std::to_string(getpid()));
  {
    Fixture f(nullptr, {.output_dir = folder});
    const BatchHandle batch =
        f.client->SubmitBatch({.file = "hdfs:/pi.py", .args = {"10"}, .name = "pi"}).value();
    // That it runs is told by another thread.
    const SessionState begun = batch.Fetch()->state;
    CHECK((begun == SessionState::kStarting || begun == SessionState::kRunning));
    CHECK(f.launcher->launches().at(0).file == "hdfs:/pi.py");
    std::jthread writer([&] {
      f.launcher->Write(0, "Pi is roughly 3.14\n");
      f.launcher->Write(0, "bye\n");
      f.launcher->End(0, {.state = ApplicationState::kFinished, .exit_code = 0});
    });
    std::string written;
    OutputPage page;
    while (!page.ended || page.next < page.end) {
      page = batch.Output(page.next, kPlenty).value();
      written += page.text;
    }
    CHECK(written == "Pi is roughly 3.14\nbye\n");
    const Batch ended = batch.Wait(kPlenty).value();
    CHECK(ended.state == SessionState::kSuccess);
    CHECK(ended.log ==
          std::vector<std::string>{"stdout: ", "Pi is roughly 3.14", "bye", "\nstderr: "});
    CHECK(f.client->OpenBatch("pi")->Delete());
    CHECK(batch.Fetch().error().code == ErrorCode::kNotFound);

    const BatchHandle killed = f.client->SubmitBatch({.file = "hdfs:/pi.py"}).value();
    CHECK(killed.Cancel());
    CHECK(killed.Wait(kPlenty)->end_reason == "stopped");
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("a client in the server's own process needs no socket") {
  Fixture f;
  const LivyClient client = LivyClient::Create({.connection = f.server->Connect()}).value();
  const SessionHandle session = client.CreateSession({.kind = Kind::kSql}).value();
  REQUIRE(session.WaitUntilIdle(kPlenty));
  CHECK(session.Submit({.code = "select 1"}).value().Wait(kPlenty).value().output->text() ==
        "select 1");
  CHECK(client.ServerVersion().value() == "0.9.0");
}

TEST_CASE("a statement that fails is a result with its name, value and traceback") {
  Fixture f([](const StatementRequest&) {
    return StatementOutput{
        .ok = false, .ename = "NameError", .evalue = "no 'x'", .traceback = {"line 1\n"}};
  });
  const SessionHandle session = f.client->CreateSession({.kind = Kind::kPySpark}).value();
  REQUIRE(session.WaitUntilIdle(kPlenty));
  const Statement failed = session.Submit({.code = "x"}).value().Wait(kPlenty).value();
  CHECK(failed.state == StatementState::kAvailable);
  REQUIRE(failed.output);
  CHECK_FALSE(failed.output->ok);
  CHECK(failed.output->ename == "NameError");
  CHECK(failed.output->evalue == "no 'x'");
  CHECK(failed.output->traceback == std::vector<std::string>{"line 1\n"});
}

TEST_CASE(
    "twenty statements of five clients at once are all run, once, in the order of their ids") {
  std::vector<std::string> run;
  Fixture f([&](const StatementRequest& statement) {
    run.push_back(statement.code);
    return testing::TextOutput(statement.code);
  });
  const SessionHandle session = f.client->CreateSession({.kind = Kind::kSpark}).value();
  REQUIRE(session.WaitUntilIdle(kPlenty));

  std::vector<std::future<std::vector<Statement>>> clients;
  for (int number = 0; number < 5; ++number) {
    clients.push_back(std::async(std::launch::async, [&, number] {
      const LivyClient mine = LivyClient::Create({.http = {.url = f.server->url()}}).value();
      const SessionHandle same = mine.OpenSession(session.id()).value();
      std::vector<Statement> done;
      for (int i = 0; i < 4; ++i) {
        const std::string code = std::to_string(number) + "." + std::to_string(i);
        done.push_back(same.Submit({.code = code}).value().Wait(kPlenty).value());
      }
      return done;
    }));
  }
  std::vector<std::string> by_id(20);
  for (auto& client : clients) {
    for (const Statement& statement : client.get()) {
      CHECK(statement.output->text() == statement.code);
      by_id.at(static_cast<std::size_t>(statement.id)) = statement.code;
    }
  }
  CHECK(run == by_id);
}

TEST_CASE("a statement can be submitted before there is a driver, and is run when there is one") {
  Fixture f;
  const SessionHandle session = f.client->CreateSession({.kind = Kind::kSpark}).value();
  const JobHandle job = session.Submit({.code = "early"}).value();
  CHECK(job.Wait(kPlenty).value().output->text() == "early");
}

TEST_CASE("a statement's limit of rows reaches the driver") {
  Fixture f([](const StatementRequest& statement) {
    return testing::TextOutput(std::to_string(statement.rows_max.value_or(-1)));
  });
  const SessionHandle session = f.client->CreateSession({.kind = Kind::kSql}).value();
  const auto text = [&](std::optional<int> rows_max) {
    const JobHandle job = session.Submit({.code = "select 1", .rows_max = rows_max}).value();
    return job.Wait(kPlenty).value().output->text();
  };
  CHECK(text(7) == "7");
  CHECK(text({}) == "-1");
  CHECK(session.Submit({.code = "select 1", .rows_max = 0}).error().code ==
        ErrorCode::kInvalidArgument);
}

TEST_CASE("an upload may be larger than other requests, up to its own bound") {
  ServerOptions options;
  options.limits.request_body_bytes_max = 1000;
  options.limits.upload_bytes_max = 2000;
  const Fixture f(nullptr, std::move(options));
  const std::shared_ptr<Connection> http = MakeHttpConnection({.url = f.server->url()}).value();
  const auto status = [&](const std::string& type, std::size_t size) {
    HttpRequest request{.method = "POST",
                        .target = "/sessions/0/upload-file",
                        .headers = {{"Content-Type", type}, {"X-Requested-By", "test"}},
                        .body = std::string(size, 'x')};
    return http->Send(request, kPlenty).value().status;
  };
  CHECK(status("application/json", 1001) == 413);
  CHECK(status("multipart/form-data; boundary=b", 2000) == 404);  // Read, but for no session.
  CHECK(status("multipart/form-data; boundary=b", 2001) == 413);
}

TEST_CASE("a waiting statement is cancelled at once and stays so") {
  std::promise<void> go_on;
  Fixture f([wait = go_on.get_future().share()](const StatementRequest&) {
    wait.wait();
    return testing::TextOutput("done");
  });
  const SessionHandle session = f.client->CreateSession({.kind = Kind::kSpark}).value();
  REQUIRE(session.WaitUntilIdle(kPlenty));
  const JobHandle first = session.Submit({.code = "first"}).value();
  const JobHandle second = session.Submit({.code = "second"}).value();

  REQUIRE(second.Cancel());
  CHECK(second.Fetch().value().state == StatementState::kCancelled);
  go_on.set_value();
  CHECK(first.Wait(kPlenty).value().state == StatementState::kAvailable);
  CHECK(session.WaitUntilIdle(kPlenty));
  CHECK(second.Fetch().value().state == StatementState::kCancelled);
}

TEST_CASE("a driver that ends takes its session with it, and who waits hears of it") {
  std::promise<void> go_on;
  Fixture f([wait = go_on.get_future().share()](const StatementRequest&) {
    wait.wait();
    return testing::TextOutput("done");
  });
  const SessionHandle session = f.client->CreateSession({.kind = Kind::kSpark}).value();
  REQUIRE(session.WaitUntilIdle(kPlenty));
  const JobHandle job = session.Submit({.code = "first"}).value();
  f.launcher->End(0, {.state = ApplicationState::kFailed, .reason = "Out of memory."});
  const Result<Statement> waited = job.Wait(kPlenty);
  REQUIRE_FALSE(waited);
  CHECK(waited.error().message == "Session 0 is dead: Out of memory.");
  go_on.set_value();
  const Result<Session> idle = session.WaitUntilIdle(kPlenty);
  REQUIRE_FALSE(idle);
  CHECK(session.Fetch().value().state == SessionState::kDead);
  CHECK(idle.error().code == ErrorCode::kUnavailable);
  CHECK(idle.error().message.find("Out of memory.") != std::string::npos);
  CHECK(session.Submit({.code = "1"}).error().code == ErrorCode::kUnavailable);
}

TEST_CASE("sessions are found by name and listed in the order of their creation") {
  Fixture f;
  f.launcher->StopAnswering();
  for (const char* name : {"b", "a", "c d"}) {
    REQUIRE(f.client->CreateSession({.kind = Kind::kSql, .name = name}));
  }
  CHECK(f.client->OpenSession("c d").value().id() == 2);
  CHECK(f.client->OpenSession("nosuch").error().code == ErrorCode::kNotFound);
  std::vector<std::string> names;
  for (const Result<Session>& session : f.client->Sessions()) {
    names.push_back(session.value().request.name.value());
  }
  CHECK(names == std::vector<std::string>{"b", "a", "c d"});
}

TEST_CASE("two servers live in one process, and a taken port is refused") {
  Fixture first;
  Fixture second;
  CHECK(first.server->port() != second.server->port());
  ServerOptions same = {.port = first.server->port()};
  same.launcher = std::make_unique<testing::FakeLauncher>();
  const auto refused = LivyServer::Create(std::move(same));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(refused.error().message.find(std::to_string(first.server->port())) != std::string::npos);
}

// Its applications run until they are killed, and so over the lives of servers.
struct PatientLauncher : Launcher {
  struct App : Application {
    App(std::atomic<int>& kills, ApplicationObserver observer)
        : kills(kills), observer(std::move(observer)) {}
    void Kill() override {
      ++kills;
      observer({.state = ApplicationState::kKilled});
    }
    LogPage Log(int, int) const override { return {}; }
    void ForgetSettings() override {}
    std::string Handle() const override { return "app"; }
    std::atomic<int>& kills;
    ApplicationObserver observer;
  };

  explicit PatientLauncher(std::atomic<int>& kills) : kills(kills) {}
  Result<std::unique_ptr<Application>> Launch(const LaunchRequest&,
                                              ApplicationObserver observer) override {
    return std::make_unique<App>(kills, std::move(observer));
  }
  Result<std::string> HandleFor(const LaunchRequest&) const override { return std::string("app"); }
  Result<std::unique_ptr<Application>> Recover(const std::string&, const std::string&,
                                               ApplicationObserver observer) override {
    return std::make_unique<App>(kills, std::move(observer));
  }
  std::string Describe() const override { return "patience"; }

  std::atomic<int>& kills;
};

TEST_CASE("a server that does not start leaves what an earlier one has launched") {
  const testing::Scratch scratch;
  const std::filesystem::path file = scratch.path() / "state.db";
  std::atomic<int> kills = 0;
  const auto start = [&](int port, Recovery recovery) {
    ServerOptions options = {.port = port};
    options.recovery = recovery;
    options.store = OpenSqliteStore(file).value();
    options.launcher = std::make_unique<PatientLauncher>(kills);
    return LivyServer::Create(std::move(options));
  };
  {
    const auto first = start(0, Recovery::kAlways).value();
    const LivyClient client = LivyClient::Create({.connection = first->Connect()}).value();
    REQUIRE(client.CreateSession({}));
    REQUIRE(client.SubmitBatch({.file = "hdfs:/a.jar"}));
  }
  Fixture other;
  CHECK_FALSE(start(other.server->port(), Recovery::kAfterCrash));
  REQUIRE(OpenSqliteStore(file).value()->Apply({{"v1/batch/state", "broken"}}));
  CHECK_FALSE(start(0, Recovery::kAfterCrash));
  CHECK(kills == 0);

  REQUIRE(OpenSqliteStore(file).value()->Apply({{"v1/batch/state", std::nullopt}}));
  const auto last = start(0, Recovery::kAfterCrash).value();
  const LivyClient client = LivyClient::Create({.connection = last->Connect()}).value();
  CHECK(client.OpenSession(0));
  CHECK(client.OpenBatch(0));
  last->Stop();
  CHECK(kills == 2);
}

TEST_CASE("stopping a server ends its sessions and answers who waits") {
  Fixture f;
  const SessionHandle session = f.client->CreateSession({.kind = Kind::kSpark}).value();
  REQUIRE(session.WaitUntilIdle(kPlenty));
  f.server->Stop();
  f.server->Stop();
  CHECK_FALSE(session.Fetch());
}

TEST_CASE("half a certificate is refused") {
  const auto refused = LivyServer::Create({.key_file = "/nowhere/key.pem"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("a default runtime that is none is refused") {
  const auto refused = LivyServer::Create({.spark = {.default_runtime = "spark4"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == Error{ErrorCode::kInvalidArgument,
                                 "default_runtime is 'spark4', which is not among the runtimes."});
}

// Parts of an embedder that do what they must not.
struct ThrowingStore : Store {
  Result<void> Apply(const std::vector<StoreChange>& changes) override {
    if (changes.at(0).key.starts_with("v1/interactive")) throw std::runtime_error("disk");
    return {};
  }
  Result<std::optional<std::string>> Get(std::string_view) const override { return std::nullopt; }
  Result<std::vector<std::string>> Children(std::string_view) const override {
    return std::vector<std::string>();
  }
};

struct ThrowingLauncher : testing::FakeLauncher {
  Result<std::unique_ptr<Application>> Launch(const LaunchRequest&, ApplicationObserver) override {
    throw std::runtime_error("no cluster");
  }
};

TEST_CASE("a part that throws fails the request and not the program") {
  ServerOptions options;
  options.launcher = std::make_unique<ThrowingLauncher>();
  const auto server = LivyServer::Create(std::move(options)).value();
  const LivyClient client = LivyClient::Create({.connection = server->Connect()}).value();
  const SessionHandle session = client.CreateSession({}).value();
  const Result<Session> idle = session.WaitUntilIdle(kPlenty);
  REQUIRE_FALSE(idle);
  CHECK(idle.error().message.find("no cluster") != std::string::npos);

  Fixture f(nullptr, {.store = std::make_unique<ThrowingStore>()});
  const Result<SessionHandle> refused = f.client->CreateSession({});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("disk") != std::string::npos);
}

TEST_CASE("a launch that fails gives a dead session with the reason") {
  Fixture f;
  f.launcher->Fail({ErrorCode::kUnavailable, "There is no Java."});
  const SessionHandle session = f.client->CreateSession({}).value();
  const Result<Session> idle = session.WaitUntilIdle(kPlenty);
  REQUIRE_FALSE(idle);
  CHECK(idle.error().message.find("There is no Java.") != std::string::npos);
}

TEST_CASE("a server may go as soon as its sessions have ended") {
  // Whoever ends last, the launcher's thread or ours, must find what it needs.
  // No sockets here, whose closing would give the other thread time.
  for (int i = 0; i < 50; ++i) {
    Fixture f;
    const LivyClient client = LivyClient::Create({.connection = f.server->Connect()}).value();
    const SessionHandle session = client.CreateSession({.kind = Kind::kSql}).value();
    REQUIRE(session.WaitUntilIdle(kPlenty));
    if (i % 2 == 0) CHECK(session.Delete());
  }
}

// Tells that it has gone.
class GoingLog : public LogSink {
 public:
  explicit GoingLog(bool& has_gone) : has_gone_(has_gone) {}
  ~GoingLog() override { has_gone_ = true; }
  void Write(LogLevel, std::string_view, std::string_view) override {}

 private:
  bool& has_gone_;
};

// Looks for its log when it goes, as one with threads does that write.
class LookingLauncher : public testing::FakeLauncher {
 public:
  LookingLauncher(const bool& log_has_gone, bool& had_log)
      : log_has_gone_(log_has_gone), had_log_(had_log) {}
  ~LookingLauncher() override { had_log_ = !log_has_gone_; }

 private:
  const bool& log_has_gone_;
  bool& had_log_;
};

TEST_CASE("a server's launcher ends before the log that it may write to") {
  bool log_has_gone = false;
  bool had_log = false;
  ServerOptions options;
  options.launcher = std::make_unique<LookingLauncher>(log_has_gone, had_log);
  options.log = std::make_unique<GoingLog>(log_has_gone);
  LivyServer::Create(std::move(options)).value().reset();
  CHECK(had_log);
  CHECK(log_has_gone);
}

}  // namespace
}  // namespace livy
