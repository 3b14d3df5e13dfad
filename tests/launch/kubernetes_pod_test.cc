// What a driver's pod says of its application, for every way in which pods run and end.
#include "launch/kubernetes_pod.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace livy::internal {
namespace {

using enum ApplicationState;

// What differs between pods: members of their status, and whether somebody has deleted them.
struct Looks {
  std::string status = {};
  bool is_deleted = false;
  std::string containers = R"([{"name":"spark-kubernetes-driver"}])";
};

JsonValue MakePod(const Looks& looks) {
  const std::string deleted =
      looks.is_deleted ? R"("deletionTimestamp":"2026-01-02T03:04:05Z",)" : "";
  return ParseJson(
             fmt::format(
                 R"({{"metadata":{{"name":"pi-driver","namespace":"apps","uid":"u",{}"labels":)"
                 R"({{"spark-app-selector":"spark-1","spark-role":"driver"}}}},)"
                 R"("spec":{{"containers":{}}},"status":{{{}}}}})",
                 deleted, looks.containers, looks.status))
      .value();
}

std::string Terminated(int code, std::string_view reason, std::string_view more = "") {
  return fmt::format(
      R"({{"name":"spark-kubernetes-driver","state":{{"terminated":{{"exitCode":{},"reason":"{}"{}}}}}}})",
      code, reason, more);
}

std::string Statuses(std::string_view phase, const std::string& statuses,
                     std::string_view more = "") {
  return fmt::format(R"("phase":"{}","containerStatuses":[{}]{})", phase, statuses, more);
}

const std::string kTwo = R"([{"name":"proxy"},{"name":"spark-kubernetes-driver"}])";
const std::string kProxyRuns = R"({"name":"proxy","state":{"running":{}}},)";
const std::string kProxyFailed =
    R"({"name":"proxy","state":{"terminated":{"exitCode":2,"reason":"Error"}}},)";

// How a pod is judged: by the container of Spark, or by its phase.
enum class By { kContainer, kPhase };

struct Row {
  const char* what = "";
  Looks looks = {};
  ApplicationState state = kStarting;
  std::optional<int> exit_code = {};
  std::string reason = {};
  By by = By::kContainer;
};

const Row kRows[] = {
    {"just created", {.status = ""}, kStarting, {}, ""},
    {"pending", {.status = R"("phase":"Pending")"}, kStarting, {}, ""},
    {"no image",
     {.status = Statuses("Pending", R"({"name":"spark-kubernetes-driver","state":{"waiting":)"
                                    R"({"reason":"ImagePullBackOff"}}})")},
     kStarting,
     {},
     ""},
    {"running", {.status = R"("phase":"Running")"}, kRunning, {}, ""},
    {"on a silent node", {.status = R"("phase":"Unknown")"}, kRunning, {}, ""},
    {"a phase of the future",
     {.status = R"("phase":"Lost")"},
     kFailed,
     {},
     "spark-1 ended on Kubernetes as Failed"},
    {"succeeded",
     {.status = Statuses("Succeeded", Terminated(0, "Completed"))},
     kFinished,
     0,
     "spark-1 ended on Kubernetes as Succeeded"},
    {"succeeded, though Spark has not",
     {.status = Statuses("Succeeded", Terminated(1, "Error"))},
     kFailed,
     1,
     "spark-1 ended on Kubernetes as Failed: container spark-kubernetes-driver exited with "
     "status 1, Error"},
    {"failed",
     {.status = Statuses("Failed", Terminated(13, "Error", R"(,"message":"line 1\nline 2\n")"))},
     kFailed,
     13,
     "spark-1 ended on Kubernetes as Failed: container spark-kubernetes-driver exited with "
     "status 13, Error: line 1 line 2"},
    {"out of memory",
     {.status = Statuses("Failed", Terminated(137, "OOMKilled"))},
     kFailed,
     137,
     "spark-1 ended on Kubernetes as Failed: container spark-kubernetes-driver exited with "
     "status 137, OOMKilled"},
    {"evicted",
     {.status = R"("phase":"Failed","reason":"Evicted","message":"The node was low on memory.")"},
     kFailed,
     {},
     "spark-1 ended on Kubernetes as Failed: Evicted: The node was low on memory."},
    {"evicted when it was done",
     {.status = Statuses("Failed", Terminated(0, "Completed"), R"(,"reason":"Evicted")"),
      .containers = kTwo},
     kFailed,
     0,
     "spark-1 ended on Kubernetes as Failed: Evicted"},
    {"an init container failed",
     {.status = R"("phase":"Failed","initContainerStatuses":[{"name":"fetch","state":)"
                R"({"terminated":{"exitCode":4,"reason":"Error"}}}])"},
     kFailed,
     {},
     "spark-1 ended on Kubernetes as Failed: container fetch exited with status 4, Error"},
    {"done beside one that runs",
     {.status = Statuses("Running", kProxyRuns + Terminated(0, "Completed")), .containers = kTwo},
     kFinished,
     0,
     "spark-1 ended on Kubernetes as Succeeded"},
    {"done beside one that runs, by its phase",
     {.status = Statuses("Running", kProxyRuns + Terminated(0, "Completed")), .containers = kTwo},
     kRunning,
     {},
     "",
     By::kPhase},
    {"failed beside one that runs",
     {.status = Statuses("Running", kProxyRuns + Terminated(3, "Error")), .containers = kTwo},
     kFailed,
     3,
     "spark-1 ended on Kubernetes as Failed: container spark-kubernetes-driver exited with "
     "status 3, Error"},
    {"failed beside one that runs, by its phase too",
     {.status = Statuses("Running", kProxyRuns + Terminated(3, "Error")), .containers = kTwo},
     kFailed,
     3,
     "spark-1 ended on Kubernetes as Failed: container spark-kubernetes-driver exited with "
     "status 3, Error",
     By::kPhase},
    {"done, and spoiled by the one beside it",
     {.status = Statuses("Failed", kProxyFailed + Terminated(0, "Completed")), .containers = kTwo},
     kFinished,
     0,
     "spark-1 ended on Kubernetes as Succeeded"},
    {"the same by its phase",
     {.status = Statuses("Failed", kProxyFailed + Terminated(0, "Completed")), .containers = kTwo},
     kFailed,
     0,
     "spark-1 ended on Kubernetes as Failed",
     By::kPhase},
    {"deleted while it runs",
     {.status = R"("phase":"Running")", .is_deleted = true},
     kRunning,
     {},
     "the driver pod pi-driver in apps was deleted"},
    {"deleted for another pod",
     {.status = R"("phase":"Running","conditions":[{"type":"DisruptionTarget","status":"True",)"
                R"("reason":"PreemptionByScheduler","message":"preempted"}])",
      .is_deleted = true},
     kRunning,
     {},
     "the driver pod pi-driver in apps was deleted: PreemptionByScheduler: preempted"},
    {"ended by its deletion",
     {.status = Statuses("Failed", Terminated(143, "Error")), .is_deleted = true},
     kKilled,
     143,
     "the driver pod pi-driver in apps was deleted: container spark-kubernetes-driver exited "
     "with status 143, Error"},
    {"deleted after it had failed",
     {.status = Statuses("Failed", Terminated(1, "Error")), .is_deleted = true},
     kFailed,
     1,
     "spark-1 ended on Kubernetes as Failed: container spark-kubernetes-driver exited with "
     "status 1, Error"},
    {"deleted after it ran out of memory",
     {.status = Statuses("Failed", Terminated(137, "OOMKilled")), .is_deleted = true},
     kFailed,
     137,
     "spark-1 ended on Kubernetes as Failed: container spark-kubernetes-driver exited with "
     "status 137, OOMKilled"},
    {"deleted after it had succeeded",
     {.status = Statuses("Succeeded", Terminated(0, "Completed")), .is_deleted = true},
     kFinished,
     0,
     "spark-1 ended on Kubernetes as Succeeded"},
};

TEST_CASE("an application is what its driver's pod and the container of Spark in it are") {
  for (const Row& row : kRows) {
    CAPTURE(row.what);
    KubernetesOptions options;
    options.judges_by_container = row.by == By::kContainer;
    const ClusterReport report = ReportOfPod(MakePod(row.looks), options);
    CHECK(report.app_id == "spark-1");
    CHECK(report.state == row.state);
    CHECK(report.exit_code == row.exit_code);
    CHECK(report.reason == row.reason);
  }
}

TEST_CASE("the container of Spark is the one of that name, Spark's own, or the first") {
  struct Choice {
    const char* containers;
    const char* expected;
  };
  const Choice choices[] = {
      {R"([{"name":"a"},{"name":"spark-kubernetes-driver"},{"name":"spark-container"}])",
       "spark-container"},
      {R"([{"name":"a"},{"name":"spark-kubernetes-driver"}])", "spark-kubernetes-driver"},
      {R"([{"name":"a"},{"name":"b"}])", "a"},
      {"[]", ""},
  };
  for (const Choice& choice : choices) {
    CAPTURE(choice.containers);
    const JsonValue pod = MakePod({.containers = choice.containers});
    CHECK(ReportOfPod(pod, {}).location.container == choice.expected);
  }
}

TEST_CASE("diagnostics show what keeps a pod from running, and no commands or variables") {
  const JsonValue pod = MakePod(
      {.status = R"("phase":"Pending","conditions":[{"type":"PodScheduled","status":"False",)"
                 R"("reason":"Unschedulable","message":"0/1 nodes are available."}],)"
                 R"("containerStatuses":[{"name":"d","state":{"waiting":)"
                 R"({"reason":"ImagePullBackOff","message":"Back-off"}}}])",
       .containers = R"([{"name":"d","image":"spark:1","args":["secret"],"env":[{"name":"A",)"
                     R"("value":"secret"}],"resources":{"requests":{"cpu":"1","memory":"2Gi"},)"
                     R"("limits":{"memory":"2Gi"}}}])"});
  CHECK(ReportOfPod(pod, {}).diagnostics ==
        std::vector<std::string>{
            "pi-driver.apps:", "\tphase: Pending",
            "\tlabels: spark-app-selector=spark-1, spark-role=driver",
            "\tcontainer d:", "\t\timage: spark:1", "\t\trequests: cpu=1, memory=2Gi",
            "\t\tlimits: memory=2Gi", "\t\tstate: waiting, ImagePullBackOff: Back-off",
            "\tcondition PodScheduled: False, Unschedulable: 0/1 nodes are available."});
}

TEST_CASE("messages and diagnostics are bounded, whatever a pod says") {
  std::string conditions;
  for (int i = 0; i < 1000; ++i)
    conditions += R"({"type":"A","status":"True"},)";
  conditions += R"({"type":"A","status":"True"})";
  const JsonValue pod =
      MakePod({.status = fmt::format(R"("phase":"Failed","message":"{}","conditions":[{}])",
                                     std::string(100000, 'x'), conditions)});
  const ClusterReport report = ReportOfPod(pod, {});
  CHECK(report.diagnostics.size() == 60);
  CHECK(report.reason.size() < 1100);
}

TEST_CASE("what has ended is linked to the history server, if there is one") {
  KubernetesOptions options;
  options.history_url = "http://history";
  const JsonValue running = MakePod({.status = R"("phase":"Running")"});
  const JsonValue ended = MakePod({.status = R"("phase":"Succeeded")"});
  CHECK_FALSE(ReportOfPod(running, options).info.spark_ui_url);
  CHECK_FALSE(ReportOfPod(ended, {}).info.spark_ui_url);
  CHECK(ReportOfPod(ended, options).info.spark_ui_url == "http://history/history/spark-1/jobs/");
}

TEST_CASE("a pod without labels or anything is still told of") {
  const ClusterReport report = ReportOfPod(ParseJson(R"({"metadata":{"name":"p"}})").value(), {});
  CHECK(report.app_id == "p");
  CHECK(report.state == kStarting);
}

}  // namespace
}  // namespace livy::internal
