#include "launch/kubernetes_pod.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/number.h"
#include "core/percent.h"
#include "core/utf8.h"

namespace livy::internal {
namespace {

using enum ApplicationState;

// Spark's own name of a driver's container, unless a template has another.
constexpr std::string_view kSparkContainer = "spark-kubernetes-driver";
// Of one text of the cluster's: messages may hold whole logs.
constexpr std::size_t kMessageBytesMax = 1000;
constexpr std::size_t kDiagnosticLinesMax = 60;

// What a process ends with that was told to, and then was made to.
constexpr int kTerminated = 128 + 15;
constexpr int kKilledByForce = 128 + 9;

// Where there is nothing, null.
const JsonValue& At(const JsonValue& value, std::string_view name) {
  static const JsonValue nothing;
  const JsonValue* found = value.Find(name);
  return found == nullptr ? nothing : *found;
}

// One line, of bounded length, and no character in halves.
std::string Line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
    text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  if (text.size() <= kMessageBytesMax) return text;
  return std::string(CutUtf8(text, kMessageBytesMax)) + "...";
}

// "reason: message", or what there is of it.
std::string ReasonIn(const JsonValue& object) {
  const std::string reason = TextOrEmpty(object, "reason");
  const std::string message = Line(TextOrEmpty(object, "message"));
  if (reason.empty() || message.empty()) return reason + message;
  return fmt::format("{}: {}", reason, message);
}

struct Ended {
  int exit_code = 0;
  std::string reason = {};
};

// Of a container that has ended for good: no driver is started again.
std::optional<Ended> EndOf(const JsonValue& status) {
  const JsonValue& terminated = At(At(status, "state"), "terminated");
  if (terminated.IsNull()) return std::nullopt;
  return Ended{.exit_code = IntegerOf(terminated, "exitCode").value_or(0),
               .reason = ReasonIn(terminated)};
}

std::string DescribeEnd(std::string_view container, const Ended& end) {
  return fmt::format("container {} exited with status {}{}", container, end.exit_code,
                     end.reason.empty() ? "" : fmt::format(", {}", end.reason));
}

const JsonValue* Named(const JsonValue& list, std::string_view name) {
  for (const JsonValue& item : list.items()) {
    if (TextOrEmpty(item, "name") == name) return &item;
  }
  return nullptr;
}

// A pod, taken apart.
struct Pod {
  Pod(const JsonValue& json, const KubernetesOptions& options)
      : meta(At(json, "metadata")),
        spec(At(json, "spec")),
        status(At(json, "status")),
        name(TextOrEmpty(meta, "name")),
        name_space(TextOrEmpty(meta, "namespace")),
        phase(TextOrEmpty(status, "phase")),
        is_deleted(!TextOrEmpty(meta, "deletionTimestamp").empty()) {
    const JsonValue& containers = At(spec, "containers");
    for (const std::string_view wanted :
         {std::string_view(options.container_name), kSparkContainer}) {
      if (container.empty() && Named(containers, wanted) != nullptr) container = wanted;
    }
    if (container.empty() && !containers.items().empty())
      container = TextOrEmpty(containers.items().front(), "name");
    const JsonValue* found = Named(At(status, "containerStatuses"), container);
    if (found != nullptr) end = EndOf(*found);
  }

  const JsonValue& meta;
  const JsonValue& spec;
  const JsonValue& status;
  const std::string name;
  const std::string name_space;
  const std::string phase;
  const bool is_deleted;
  std::string container = {};  // Spark's.
  std::optional<Ended> end = {};
};

ApplicationState StateOf(const Pod& pod, const KubernetesOptions& options) {
  const bool has_failed = pod.end && pod.end->exit_code != 0;
  const bool has_succeeded = pod.end && pod.end->exit_code == 0;
  if (pod.phase == "Succeeded") return has_failed ? kFailed : kFinished;
  if (pod.phase == "Failed") {
    // Containers beside Spark's may fail; what the pod itself failed of is told as its reason.
    const bool has_others = At(pod.spec, "containers").items().size() > 1;
    const bool is_spoiled = options.judges_by_container && has_succeeded && has_others &&
                            TextOrEmpty(pod.status, "reason").empty();
    return is_spoiled ? kFinished : kFailed;
  }
  if (has_failed) return kFailed;
  if (has_succeeded && options.judges_by_container) return kFinished;
  // Unknown: its node is silent, and the pod may run on.
  if (pod.phase == "Running" || pod.phase == "Unknown") return kRunning;
  return pod.phase == "Pending" || pod.phase.empty() ? kStarting : kFailed;
}

// Whether its end is what deleting it has done, as far as one can tell.
bool EndedByDeletion(const Pod& pod) {
  if (!pod.is_deleted) return false;
  if (!pod.end) return true;
  const bool is_signal = pod.end->exit_code == kTerminated || pod.end->exit_code == kKilledByForce;
  return is_signal && !pod.end->reason.starts_with("OOMKilled");
}

// Conditions of this type and status that say something.
std::string ConditionReason(const Pod& pod, std::string_view type, std::string_view status) {
  for (const JsonValue& condition : At(pod.status, "conditions").items()) {
    if (TextOrEmpty(condition, "type") == type && TextOrEmpty(condition, "status") == status)
      return ReasonIn(condition);
  }
  return "";
}

// Why a container does not run.
std::string WaitingReason(const Pod& pod) {
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const JsonValue& status : At(pod.status, list).items()) {
      const std::string reason = ReasonIn(At(At(status, "state"), "waiting"));
      if (!reason.empty())
        return fmt::format("container {}: {}", TextOrEmpty(status, "name"), reason);
    }
  }
  return "";
}

std::string InitFailure(const Pod& pod) {
  for (const JsonValue& status : At(pod.status, "initContainerStatuses").items()) {
    const std::optional<Ended> end = EndOf(status);
    if (end && end->exit_code != 0) return DescribeEnd(TextOrEmpty(status, "name"), *end);
  }
  return "";
}

// What a failure is told with: all that is known, the cause before its effects.
std::string Cause(const Pod& pod) {
  std::string cause;
  const auto add = [&cause](const std::string& text) {
    if (text.empty()) return;
    cause += cause.empty() ? ": " : "; ";
    cause += text;
  };
  add(ReasonIn(pod.status));
  add(ConditionReason(pod, "DisruptionTarget", "True"));
  add(InitFailure(pod));
  if (pod.end && pod.end->exit_code != 0) add(DescribeEnd(pod.container, *pod.end));
  if (!pod.end) add(WaitingReason(pod));
  if (!pod.end) add(ConditionReason(pod, "PodScheduled", "False"));
  return cause;
}

std::string DeletionOf(const Pod& pod) {
  return fmt::format("the driver pod {} in {} was deleted{}", pod.name, pod.name_space, Cause(pod));
}

std::string Quantities(const JsonValue& resources) {
  std::string text;
  for (const auto& [name, amount] : resources.members()) {
    if (amount.AsString() == nullptr) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, *amount.AsString());
  }
  return text;
}

std::string StateText(const JsonValue& status) {
  const std::optional<Ended> end = EndOf(status);
  if (end) {
    return fmt::format("exited with status {}{}{}", end->exit_code, end->reason.empty() ? "" : ", ",
                       end->reason);
  }
  const JsonValue& state = At(status, "state");
  if (!At(state, "running").IsNull())
    return fmt::format("running since {}", TextOrEmpty(At(state, "running"), "startedAt"));
  return fmt::format("waiting, {}", ReasonIn(At(state, "waiting")));
}

// Collects lines "name: value", but for those that say nothing.
class Block {
 public:
  void Add(int depth, std::string_view name, const std::string& value) {
    if (value.empty()) return;
    Add(fmt::format("{}{}: {}", std::string(static_cast<std::size_t>(depth), '\t'), name, value));
  }
  void Add(std::string line) {
    if (lines_.size() < kDiagnosticLinesMax) lines_.push_back(std::move(line));
  }
  std::vector<std::string> Take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_ = {};
};

// Not the containers' commands and variables, which may hold secrets.
void AddContainers(const Pod& pod, Block& block) {
  for (const auto& [specs, statuses] : {std::pair("initContainers", "initContainerStatuses"),
                                        std::pair("containers", "containerStatuses")}) {
    for (const JsonValue& container : At(pod.spec, specs).items()) {
      const std::string name = TextOrEmpty(container, "name");
      block.Add(fmt::format("\tcontainer {}:", name));
      block.Add(2, "image", TextOrEmpty(container, "image"));
      const JsonValue& resources = At(container, "resources");
      block.Add(2, "requests", Quantities(At(resources, "requests")));
      block.Add(2, "limits", Quantities(At(resources, "limits")));
      const JsonValue* status = Named(At(pod.status, statuses), name);
      if (status != nullptr) block.Add(2, "state", StateText(*status));
    }
  }
}

std::vector<std::string> DiagnosticsOf(const Pod& pod) {
  Block block;
  block.Add(fmt::format("{}.{}:", pod.name, pod.name_space));
  block.Add(1, "node", TextOrEmpty(pod.spec, "nodeName"));
  block.Add(1, "podIp", TextOrEmpty(pod.status, "podIP"));
  block.Add(1, "startTime", TextOrEmpty(pod.status, "startTime"));
  block.Add(1, "deletionTimestamp", TextOrEmpty(pod.meta, "deletionTimestamp"));
  block.Add(1, "phase", pod.phase);
  block.Add(1, "reason", TextOrEmpty(pod.status, "reason"));
  block.Add(1, "message", Line(TextOrEmpty(pod.status, "message")));
  block.Add(1, "labels", Quantities(At(pod.meta, "labels")));
  AddContainers(pod, block);
  for (const JsonValue& condition : At(pod.status, "conditions").items()) {
    block.Add(1, fmt::format("condition {}", TextOrEmpty(condition, "type")),
              fmt::format("{}{}{}", TextOrEmpty(condition, "status"),
                          ReasonIn(condition).empty() ? "" : ", ", ReasonIn(condition)));
  }
  return block.Take();
}

// Where Grafana shows what Loki has of a pod; unset if it is not to be linked.
std::optional<std::string> LogUrl(std::string_view name_space, std::string_view pod,
                                  const KubernetesOptions& options) {
  if (!options.links_to_loki) return std::nullopt;
  JsonWriter json;
  json.BeginObject().Key("datasource").String(options.loki_datasource);
  json.Key("queries").BeginArray().BeginObject().Key("refId").String("A").Key("expr");
  json.String(fmt::format(R"({{namespace="{}",pod="{}"}})", name_space, pod));
  json.EndObject().EndArray().Key("range").BeginObject();
  json.Key("from").String(fmt::format("now-{}", options.loki_time_range));
  json.Key("to").String("now").EndObject().EndObject();
  return fmt::format("{}/explore?left={}", options.grafana_url, PercentEncode(json.Take()));
}

std::string ReasonFor(const Pod& pod, const ClusterReport& report) {
  switch (report.state) {
    case kFinished:
      return fmt::format("{} ended on Kubernetes as Succeeded", report.app_id);
    case kFailed:
      return fmt::format("{} ended on Kubernetes as Failed{}", report.app_id, Cause(pod));
    case kStarting:
    case kRunning:
    case kKilled:
      break;
  }
  return pod.is_deleted ? DeletionOf(pod) : "";
}

}  // namespace

std::string MetadataOf(const JsonValue& pod, std::string_view name) {
  return TextOrEmpty(At(pod, "metadata"), name);
}

std::string LabelOf(const JsonValue& pod, std::string_view name) {
  return TextOrEmpty(At(At(pod, "metadata"), "labels"), name);
}

ClusterReport ReportOfPod(const JsonValue& json, const KubernetesOptions& options) {
  const Pod pod(json, options);
  ClusterReport report = {
      .app_id = LabelOf(json, "spark-app-selector"),
      .state = StateOf(pod, options),
      .diagnostics = DiagnosticsOf(pod),
      .location = {.path = fmt::format("/api/v1/namespaces/{}/pods/{}",
                                       PercentEncode(pod.name_space), PercentEncode(pod.name)),
                   .uid = TextOrEmpty(pod.meta, "uid"),
                   .container = pod.container}};
  if (report.app_id.empty()) report.app_id = pod.name;
  if (report.state == kFailed && EndedByDeletion(pod)) report.state = kKilled;
  report.reason = ReasonFor(pod, report);
  if (IsFinal(report.state) && pod.end) report.exit_code = pod.end->exit_code;
  report.info.driver_log_url = LogUrl(pod.name_space, pod.name, options);
  if (IsFinal(report.state) && !options.history_url.empty()) {
    report.info.spark_ui_url =
        fmt::format("{}/history/{}/jobs/", options.history_url, report.app_id);
  }
  return report;
}

std::string ExecutorLogUrls(const std::vector<const JsonValue*>& pods,
                            const KubernetesOptions& options) {
  std::map<int, std::string> urls;
  for (const JsonValue* pod : pods) {
    const JsonValue& meta = At(*pod, "metadata");
    const auto number = ParseNumber<int>(LabelOf(*pod, "spark-exec-id"));
    const auto url = LogUrl(TextOrEmpty(meta, "namespace"), TextOrEmpty(meta, "name"), options);
    if (number && url) urls[*number] = *url;
  }
  std::string text;
  for (const auto& [number, url] : urls)
    text += fmt::format("{}executor-{}#{}", text.empty() ? "" : ";", number, url);
  return text;
}

}  // namespace livy::internal
