#include "launch/yarn_cluster.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"

namespace livy::internal {
namespace {

using enum ApplicationState;

// Of an application's diagnostics, which may hold whole logs.
constexpr std::size_t kDiagnosticLinesMax = 200;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; lines.size() < kDiagnosticLinesMax && std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

// YARN has it in its diagnostics only: "... exited with  exitCode: 13".
std::optional<int> ExitCodeIn(std::string_view diagnostics) {
  constexpr std::string_view kMark = "exitCode: ";
  const std::size_t at = diagnostics.find(kMark);
  if (at == diagnostics.npos) return std::nullopt;
  const std::string_view digits = diagnostics.substr(at + kMark.size());
  int code = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), code);
  if (parsed.ec != std::errc()) return std::nullopt;
  return code;
}

std::optional<std::string> Url(std::string text) {
  if (text.empty() || text == "UNASSIGNED" || text == "null") return std::nullopt;
  return text;
}

ClusterReport ReportOf(const JsonValue& application) {
  const std::string state = TextOrEmpty(application, "state");
  const std::string final_status = TextOrEmpty(application, "finalStatus");
  const std::string diagnostics = TextOrEmpty(application, "diagnostics");
  ClusterReport report = {.app_id = TextOrEmpty(application, "id"),
                          .state = YarnState(state, final_status),
                          .diagnostics = Lines(diagnostics)};
  report.info.spark_ui_url = Url(TextOrEmpty(application, "trackingUrl"));
  if (state != "FINISHED")
    report.info.driver_log_url = Url(TextOrEmpty(application, "amContainerLogs"));
  if (!IsFinal(report.state)) return report;
  report.reason = fmt::format("{} ended on YARN as {}, {}", report.app_id, state, final_status);
  const auto line = std::ranges::find_if(report.diagnostics, [](const std::string& text) {
    return text.find_first_not_of(" \t") != text.npos;
  });
  if (line != report.diagnostics.end()) report.reason += ": " + *line;
  if (report.state == kFailed) report.exit_code = ExitCodeIn(diagnostics);
  if (report.state == kFinished) report.exit_code = 0;
  return report;
}

// Each of the tags that `application` carries.
std::vector<std::string> TagsOf(const JsonValue& application) {
  std::vector<std::string> tags;
  std::istringstream stream(TextOrEmpty(application, "applicationTags"));
  for (std::string tag; std::getline(stream, tag, ',');) {
    tag.erase(0, tag.find_first_not_of(' '));
    tags.push_back(std::move(tag));
  }
  return tags;
}

// To YARN all letters of tags are small; Apache Livy's are of both kinds.
std::string AsYarnHasIt(std::string tag) {
  for (char& c : tag)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return tag;
}

// By tag. Of several with one tag, which only users can make, the first.
Result<std::map<std::string, ClusterReport>> ReportsIn(const std::string& body) {
  const Result<JsonValue> json = ParseJson(body);
  if (!json) return Error{ErrorCode::kUnavailable, "YARN's answer is no JSON."};
  std::map<std::string, ClusterReport> reports;
  const JsonValue* apps = json->Find("apps");
  // Null if there are none.
  const JsonValue* list = apps == nullptr ? nullptr : apps->Find("app");
  if (list == nullptr) return reports;
  for (const JsonValue& application : list->items()) {
    const ClusterReport report = ReportOf(application);
    for (const std::string& tag : TagsOf(application))
      reports.try_emplace(tag, report);
  }
  return reports;
}

}  // namespace

ApplicationState YarnState(std::string_view state, std::string_view final_status) {
  const bool is_open = final_status == "UNDEFINED";
  if (state == "NEW" || state == "NEW_SAVING" || state == "SUBMITTED" || state == "ACCEPTED")
    return is_open ? kStarting : kFailed;
  // Spark says that it has succeeded a moment before it ends.
  if (state == "RUNNING" || state == "FINISHING")
    return is_open || final_status == "SUCCEEDED" ? kRunning : kFailed;
  if (state == "FINISHED" && final_status == "SUCCEEDED") return kFinished;
  if (state == "KILLED" && final_status == "KILLED") return kKilled;
  return kFailed;
}

Result<Cluster::Reports> YarnCluster::Ask(const std::vector<ClusterKey>& keys) {
  return AskInParts(keys, [&](std::size_t begin, std::size_t end, Reports& reports) {
    return AskSome(keys, begin, end, reports);
  });
}

// Tags are servers' own: letters, digits and hyphens.
Result<void> YarnCluster::AskSome(const std::vector<ClusterKey>& keys, std::size_t begin,
                                  std::size_t end, Reports& reports) {
  std::string tags;
  for (std::size_t i = begin; i < end; ++i)
    tags += (tags.empty() ? "" : ",") + AsYarnHasIt(keys[i].tag);
  const Result<HttpResponse> answer = http_.Send(
      {.target = fmt::format("/ws/v1/cluster/apps?applicationTags={}&user.name={}", tags, user_),
       .headers = {{"Accept", "application/json"}}});
  if (!answer) return Error{ErrorCode::kUnavailable, answer.error().message};
  const Result<std::map<std::string, ClusterReport>> found = ReportsIn(answer->body);
  if (!found) return found.error();
  for (std::size_t i = begin; i < end; ++i) {
    const auto report = found->find(AsYarnHasIt(keys[i].tag));
    if (report != found->end()) reports[i] = report->second;
  }
  return {};
}

Result<void> YarnCluster::Kill(const ClusterReport& application) {
  const Result<HttpResponse> answer =
      http_.Send({.method = "PUT",
                  .target = fmt::format("/ws/v1/cluster/apps/{}/state?user.name={}",
                                        application.app_id, user_),
                  .headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
                  .body = "{\"state\":\"KILLED\"}"});
  if (!answer) return answer.error();
  return {};
}

Result<std::string> YarnCluster::DriverLog(const ClusterReport&) {
  return Error{ErrorCode::kNotFound, "The ResourceManager has no logs."};
}

std::string YarnCluster::Describe() const {
  return fmt::format("YARN at {}", http_.url());
}

}  // namespace livy::internal
