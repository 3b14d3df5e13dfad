// What a server finds in the store of an earlier one.
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "driver_link/driver_listener.h"
#include "scratch.h"
#include "server/fakes.h"
#include "server/session_manager.h"
#include "server/stored_records.h"

namespace livy::internal {
namespace {

using std::chrono::minutes;

// The sessions of one server after another, over one store. The first one's are there at once.
struct Servers {
  Servers() { StartServer(); }
  ~Servers() { timer->Stop(); }

  void StartServer() {
    timer = std::make_unique<Timer>(clock);
    applications.emplace(100);
    history.emplace(HistoryOptions{.retain = std::chrono::hours(24), .bytes_max = 1 << 20}, store,
                    clock, *timer, *log);
    services.emplace(SessionServices{.store = store,
                                     .history = *history,
                                     .clock = clock,
                                     .timer = *timer,
                                     .log = *log,
                                     .applications = *applications,
                                     .limits = {},
                                     .output = output});
    listener = DriverListener::Create({}).value();
    sessions.emplace(SessionManagerOptions{.spark = spark, .state_retain = minutes(10)}, *services,
                     launcher, *listener);
    REQUIRE(sessions->Load());
  }

  // As kill -9: nothing is told to anybody.
  void Crash() {
    sessions->DropAll();
    timer->Stop();
    sessions.reset();
    launcher.processes.clear();
    StartServer();
  }

  std::shared_ptr<InteractiveSession> Create(SessionRequest request = {.kind = Kind::kSpark}) {
    auto session = sessions->Create(std::move(request), "ada", sessions->TakePlace()).value();
    session->OnDriverConnected("boot 1");
    Happens(*session, {{.what = StateEvent{.state = SessionState::kIdle}}});
    return session;
  }
  static void Happens(InteractiveSession& session, std::vector<DriverEvent> events) {
    std::int64_t number = 0;
    for (DriverEvent& event : events)
      event.number = ++number;
    REQUIRE(session.OnDriverEvents(events));
  }
  std::shared_ptr<InteractiveSession> Find(std::string_view key) { return sessions->Find(key); }

  // Returns when the timer has made its calls until then.
  void AdvanceThrough(Clock::Duration period) {
    std::promise<void> passed;
    timer->After(period, [&] { passed.set_value(); });
    clock.Advance(period);
    passed.get_future().wait();
  }

  testing::FakeClock clock = {};
  FailingStore backing = {};
  std::unique_ptr<LogSink> log = MakeNullLogSink();
  StoreWriter writer{{}, backing, clock, *log, StoreThread::kCallers};
  SessionStore store{writer};
  ManualLauncher launcher = {};
  OutputOptions output = {};
  std::optional<std::string> stored_then = {};
  SparkRules spark = {};
  std::unique_ptr<Timer> timer;
  std::optional<ApplicationCount> applications;
  std::optional<SessionHistory> history;
  std::optional<SessionServices> services;
  std::unique_ptr<DriverListener> listener;
  std::optional<SessionManager> sessions;
};

TEST_CASE("a session is the same after a crash of its server, and its statements are there") {
  Servers servers;
  SessionRequest request = {.kind = Kind::kPySpark,
                            .proxy_user = "bob",
                            .jars = {"hdfs:/a.jar"},
                            .driver_memory = "1g",
                            .num_executors = 3,
                            .name = "mine",
                            .conf = {{"spark.x", "y"}},
                            .heartbeat_timeout_s = 60,
                            .ttl = "9h",
                            .idle_timeout = "2h"};
  auto session = servers.Create(request);
  session->Submit("1", Kind::kPySpark).value();
  session->Submit("2", Kind::kSql, 5).value();
  const Statement::Time at(std::chrono::milliseconds(5));
  Servers::Happens(*session,
                   {{.what = StartedEvent{.id = 0, .at = at}},
                    {.what = FinishedEvent{.id = 0, .at = at, .output_json = R"({"x":1.50})"}}});
  const Session before = session->View();
  session.reset();

  servers.Crash();
  session = servers.Find("mine");
  REQUIRE(session);
  Session after = session->View();
  CHECK(after.state == SessionState::kRecovering);
  after.state = before.state;
  after.log = before.log;
  CHECK(after == before);
  CHECK(*session->FindStatement(0)->output_json == R"({"x":1.50})");
  CHECK(session->FindStatement(0)->state == StatementState::kAvailable);
  CHECK(session->FindStatement(0)->started == at);
  CHECK(session->FindStatement(1)->state == StatementState::kWaiting);
  CHECK(session->FindStatement(1)->kind == Kind::kSql);
  CHECK(*session->FindStatement(1)->code == "2");
  CHECK(session->FindStatement(1)->rows_max == 5);
  CHECK(session->Submit("3", Kind::kSql)->id == 2);
  REQUIRE(servers.launcher.recovered.size() == 1);
  CHECK(servers.launcher.recovered[0].starts_with("livy-session-0-"));
  CHECK(servers.launcher.recovered[0].find(" handle of livy-session-0-") != std::string::npos);
  CHECK(servers.Create()->id() == 1);
}

TEST_CASE("a result that came while the server was away arrives once") {
  Servers servers;
  servers.Create()->Submit("1", Kind::kSpark).value();
  servers.Crash();
  const auto session = servers.Find("0");
  session->OnDriverConnected("boot 1");
  const Statement::Time at(std::chrono::milliseconds(5));
  const std::vector<DriverEvent> events = {
      {.what = StateEvent{.state = SessionState::kBusy}},
      {.what = FinishedEvent{.id = 0, .at = at, .output_json = R"("first")"}}};
  Servers::Happens(*session, events);
  CHECK(session->FindStatement(0)->state == StatementState::kAvailable);
  // The acknowledgement was lost with yet another server.
  servers.Crash();
  Servers::Happens(*servers.Find("0"), events);
  CHECK(*servers.Find("0")->FindStatement(0)->output_json == R"("first")");
  Servers::Happens(*servers.Find("0"), {{.what = StateEvent{.state = SessionState::kIdle}}});
  CHECK(servers.Find("0")->state() == SessionState::kIdle);
}

TEST_CASE("the driver's secret and boot are those of before") {
  Servers servers;
  servers.Create();
  const DriverCredentials before = servers.store.LoadSession(0)->driver;
  CHECK(before.secret.size() == 64);
  CHECK(before.boot == "boot 1");
  servers.Crash();
  CHECK(servers.store.LoadSession(0)->driver.secret == before.secret);
  CHECK(servers.store.LoadSession(0)->driver.boot == "boot 1");
}

TEST_CASE("a session whose driver is gone is dead, with the reason, and its statements are final") {
  Servers servers;
  servers.Create()->Submit("1", Kind::kSpark).value();
  servers.launcher.failure = Error{ErrorCode::kNotFound, "The process 7 has ended."};
  servers.Crash();
  const Session view = servers.Find("0")->View();
  CHECK(view.state == SessionState::kDead);
  CHECK(view.end_reason == "the driver is gone since its server went: The process 7 has ended.");
  CHECK(servers.Find("0")->FindStatement(0)->state == StatementState::kCancelled);
  CHECK(servers.store.LoadSession(0)->end.has_value());
}

TEST_CASE("a driver that was being launched when its server died is looked for by its tag") {
  Servers servers;
  servers.launcher.before_return = [&] {
    // The server dies before it is told what it has launched.
    servers.stored_then = servers.backing.Get("v1/interactive/0").value();
  };
  servers.Create();
  REQUIRE(servers.stored_then);
  REQUIRE(servers.backing.Apply({{"v1/interactive/0", servers.stored_then}}));
  servers.Crash();
  CHECK(servers.Find("0")->state() == SessionState::kRecovering);
  REQUIRE(servers.launcher.recovered.size() == 1);
  CHECK(servers.launcher.recovered[0].starts_with("livy-session-0-"));
  CHECK(servers.launcher.recovered[0].ends_with(" "));
}

TEST_CASE("what a launcher knows of a handle before the launch is there if its server dies then") {
  Servers servers;
  servers.launcher.handle_prefix = "on a cluster, ";
  servers.launcher.before_return = [&] {
    servers.stored_then = servers.backing.Get("v1/interactive/0").value();
  };
  servers.Create();
  REQUIRE(servers.backing.Apply({{"v1/interactive/0", servers.stored_then}}));
  servers.Crash();
  REQUIRE(servers.launcher.recovered.size() == 1);
  const std::string tag = servers.launcher.requests[0].tag;
  CHECK(servers.launcher.recovered[0] == tag + " on a cluster, " + tag);
}

TEST_CASE("a session that cannot be followed any more says so, and not that its driver is gone") {
  Servers servers;
  servers.Create();
  servers.launcher.failure = Error{ErrorCode::kUnavailable, "its runtime 'old' is not there"};
  servers.Crash();
  CHECK(servers.Find("0")->View().end_reason ==
        "the driver cannot be followed any more: its runtime 'old' is not there");
}

TEST_CASE("a session's runtime is known after a crash") {
  Servers servers;
  servers.spark = {.runtimes = {{"old", {}}}, .default_runtime = "old"};
  servers.Crash();
  servers.Create();
  servers.spark = {};
  servers.Crash();
  CHECK(servers.Find("0")->View().request.runtime == "old");
}

TEST_CASE("a session whose driver does not dial in is ended as one that never came up") {
  Servers servers;
  servers.Create();
  servers.Crash();
  servers.AdvanceThrough(std::chrono::seconds(90));
  CHECK(servers.Find("0")->state() == SessionState::kShuttingDown);
  CHECK(servers.launcher.processes.at(0)->kills == 1);
}

TEST_CASE("a session that had ended is still listed, and forgotten when its time is over") {
  Servers servers;
  servers.Create({.kind = Kind::kSpark, .name = "n"});
  servers.launcher.processes.at(0)->observer({.state = ApplicationState::kFailed,
                                              .reason = "spark-submit exited with status 3",
                                              .exit_code = 3});
  const Session before = servers.Find("0")->View();
  servers.clock.Advance(minutes(4));
  servers.Crash();
  const Session after = servers.Find("n")->View();
  CHECK(after.state == SessionState::kDead);
  CHECK(after.end_reason == before.end_reason);
  CHECK(after.exit_code == 3);
  CHECK(servers.launcher.recovered.empty());
  servers.AdvanceThrough(minutes(6));
  CHECK_FALSE(servers.Find("0"));
  CHECK(servers.store.LoadSession(0)->removal.has_value());
}

TEST_CASE("a session has the log of its earlier servers again") {
  const testing::Scratch scratch;
  Servers servers;
  servers.output = {.folder = scratch.path(), .bytes_max = 1 << 20};
  servers.Crash();
  servers.Create();
  servers.launcher.requests.at(0).output("one\ntwo\n");
  servers.Crash();
  using Lines = std::vector<std::string>;
  CHECK(servers.sessions->Find("0")->Log(0, -1).lines ==
        Lines{"stdout: ", "one", "two", "\nstderr: "});
}

TEST_CASE("the time to live goes on while no server is there") {
  Servers servers;
  servers.Create({.kind = Kind::kSpark, .ttl = "1h"});
  servers.clock.Advance(minutes(50));
  servers.Crash();
  servers.AdvanceThrough(minutes(10));
  CHECK(servers.Find("0")->state() == SessionState::kShuttingDown);
}

TEST_CASE("a clock that is set on or back ends nothing while the server is there") {
  Servers servers;
  auto session = servers.Create({.kind = Kind::kSpark, .ttl = "1h"});
  session->Submit("1", Kind::kSpark).value();
  servers.clock.SetWall(std::chrono::hours(100));
  servers.clock.Advance(minutes(1));
  servers.clock.SetWall(std::chrono::hours(-200));
  servers.clock.Advance(minutes(1));
  CHECK(session->state() == SessionState::kBusy);
  Servers::Happens(*session, {{.what = FinishedEvent{.id = 0}}});
  CHECK(session->FindStatement(0)->state == StatementState::kAvailable);
}

TEST_CASE("a session that seems to begin in the future lives as long as one that begins now") {
  Servers servers;
  servers.Create({.kind = Kind::kSpark, .ttl = "1h"});
  servers.clock.SetWall(std::chrono::hours(-100));
  servers.Crash();
  servers.Find("0")->OnDriverConnected("boot 1");
  servers.AdvanceThrough(minutes(59));
  CHECK(servers.Find("0")->state() == SessionState::kRecovering);
  servers.AdvanceThrough(minutes(1));
  CHECK(servers.Find("0")->state() == SessionState::kShuttingDown);
}

TEST_CASE("a statement that was being cancelled is cancelled once more") {
  Servers servers;
  auto session = servers.Create();
  session->Submit("1", Kind::kSpark).value();
  Servers::Happens(*session, {{.what = StartedEvent{.id = 0}}});
  REQUIRE(session->CancelStatement(0));
  session.reset();
  servers.Crash();
  CHECK(servers.Find("0")->FindStatement(0)->state == StatementState::kCancelling);
  Servers::Happens(*servers.Find("0"),
                   {{.what = FinishedEvent{.id = 0, .state = StatementState::kCancelled}}});
  CHECK(servers.Find("0")->FindStatement(0)->state == StatementState::kCancelled);
}

TEST_CASE("history is still there after a crash, and not in the list") {
  Servers servers;
  servers.Create({.kind = Kind::kSpark, .name = "n"});
  servers.launcher.processes.at(0)->observer({.state = ApplicationState::kKilled});
  std::promise<void> removed;
  servers.sessions->Delete(servers.Find("0"), "over",
                           [&](const Result<bool>&) { removed.set_value(); });
  removed.get_future().wait();
  servers.Crash();
  CHECK_FALSE(servers.Find("n"));
  CHECK(servers.sessions->EndedIds() == std::vector<int>{0});
  CHECK(servers.sessions->LoadEnded(0)->end->state == SessionState::kKilled);
  CHECK(servers.sessions->LoadEnded(0)->driver.secret.empty());
}

TEST_CASE("ids go on where an earlier server stopped, even if no session is left") {
  Servers servers;
  servers.Create();
  std::promise<void> removed;
  servers.sessions->Delete(servers.Find("0"), "over",
                           [&](const Result<bool>&) { removed.set_value(); });
  servers.launcher.processes.at(0)->observer({.state = ApplicationState::kKilled});
  removed.get_future().wait();
  servers.Crash();
  CHECK(servers.Create()->id() == 1);
}

TEST_CASE("a damaged record is left out and left alone, and the others are there") {
  Servers servers;
  servers.Create();
  servers.Create();
  REQUIRE(servers.backing.Apply({{"v1/interactive/0", "{\"id\":0"}, {"v1/interactive/x", "?"}}));
  servers.Crash();
  CHECK_FALSE(servers.Find("0"));
  CHECK(servers.Find("1"));
  CHECK(servers.backing.Get("v1/interactive/0").value() == "{\"id\":0");
}

TEST_CASE("a damaged statement is left out alone, and its id is not given again") {
  Servers servers;
  servers.Create();
  for (int id = 0; id < 3; ++id)
    servers.Find("0")->Submit("1", Kind::kSpark).value();
  REQUIRE(servers.backing.Apply({{"v1/interactive/0/statements/0", "?"}}));
  REQUIRE(servers.backing.Apply({{"v1/interactive/0/statements/2", "?"}}));
  servers.Crash();
  REQUIRE(servers.Find("0"));
  CHECK_FALSE(servers.Find("0")->FindStatement(0));
  CHECK(servers.Find("0")->FindStatement(1));
  CHECK(servers.Find("0")->Submit("1", Kind::kSpark).value().id == 3);
}

TEST_CASE("ids go on behind those that are there, though the counter is lost or at its end") {
  Servers servers;
  servers.Create();
  servers.Create();
  REQUIRE(servers.backing.Apply({{"v1/interactive/state", std::nullopt}}));
  servers.Crash();
  CHECK(servers.Create()->id() == 2);
  REQUIRE(servers.backing.Apply({{"v1/interactive/state", R"({"nextSessionId":2147483647})"}}));
  servers.Crash();
  CHECK(servers.sessions->Create({.kind = Kind::kSpark}, "ada", servers.sessions->TakePlace())
            .error() == Error{ErrorCode::kResourceExhausted, "All ids have been given."});
  CHECK(servers.sessions->Load());
}

TEST_CASE("a record that cannot be read now stops the server, and costs no session") {
  Servers servers;
  servers.Create();
  servers.backing.unreadable = "v1/interactive/0";
  CHECK(servers.sessions->Load().error() == Error{ErrorCode::kUnavailable, "It does not answer."});
}

TEST_CASE("a damaged counter stops the server, because ids would come twice") {
  Servers servers;
  REQUIRE(servers.backing.Apply({{"v1/interactive/state", "broken"}}));
  CHECK_FALSE(servers.sessions->Load());
}

TEST_CASE("a session of Apache Livy's, whose driver speaks another language, is dead") {
  Servers servers;
  REQUIRE(servers.backing.Apply(
      {{"v1/interactive/state", R"({"nextSessionId":4})"},
       {"v1/interactive/3",
        R"({"id":3,"name":"nb","appId":"application_1_0001","appTag":"livy-session-3-ab12cd34",)"
        R"("kind":"spark","heartbeatTimeoutS":0,"owner":"alice","ttl":null,"idleTimeout":null,)"
        R"("driverMemory":null,"driverCores":2,"executorMemory":null,"executorCores":null,)"
        R"("conf":{"a":"b"},"archives":[],"files":[],"jars":["x"],"numExecutors":null,)"
        R"("pyFiles":[],"queue":null,"proxyUser":"alice","more":{},)"
        R"("rscDriverUri":"rsc://6d1f:0a4b@10.0.0.5:10001","version":1})"}}));
  servers.Crash();
  const Session view = servers.Find("nb")->View();
  CHECK(view.state == SessionState::kDead);
  CHECK(view.owner == "alice");
  CHECK(view.request.driver_cores == 2);
  CHECK(view.request.conf.at("a") == "b");
  CHECK(view.end_reason->find("Apache Livy") != std::string::npos);
  CHECK(servers.Create()->id() == 4);
}

TEST_CASE("an application is asked for its handle while its session can be looked at") {
  Servers servers;
  std::future<SessionState> state;
  bool could_be_seen = true;
  servers.launcher.on_handle = [&] {
    state = std::async(std::launch::async, [&] { return servers.Find("0")->state(); });
    if (state.wait_for(std::chrono::seconds(10)) != std::future_status::ready)
      could_be_seen = false;
  };
  servers.Create();
  CHECK(state.valid());
  CHECK(could_be_seen);
}

}  // namespace
}  // namespace livy::internal
