#include "launch/kubernetes_cluster.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "core/percent.h"
#include "files/private_file.h"
#include "launch/kubernetes_ingress.h"
#include "launch/kubernetes_pod.h"

namespace livy::internal {
namespace {

// Pods in one answer, each of some 10 kB, and answers to one question.
constexpr int kPodsAtOnce = 500;
constexpr int kAnswersMax = 100;
// Of a driver's log, whatever its lines are like.
constexpr int kLogBytesMax = 8 << 20;
constexpr std::size_t kMessageBytesMax = 500;
constexpr std::size_t kNameBytesMax = 63;
// Remembered. Beyond it they are forgotten, and asked for again.
constexpr std::size_t kIngressesMax = 10000;

KubernetesOptions WithAccount(KubernetesOptions options) {
  std::error_code ignored;
  const std::filesystem::path& account = options.account_dir;
  if (!std::filesystem::exists(account / "token", ignored)) return options;
  if (options.token.empty() && options.token_file.empty() && options.certificate_file.empty())
    options.token_file = account / "token";
  if (options.ca_file.empty()) options.ca_file = account / "ca.crt";
  return options;
}

ClusterFiles FilesOf(const KubernetesOptions& options) {
  return {.authorities = options.ca_file,
          .certificate = options.certificate_file,
          .key = options.key_file};
}

// Its text may end with a line feed.
Result<std::string> TokenOf(const KubernetesOptions& options) {
  if (options.token_file.empty()) return options.token;
  Result<std::string> token = ReadFile(options.token_file);
  if (!token) return token;
  const std::size_t end = token->find_last_not_of(" \t\r\n");
  token->resize(end == token->npos ? 0 : end + 1);
  return token;
}

// What the API server says of an error, in a Status.
std::string MessageIn(const HttpResponse& answer) {
  const Result<JsonValue> json = ParseJson(answer.body);
  const std::string message = json ? TextOrEmpty(*json, "message") : "";
  return message.substr(0, kMessageBytesMax);
}

}  // namespace

std::string ApiServerOf(std::string_view master) {
  constexpr std::string_view kScheme = "k8s://";
  if (master.starts_with(kScheme)) master.remove_prefix(kScheme.size());
  while (master.ends_with('/'))
    master.remove_suffix(1);
  return master.find("://") == master.npos ? fmt::format("https://{}", master)
                                           : std::string(master);
}

bool IsNamespace(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, is_plain);
}

KubernetesCluster::KubernetesCluster(std::string url, KubernetesOptions options, int log_lines_max)
    : options_(WithAccount(std::move(options))),
      log_lines_max_(log_lines_max),
      http_({std::move(url)}, options_.times.request_timeout, FilesOf(options_)) {}

Result<Cluster::Reports> KubernetesCluster::Ask(const std::vector<ClusterKey>& keys) {
  return AskInParts(keys, [&](std::size_t begin, std::size_t end, Reports& reports) {
    return AskSome(keys, begin, end, reports);
  });
}

// Tags are ours: letters, digits and hyphens.
Result<void> KubernetesCluster::AskSome(const std::vector<ClusterKey>& keys, std::size_t begin,
                                        std::size_t end, Reports& reports) {
  std::string selector = fmt::format("{} in (", kTagLabel);
  for (std::size_t i = begin; i < end; ++i)
    selector += fmt::format("{}{}", i == begin ? "" : ",", keys[i].tag);
  selector += ')';
  // Executors are of interest for their links only.
  if (!options_.links_to_loki) selector += fmt::format(",{}={}", kRoleLabel, kDriverRole);
  const std::string& place = keys[begin].place;
  const Result<std::vector<JsonValue>> pods =
      List(fmt::format("/api/v1/namespaces/{}/pods?limit={}&labelSelector={}", PercentEncode(place),
                       kPodsAtOnce, PercentEncode(selector)),
           fmt::format("to list pods in the namespace {}", place));
  if (!pods) return pods.error();

  std::map<std::string, ClusterReport> drivers;
  std::map<std::string, std::vector<const JsonValue*>> executors;
  for (const JsonValue& pod : *pods) {
    const std::string tag = LabelOf(pod, kTagLabel);
    if (LabelOf(pod, kRoleLabel) == kDriverRole) {
      ClusterReport& report = drivers.try_emplace(tag, ReportOfPod(pod, options_)).first->second;
      AddIngress(pod, report);
    } else {
      executors[tag].push_back(&pod);
    }
  }
  for (std::size_t i = begin; i < end; ++i) {
    const auto driver = drivers.find(keys[i].tag);
    if (driver == drivers.end()) continue;
    reports[i] = driver->second;
    const std::string urls = ExecutorLogUrls(executors[keys[i].tag], options_);
    if (!urls.empty()) reports[i]->info.executor_log_urls = urls;
  }
  return {};
}

// Once for each pod: it is not the applications' fault if it cannot be, and nobody gains by trying
// for ever.
void KubernetesCluster::AddIngress(const JsonValue& pod, ClusterReport& report) {
  if (!options_.ingress.is_created || report.state != ApplicationState::kRunning) return;
  const std::string tag = LabelOf(pod, kTagLabel);
  if (ingresses_.size() > kIngressesMax) ingresses_.clear();
  const auto [ingress, is_new] = ingresses_.try_emplace(report.location.uid);
  if (is_new) {
    const Result<HttpResponse> made =
        Exchange({.method = "POST",
                  .target = fmt::format("/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
                                        PercentEncode(MetadataOf(pod, "namespace"))),
                  .headers = {{"Content-Type", "application/json"}},
                  .body = IngressFor(pod, tag, options_.ingress)});
    const bool is_there = made && (ClusterHttp::IsFine(*made) || made->status == 409);
    if (!is_there)
      ingress->second = made ? Refusal(*made, "to create ingresses").message : made.error().message;
  }
  if (ingress->second.empty()) {
    report.info.spark_ui_url = IngressUrl(tag, options_.ingress);
  } else {
    report.diagnostics.push_back(fmt::format("\tno ingress: {}", ingress->second));
  }
}

// All items, in as many answers as the API server makes of them.
Result<std::vector<JsonValue>> KubernetesCluster::List(const std::string& target,
                                                       std::string_view what) {
  std::vector<JsonValue> items;
  std::string rest;
  for (int i = 0; i < kAnswersMax; ++i) {
    const Result<HttpResponse> answer = Send({.target = target + rest}, what);
    if (!answer) return answer.error();
    const Result<JsonValue> json = ParseJson(answer->body);
    const JsonValue* list = json ? json->Find("items") : nullptr;
    if (list == nullptr)
      return Error{ErrorCode::kUnavailable, "The API server's answer is no list of pods."};
    items.insert(items.end(), list->items().begin(), list->items().end());
    const JsonValue* meta = json->Find("metadata");
    const std::string next = meta == nullptr ? "" : TextOf(*meta, "continue").value_or("");
    if (next.empty()) return items;
    rest = fmt::format("&continue={}", PercentEncode(next));
  }
  return Error{ErrorCode::kUnavailable, "The API server's list of pods has no end."};
}

// Of this very pod, and not of one that has its name now.
Result<void> KubernetesCluster::Kill(const ClusterReport& application) {
  const ClusterLocation& pod = application.location;
  JsonWriter body;
  body.BeginObject().Key("apiVersion").String("v1").Key("kind").String("DeleteOptions");
  body.Key("preconditions").BeginObject().Key("uid").String(pod.uid).EndObject().EndObject();
  const Result<HttpResponse> answer = Send({.method = "DELETE",
                                            .target = pod.path,
                                            .headers = {{"Content-Type", "application/json"}},
                                            .body = body.Take()},
                                           "to delete pods");
  if (answer || answer.error().code == ErrorCode::kNotFound) return {};
  return answer.error();
}

// The API server counts the bytes from the first of the last lines on: where they are too many it
// is asked for fewer lines, so that the end is there.
Result<std::string> KubernetesCluster::DriverLog(const ClusterReport& application) {
  const ClusterLocation& pod = application.location;
  for (int lines = log_lines_max_; lines > 0; lines /= 10) {
    Result<HttpResponse> answer =
        Send({.target = fmt::format("{}/log?container={}&tailLines={}&limitBytes={}", pod.path,
                                    PercentEncode(pod.container), lines, kLogBytesMax)},
             "to get the logs of pods (pods/log)");
    if (!answer) return answer.error();
    if (answer->body.size() < static_cast<std::size_t>(kLogBytesMax) || lines == 1)
      return std::move(answer->body);
  }
  return Error{ErrorCode::kNotFound, "No lines are wanted."};
}

// Fails unless the API server has done what was asked.
Result<HttpResponse> KubernetesCluster::Send(HttpRequest request, std::string_view what) {
  Result<HttpResponse> answer = Exchange(std::move(request));
  if (!answer || ClusterHttp::IsFine(*answer)) return answer;
  return Refusal(*answer, what);
}

Result<HttpResponse> KubernetesCluster::Exchange(HttpRequest request) {
  const Result<std::string> token = TokenOf(options_);
  if (!token) return Error{ErrorCode::kUnavailable, token.error().message};
  if (!token->empty())
    request.headers.push_back({"Authorization", fmt::format("Bearer {}", *token)});
  request.headers.push_back({"Accept", "application/json"});
  // What is refused, it has understood.
  const auto in_charge = [](const HttpResponse& answer) {
    return answer.status >= 200 && answer.status < 500 && answer.status != 429;
  };
  return http_.Send(request, in_charge);
}

Error KubernetesCluster::Refusal(const HttpResponse& answer, std::string_view what) const {
  const std::string said = MessageIn(answer);
  const std::string more = said.empty() ? "" : fmt::format(": {}", said);
  switch (answer.status) {
    case 401: {
      const bool has_own = !options_.token.empty() || !options_.token_file.empty() ||
                           !options_.certificate_file.empty();
      return {ErrorCode::kUnauthenticated,
              fmt::format("{} {} (401){}", http_.url(),
                          has_own ? "does not accept our token or certificate"
                                  : "wants a token or a certificate, and none is given",
                          more)};
    }
    case 403:
      return {ErrorCode::kPermissionDenied,
              fmt::format("{} does not allow us {} (403){}", http_.url(), what, more)};
    case 404:
    case 409:  // There is another of that name.
      return {ErrorCode::kNotFound,
              fmt::format("{} has nothing of the kind ({}){}", http_.url(), answer.status, more)};
    default:
      return {ErrorCode::kUnavailable,
              fmt::format("{} answered with status {}{}", http_.url(), answer.status, more)};
  }
}

std::string KubernetesCluster::Describe() const {
  return fmt::format("Kubernetes at {}", http_.url());
}

}  // namespace livy::internal
