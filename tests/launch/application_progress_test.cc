// What an application's state is, by all that its process and its cluster may tell, in every order.
#include "launch/application_progress.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "launch/application_handle.h"

namespace livy::internal {
namespace {

using std::chrono::seconds;
using enum ApplicationState;
using Time = Clock::TimePoint;

constexpr seconds kLookup{120};
constexpr const char* kUnknown =
    "YARN knew of no such application within 2m: spark-submit did not come through, or there was "
    "no "
    "room for it";

ApplicationProgress::Rules ClientRules() {
  return {.has_cluster = true, .cluster = "YARN", .lookup_timeout = kLookup};
}
ApplicationProgress::Rules ClusterRules() {
  return {
      .has_cluster = true, .is_cluster_mode = true, .cluster = "YARN", .lookup_timeout = kLookup};
}

ProcessEnd Exit(int status) {
  return {.kind = ProcessEnd::Kind::kExited, .number = status};
}
ProcessEnd Killed() {
  return {.kind = ProcessEnd::Kind::kSignaled, .number = 15, .kill_requested = true};
}
std::optional<ClusterReport> Report(ApplicationState state) {
  return ClusterReport{
      .app_id = "app_1", .state = state, .reason = IsFinal(state) ? "the cluster's reason" : ""};
}
// Somebody has ordered its end.
ClusterReport Doomed() {
  return {.app_id = "app_1", .state = kRunning, .reason = "its pod was deleted"};
}

// One thing after the other, each a second after the one before.
class Story {
 public:
  explicit Story(ApplicationProgress::Rules rules) : progress(std::move(rules)) {}

  Story& Start() {
    return Do([&] { progress.OnProcessStart(now); });
  }
  Story& Recover() {
    return Do([&] { progress.OnRecovery("", now); });
  }
  Story& End(ProcessEnd end) {
    return Do([&] { progress.OnProcessEnd(end, now); });
  }
  Story& Kill() {
    return Do([&] { progress.OnKill(now); });
  }
  Story& Hear(std::optional<ClusterReport> report) {
    return Do([&] { progress.OnReport(report, now); });
  }
  Story& HearNothing() {
    return Do([&] { progress.OnSilence("No answer.", now); });
  }
  Story& Later(seconds time) {
    now += time;
    return *this;
  }
  ApplicationState state() const { return progress.status().state; }
  const std::string& reason() const { return progress.status().reason; }

  ApplicationProgress progress;
  Time now{};

 private:
  Story& Do(const std::function<void()>& step) {
    now += seconds(1);
    step();
    return *this;
  }
};

struct Row {
  std::string what;
  std::function<void(Story&)> tell;  // After the start.
  ApplicationState state;
  std::string reason;
  bool is_abandoned = false;
};

void Check(const ApplicationProgress::Rules& rules, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Story story(rules);
    story.Start();
    row.tell(story);
    CHECK(story.state() == row.state);
    CHECK(story.reason() == row.reason);
    CHECK(story.progress.is_abandoned() == row.is_abandoned);
    CHECK_FALSE(story.progress.wants_kill());
  }
}

TEST_CASE("without a cluster the process is all there is") {
  Story story({});
  story.Start();
  CHECK(story.state() == kRunning);
  story.End(Exit(0));
  CHECK(story.state() == kFinished);
  CHECK(Story({}).Start().End(Exit(3)).state() == kFailed);
  CHECK(Story({}).Start().Kill().End(Killed()).state() == kKilled);
  CHECK_FALSE(Story({}).Start().End(Exit(3)).progress.is_abandoned());
}

TEST_CASE("in client mode nothing ends before the process, and a bad end of either counts") {
  const std::vector<Row> rows = {
      {"unknown so far", [](Story& s) { s.Hear(std::nullopt); }, kStarting, ""},
      {"known", [](Story& s) { s.Hear(Report(kStarting)); }, kStarting, ""},
      {"running", [](Story& s) { s.Hear(Report(kRunning)); }, kRunning, ""},
      {"over for the cluster", [](Story& s) { s.Hear(Report(kFinished)); }, kRunning, ""},
      {"failed for the cluster", [](Story& s) { s.Hear(Report(kFailed)); }, kRunning, ""},
      {"unknown for long, but alive",
       [](Story& s) { s.Later(kLookup).Hear(std::nullopt).HearNothing(); }, kStarting, ""},
      {"exit with 0, and the cluster has not been asked since",
       [](Story& s) { s.Hear(Report(kRunning)).End(Exit(0)); }, kRunning, ""},
      {"exit with 0, and a success",
       [](Story& s) { s.End(Exit(0)).Hear(Report(kRunning)).Hear(Report(kFinished)); }, kFinished,
       "spark-submit exited with status 0"},
      {"exit with 0, and no success",
       [](Story& s) { s.Hear(Report(kRunning)).End(Exit(0)).Hear(Report(kFailed)); }, kFailed,
       "the cluster's reason"},
      {"exit with 0, killed outside",
       [](Story& s) { s.Hear(Report(kRunning)).End(Exit(0)).Hear(Report(kKilled)); }, kKilled,
       "the cluster's reason"},
      {"exit with 0, and never known", [](Story& s) { s.End(Exit(0)).Hear(std::nullopt); },
       kFinished, "spark-submit exited with status 0", true},
      {"exit with 0, and a silent cluster",
       [](Story& s) { s.End(Exit(0)).HearNothing().Later(kLookup).HearNothing(); }, kFinished,
       "spark-submit exited with status 0", true},
      {"exit with 1", [](Story& s) { s.End(Exit(1)).Hear(Report(kRunning)); }, kFailed,
       "spark-submit exited with status 1", true},
      {"exit with 1, though the cluster says success",
       [](Story& s) { s.Hear(Report(kFinished)).End(Exit(1)).Hear(Report(kFinished)); }, kFailed,
       "spark-submit exited with status 1"},
      {"exit with 1, killed outside", [](Story& s) { s.End(Exit(1)).Hear(Report(kKilled)); },
       kKilled, "the cluster's reason"},
      {"exit with 1, and a silent cluster", [](Story& s) { s.End(Exit(1)).HearNothing(); }, kFailed,
       "spark-submit exited with status 1", true},
      {"killed", [](Story& s) { s.Hear(Report(kRunning)).Kill().End(Killed()); }, kKilled,
       "spark-submit was ended by signal 15 (SIGTERM) on request", true},
  };
  Check(ClientRules(), rows);
}

TEST_CASE("in cluster mode the cluster has the word once the process has submitted") {
  const std::vector<Row> rows = {
      {"submitting", [](Story&) {}, kStarting, ""},
      {"submitted", [](Story& s) { s.End(Exit(0)).Hear(std::nullopt); }, kStarting, ""},
      {"waiting in the cluster", [](Story& s) { s.End(Exit(0)).Hear(Report(kStarting)); },
       kStarting, ""},
      {"running before the process ends", [](Story& s) { s.Hear(Report(kRunning)); }, kRunning, ""},
      {"running", [](Story& s) { s.End(Exit(0)).Hear(Report(kRunning)).HearNothing(); }, kRunning,
       ""},
      {"a silent cluster for very long",
       [](Story& s) { s.End(Exit(0)).Hear(Report(kRunning)).Later(10 * kLookup).HearNothing(); },
       kRunning, ""},
      {"a success", [](Story& s) { s.End(Exit(0)).Hear(Report(kFinished)); }, kFinished,
       "the cluster's reason"},
      {"a failure", [](Story& s) { s.End(Exit(0)).Hear(Report(kFailed)); }, kFailed,
       "the cluster's reason"},
      {"killed outside", [](Story& s) { s.End(Exit(0)).Hear(Report(kKilled)); }, kKilled,
       "the cluster's reason"},
      {"the process failed", [](Story& s) { s.End(Exit(1)); }, kFailed,
       "spark-submit exited with status 1", true},
      {"the process failed before the cluster let it run",
       [](Story& s) { s.Hear(Report(kStarting)).End(Exit(1)); }, kFailed,
       "spark-submit exited with status 1", true},
      {"the process lost its cluster after it had submitted",
       [](Story& s) { s.Hear(Report(kRunning)).HearNothing().End(Exit(255)); }, kRunning, ""},
      {"the process lost its cluster, which is another one for a moment",
       [](Story& s) { s.Hear(Report(kRunning)).End(Exit(255)).Hear(std::nullopt); }, kRunning, ""},
      {"the process lost its cluster, which begins again",
       [](Story& s) { s.Hear(Report(kRunning)).End(Exit(255)).Hear(Report(kStarting)); }, kStarting,
       ""},
      {"the process lost its cluster, which tells of the end later",
       [](Story& s) { s.Hear(Report(kRunning)).End(Exit(255)).Hear(Report(kFailed)); }, kFailed,
       "the cluster's reason"},
      {"the process lost its cluster, which has lost the application",
       [](Story& s) { s.Hear(Report(kRunning)).End(Exit(255)).Later(kLookup).Hear(std::nullopt); },
       kFailed, "spark-submit exited with status 255", true},
      {"never known", [](Story& s) { s.End(Exit(0)).Later(kLookup).Hear(std::nullopt); }, kFailed,
       kUnknown, true},
      {"still submitting after the time",
       [](Story& s) { s.HearNothing().Later(kLookup).Hear(std::nullopt); }, kFailed, kUnknown,
       true},
      {"forgotten by the cluster, for a moment",
       [](Story& s) { s.End(Exit(0)).Hear(Report(kRunning)).Hear(std::nullopt); }, kRunning, ""},
      {"forgotten by the cluster",
       [](Story& s) { s.End(Exit(0)).Hear(Report(kRunning)).Later(kLookup).Hear(std::nullopt); },
       kFailed, "YARN does not know app_1 any more", true},
      {"killed while it submits, and nothing came of it",
       [](Story& s) { s.Kill().End(Killed()).Hear(std::nullopt); }, kKilled, "ended on request",
       true},
      {"killed, and the cluster does it",
       [](Story& s) {
         s.End(Exit(0)).Hear(Report(kRunning)).Kill().Hear(Report(kRunning)).Hear(Report(kKilled));
       },
       kKilled, "the cluster's reason"},
      {"killed, and it failed of that",
       [](Story& s) { s.End(Exit(0)).Hear(Report(kRunning)).Kill().Hear(Report(kFailed)); },
       kKilled, "the cluster's reason"},
      {"killed too late",
       [](Story& s) { s.End(Exit(0)).Hear(Report(kRunning)).Kill().Hear(Report(kFinished)); },
       kFinished, "the cluster's reason"},
      {"killed, and the cluster does not do it",
       [](Story& s) {
         s.End(Exit(0)).Hear(Report(kRunning)).Kill().Later(kLookup).Hear(Report(kRunning));
       },
       kKilled, "ended on request, which YARN has not confirmed", true},
  };
  Check(ClusterRules(), rows);
}

TEST_CASE("where what is unknown is gone, it has ended when it is not known any more") {
  const std::vector<Row> rows = {
      {"not known yet", [](Story& s) { s.End(Exit(0)).Hear(std::nullopt); }, kStarting, ""},
      {"gone", [](Story& s) { s.End(Exit(0)).Hear(Report(kRunning)).Hear(std::nullopt); }, kFailed,
       "Kubernetes does not know app_1 any more: it was removed before its end was seen", true},
      {"gone after it was deleted by others",
       [](Story& s) { s.End(Exit(0)).Hear(Doomed()).Hear(std::nullopt); }, kKilled,
       "its pod was deleted", true},
      {"being deleted", [](Story& s) { s.End(Exit(0)).Hear(Doomed()); }, kRunning, ""},
      {"gone after it was killed",
       [](Story& s) {
         s.End(Exit(0)).Hear(Report(kRunning)).Kill().Hear(Doomed()).Hear(std::nullopt);
       },
       kKilled, "ended on request", true},
      {"removed by spark-submit, whose failure is the cause",
       [](Story& s) { s.Hear(Report(kStarting)).Hear(std::nullopt).End(Exit(1)); }, kFailed,
       "spark-submit exited with status 1", true},
      {"removed by spark-submit, whose failure is known before",
       [](Story& s) { s.Hear(Report(kRunning)).End(Exit(1)).Hear(std::nullopt); }, kFailed,
       "spark-submit exited with status 1", true},
      {"no answer, which is not the same",
       [](Story& s) { s.End(Exit(0)).Hear(Report(kRunning)).Later(kLookup).HearNothing(); },
       kRunning, ""},
  };
  ApplicationProgress::Rules rules = ClusterRules();
  rules.unknown_is_gone = true;
  rules.cluster = "Kubernetes";
  Check(rules, rows);
}

TEST_CASE("what a cluster that never answered knows is not told, but why it could not be asked") {
  Story story(ClusterRules());
  story.Start().End(Exit(0)).Later(kLookup).HearNothing();
  CHECK(story.state() == kFailed);
  CHECK(story.reason() == "YARN could not be asked within 2m: No answer.");
  CHECK(story.progress.is_abandoned());
}

TEST_CASE("the cluster is told to end what runs there, once the process cannot submit any more") {
  Story story(ClusterRules());
  story.Start().Hear(Report(kRunning)).Kill();
  CHECK_FALSE(story.progress.wants_kill());
  story.End(Killed());
  CHECK(story.progress.wants_kill());
  story.Hear(Report(kKilled));
  CHECK_FALSE(story.progress.wants_kill());
}

TEST_CASE("what an earlier server has launched is found by the cluster, or has failed") {
  CHECK(Story(ClusterRules()).Recover().Hear(Report(kRunning)).state() == kRunning);
  CHECK(Story(ClusterRules()).Recover().Hear(Report(kFinished)).state() == kFinished);
  CHECK(Story(ClusterRules()).Recover().Hear(std::nullopt).state() == kStarting);
  CHECK(Story(ClusterRules()).Recover().Later(kLookup).Hear(std::nullopt).state() == kFailed);
  CHECK(Story(ClusterRules()).Recover().Hear(Report(kRunning)).Kill().progress.wants_kill());
}

TEST_CASE("an adopted process, of whose end nothing is known, may have submitted") {
  Story story(ClusterRules());
  story.Start().End({}).Hear(Report(kRunning));
  CHECK(story.state() == kRunning);
}

TEST_CASE("where only spark-submit tells the id, its success without one is a failure") {
  ApplicationProgress::Rules rules = ClusterRules();
  rules.finds_by_tag = false;
  Story told(rules);
  told.Start();
  told.progress.OnAppId("driver-1");
  told.End(Exit(0)).Hear(std::nullopt);
  CHECK(told.state() == kStarting);
  CHECK(told.progress.status().app_id == "driver-1");
  CHECK(Story(rules).Start().End(Exit(0)).reason() ==
        "spark-submit has not said under which id it runs");
}

TEST_CASE("handles hold all that is known, and a process alone is its identity") {
  const ApplicationHandle full = {.target = {ClusterKind::kYarn, true},
                                  .runtime = "spark4",
                                  .master = "yarn",
                                  .app_id = "application_1_0002",
                                  .process = "12 345 boot-id"};
  ApplicationHandle bare = {.target = {ClusterKind::kStandalone, true}, .master = "spark://a:1"};
  const ApplicationHandle pod = {.target = {ClusterKind::kKubernetes, true},
                                 .master = "k8s://https://a:1",
                                 .app_id = "spark-1",
                                 .place = "apps",
                                 .is_session = true};
  ApplicationHandle batch_pod = pod;
  batch_pod.is_session = false;
  for (const ApplicationHandle& handle :
       {full, bare, pod, batch_pod, ApplicationHandle{.process = "12 3 boot"}}) {
    const std::string text = FormatHandle(handle);
    CAPTURE(text);
    CHECK((ParseHandle(text).value() == handle));
  }
  CHECK(FormatHandle({.process = "12 3 boot"}) == "12 3 boot");
  CHECK_FALSE(ParseHandle("mesos;a;b;c;d"));
}

}  // namespace
}  // namespace livy::internal
