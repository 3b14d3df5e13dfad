// What a server finds of batches in the store of an earlier one.
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "scratch.h"
#include "server/batch_manager.h"
#include "server/fakes.h"

namespace livy::internal {
namespace {

using enum ApplicationState;
using std::chrono::minutes;

class Warnings : public LogSink {
 public:
  void Write(LogLevel level, std::string_view, std::string_view message) override {
    if (level == LogLevel::kWarning) lines.emplace_back(message);
  }
  std::vector<std::string> lines = {};
};

// The batches of one server after another, over one store. The first one's are there at once.
struct Servers {
  Servers() { StartServer(); }
  ~Servers() { timer->Stop(); }

  void StartServer() {
    timer = std::make_unique<Timer>(clock);
    applications.emplace(100);
    services.emplace(BatchServices{.store = store,
                                   .clock = clock,
                                   .timer = *timer,
                                   .log = log,
                                   .applications = *applications,
                                   .output = output});
    batches.emplace(BatchManagerOptions{.spark = spark, .state_retain = minutes(10)}, *services,
                    launcher);
    REQUIRE(batches->Load());
  }

  // As kill -9: nothing is told to anybody.
  void Crash() {
    batches->DropAll();
    timer->Stop();
    batches.reset();
    launcher.processes.clear();
    StartServer();
  }

  std::shared_ptr<BatchSession> Submit(BatchRequest request = {.file = "hdfs:/pi.py"}) {
    const NewBatch created =
        batches->Create(std::move(request), "ada", batches->TakePlace()).value();
    batches->Launch(created);
    return created.batch;
  }
  SessionState StateOf(std::string_view key) { return batches->Find(key)->state(); }
  void Put(const std::string& key, const std::string& value) {
    REQUIRE(backing.Apply({{.key = key, .value = value}}));
  }

  testing::FakeClock clock = {};
  FailingStore backing = {};
  Warnings log = {};
  StoreWriter writer{{}, backing, clock, log, StoreThread::kCallers};
  BatchStore store{writer};
  ManualLauncher launcher = {};
  OutputOptions output = {};
  SparkRules spark = {};
  std::unique_ptr<Timer> timer;
  std::optional<ApplicationCount> applications;
  std::optional<BatchServices> services;
  std::optional<BatchManager> batches;
};

TEST_CASE("a batch that runs is taken up again by its handle, and ends as it ends") {
  Servers servers;
  servers.Submit({.file = "hdfs:/pi.py", .proxy_user = "bob", .name = "pi"});
  servers.launcher.processes.at(0)->observer({.state = kRunning, .app_id = "application_1_0001"});
  const Batch before = servers.batches->Find("pi")->View();

  servers.Crash();
  Batch after = servers.batches->Find("pi")->View();
  CHECK(after.state == SessionState::kRecovering);
  after.state = before.state;
  CHECK(after == before);
  REQUIRE(servers.launcher.recovered.size() == 1);
  CHECK(servers.launcher.recovered[0].starts_with("livy-batch-0-"));
  CHECK(servers.launcher.recovered[0].find(" handle of livy-batch-0-") != std::string::npos);
  CHECK(servers.applications->count() == 1);

  servers.launcher.processes.at(0)->observer({.state = kRunning});
  CHECK(servers.StateOf("pi") == SessionState::kRunning);
  CHECK(servers.Submit()->id() == 1);
  servers.launcher.processes.at(0)->observer({.state = kFinished, .exit_code = 0});
  CHECK(servers.StateOf("pi") == SessionState::kSuccess);
  CHECK(servers.applications->count() == 1);
}

TEST_CASE("a batch that ended while there was no server is dead and says so, never successful") {
  Servers servers;
  servers.Submit();
  servers.launcher.failure = Error{ErrorCode::kNotFound, "The process 7 has ended."};
  servers.Crash();
  const Batch batch = servers.batches->Find("0")->View();
  CHECK(batch.state == SessionState::kDead);
  CHECK(batch.end_reason ==
        "it ended while there was no server, and how is not known: The process 7 has ended.");
  CHECK(batch.log.back() == *batch.end_reason);
  CHECK(servers.applications->count() == 0);
}

TEST_CASE("a batch that cannot be followed any more says so, and not that it has ended") {
  Servers servers;
  servers.Submit();
  servers.launcher.failure = Error{ErrorCode::kUnavailable, "its runtime 'old' is not there"};
  servers.Crash();
  CHECK(servers.StateOf("0") == SessionState::kDead);
  CHECK(servers.batches->Find("0")->View().end_reason ==
        "it cannot be followed any more: its runtime 'old' is not there");
}

TEST_CASE("a batch's runtime is known after a crash") {
  Servers servers;
  servers.spark = {.runtimes = {{"old", {}}}};
  servers.Crash();
  servers.Submit({.file = "hdfs:/pi.py", .runtime = "old"});
  servers.spark = {};
  servers.Crash();
  CHECK(servers.batches->Find("0")->View().runtime == "old");
}

TEST_CASE("a batch that was being launched when its server died is dead") {
  Servers servers;
  const NewBatch created =
      servers.batches->Create({.file = "hdfs:/pi.py"}, "ada", servers.batches->TakePlace()).value();
  servers.launcher.failure = Error{ErrorCode::kInvalidArgument, "'' is no process."};
  servers.launcher.handle_prefix = "where others run, ";
  servers.Crash();
  CHECK(servers.launcher.recovered == std::vector{created.launch.tag + " "});
  CHECK(servers.StateOf("0") == SessionState::kDead);
  CHECK(servers.batches->Find("0")->View().end_reason ==
        "it was being launched when its server died");
}

TEST_CASE("a batch that has ended is shown so after a crash, for the rest of its time") {
  Servers servers;
  servers.Submit({.file = "hdfs:/pi.py", .name = "pi"});
  servers.launcher.processes.at(0)->observer(
      {.state = kFailed, .reason = "spark-submit exited with status 3", .exit_code = 3});
  const Batch before = servers.batches->Find("pi")->View();
  servers.clock.Advance(minutes(4));

  servers.Crash();
  CHECK(servers.launcher.recovered.empty());
  CHECK(servers.applications->count() == 0);
  Batch after = servers.batches->Find("pi")->View();
  after.log = before.log;
  CHECK(after == before);
  std::promise<void> passed;
  servers.timer->After(minutes(6), [&] { passed.set_value(); });
  servers.clock.Advance(minutes(6));
  passed.get_future().wait();
  CHECK_FALSE(servers.batches->Find("pi"));
  CHECK(servers.backing.Children("v1/batch").value() == std::vector<std::string>{"state"});
}

TEST_CASE("a batch whose output is kept has its log after a crash, too") {
  const testing::Scratch scratch;
  Servers servers;
  servers.output = {.folder = scratch.path(), .bytes_max = 1 << 20};
  servers.Crash();
  servers.Submit({.file = "hdfs:/pi.py", .name = "runs"});
  servers.Submit({.file = "hdfs:/pi.py", .name = "ended"});
  const std::string many(20000, 'x');
  servers.launcher.requests.at(0).output("one\ntwo");
  servers.launcher.requests.at(1).output(many + "\nthe last\n\n");
  servers.launcher.processes.at(1)->observer({.state = kFinished});

  servers.Crash();
  using Lines = std::vector<std::string>;
  CHECK(servers.batches->Find("runs")->Log(0, -1).lines ==
        Lines{"stdout: ", "one", "two", "\nstderr: "});
  CHECK(servers.batches->Find("runs")->Log(-1, 2).from == 2);
  // What its cluster tells of it, without and with a first stream of the driver's.
  std::vector<std::string>& told = servers.launcher.processes.at(0)->lines;
  told = {"stdout: ", "\nstderr: ", "\nYARN Diagnostics: ", "running"};
  CHECK(servers.batches->Find("runs")->Log(0, -1).lines ==
        Lines{"stdout: ", "one", "two", "\nstderr: ", "\nYARN Diagnostics: ", "running"});
  told = {"stdout: ", "Pi is 3", "\nstderr: "};
  CHECK(servers.batches->Find("runs")->Log(0, -1).lines ==
        Lines{"stdout: ", "Pi is 3", "\nstderr: ", "one", "two"});
  told.clear();
  CHECK(servers.batches->Find("runs")->Log(0, -1).lines ==
        Lines{"stdout: ", "one", "two", "\nstderr: "});
  CHECK(servers.batches->Find("ended")->View().log ==
        Lines{"stdout: ", "the last", "", "\nstderr: "});
}

TEST_CASE("a batch of Apache Livy is looked for in the cluster by its tag, and counted on") {
  Servers servers;
  servers.launcher.handle_prefix = "on YARN, ";
  servers.Put("v1/batch/state", R"({"nextSessionId":5})");
  servers.Put(
      "v1/batch/3",
      R"({"id":3,"name":"nb","appId":"application_1_0001","appTag":"livy-batch-3-tzdf44gi",)"
      R"("owner":"ada","proxyUser":"bob","version":1})");
  servers.Crash();
  const Batch batch = servers.batches->Find("nb")->View();
  CHECK(batch.id == 3);
  CHECK(batch.app_id == "application_1_0001");
  CHECK(batch.owner == "ada");
  CHECK(batch.proxy_user == "bob");
  CHECK(servers.launcher.recovered ==
        std::vector<std::string>{"livy-batch-3-tzdf44gi on YARN, livy-batch-3-tzdf44gi"});
  CHECK(servers.Submit()->id() == 5);
  // From then on it is where it was found, whatever the default becomes.
  servers.launcher.handle_prefix = "elsewhere, ";
  servers.Crash();
  CHECK(servers.launcher.recovered.at(1) == servers.launcher.recovered.at(0));
}

TEST_CASE("a damaged batch is left out, and a damaged counter stops the server") {
  Servers servers;
  servers.Submit();
  servers.Put("v1/batch/7", "{");
  servers.Put("v1/batch/8", R"({"id":9})");
  servers.Crash();
  CHECK(servers.batches->Find("0"));
  CHECK_FALSE(servers.batches->Find("7"));
  CHECK_FALSE(servers.batches->Find("8"));
  servers.Put("v1/batch/state", "{}");
  CHECK(servers.batches->Load().error().code == ErrorCode::kUnavailable);
}

TEST_CASE("the log of a batch that ends before its launch is through has no more than it wrote") {
  Servers servers;
  servers.launcher.ends_at_once = true;
  const auto batch = servers.Submit();
  CHECK(batch->state() == SessionState::kSuccess);
  CHECK(batch->Log(0, -1).lines == std::vector<std::string>{"stdout: ", "\nstderr: "});
}

TEST_CASE("a batch that is deleted while it is launched is killed when it is there") {
  Servers servers;
  const NewBatch created =
      servers.batches->Create({.file = "hdfs:/pi.py"}, "ada", servers.batches->TakePlace()).value();
  bool removed = false;
  servers.batches->Delete(created.batch, "deleted",
                          [&](const Result<bool>& is_removed) { removed = *is_removed; });
  servers.batches->Launch(created);
  CHECK(servers.launcher.processes.at(0)->kills == 1);
  CHECK_FALSE(removed);
  servers.launcher.processes.at(0)->observer({.state = kKilled});
  CHECK(removed);
}

TEST_CASE("what a launcher knows of a handle before the launch is there if its server dies then") {
  Servers servers;
  servers.launcher.handle_prefix = "on a cluster, ";
  std::optional<std::string> stored_then;
  servers.launcher.before_return = [&] { stored_then = servers.backing.Get("v1/batch/0").value(); };
  servers.Submit();
  REQUIRE(stored_then);
  servers.Put("v1/batch/0", *stored_then);
  servers.Crash();
  REQUIRE(servers.launcher.recovered.size() == 1);
  const std::string tag = servers.launcher.requests[0].tag;
  CHECK(servers.launcher.recovered[0] == tag + " on a cluster, " + tag);
}

TEST_CASE("a batch that has not ended when its server must is told of, and there again") {
  Servers servers;
  const auto batch = servers.Submit();
  batch->Stop("the server stopped");
  servers.batches->AwaitEnds(servers.clock.Now());
  CHECK(servers.log.lines ==
        std::vector<std::string>{"batch=0 has not ended in time, and is left"});
  servers.Crash();
  CHECK(servers.StateOf("0") == SessionState::kRecovering);
}

TEST_CASE("an application is asked for its handle while its batch can be looked at") {
  Servers servers;
  std::future<SessionState> state;
  bool could_be_seen = true;
  servers.launcher.on_handle = [&] {
    state = std::async(std::launch::async, [&] { return servers.batches->Find("0")->state(); });
    if (state.wait_for(std::chrono::seconds(10)) != std::future_status::ready)
      could_be_seen = false;
  };
  servers.Submit();
  CHECK(state.valid());
  CHECK(could_be_seen);
}

}  // namespace
}  // namespace livy::internal
