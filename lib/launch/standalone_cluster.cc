#include "launch/standalone_cluster.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"
#include "core/percent.h"
#include "http/http_connection.h"

namespace livy::internal {
namespace {

using enum ApplicationState;

constexpr int kWebPort = 8080;

// Of each of a driver's streams: some thousand lines.
constexpr int kLogBytesMax = 256 << 10;
constexpr std::size_t kAnswerBytesMax = 1 << 20;

// Of ids: what is before the time of the submission, and the length of that.
constexpr std::string_view kIdPrefix = "driver-";
constexpr std::size_t kTimeDigits = 14;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// By the workers' ids: where their web pages are.
std::map<std::string, std::string> WorkersIn(const JsonValue& state) {
  std::map<std::string, std::string> pages;
  const JsonValue* workers = state.Find("workers");
  if (workers == nullptr) return pages;
  for (const JsonValue& worker : workers->items())
    pages[TextOrEmpty(worker, "id")] = TextOrEmpty(worker, "webuiaddress");
  return pages;
}

ClusterReport ReportOf(const JsonValue& driver, const std::map<std::string, std::string>& pages) {
  const std::string state = TextOrEmpty(driver, "state");
  ClusterReport report = {.app_id = TextOrEmpty(driver, "id"), .state = StandaloneState(state)};
  const auto page = pages.find(TextOrEmpty(driver, "worker"));
  if (page != pages.end() && !page->second.empty()) {
    report.location.log_host = page->second;
    report.info.driver_log_url =
        fmt::format("{}/logPage/?driverId={}&logType=stdout", page->second, report.app_id);
  }
  if (IsFinal(report.state)) {
    report.reason = fmt::format("{} ended on the standalone cluster as {}", report.app_id, state);
  }
  return report;
}

bool IsCommandOrRule(std::string_view text) {
  return text.starts_with("Launch Command: ") || text.starts_with("====") || text.starts_with('\n');
}

// Escapes of URLs are undone, because Spark may write what they stand for.
bool MayNameDriver(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int byte = text[at] == '%' ? EscapedByte(text, at) : -1;
    plain += byte < 0 ? text[at] : static_cast<char>(byte);
    if (byte >= 0) at += 2;
  }
  for (std::size_t at = plain.find(kIdPrefix); at != plain.npos;
       at = plain.find(kIdPrefix, at + 1)) {
    const std::string_view time =
        std::string_view(plain).substr(at + kIdPrefix.size(), kTimeDigits);
    if (time.size() == kTimeDigits && std::ranges::all_of(time, IsDigit)) return true;
  }
  return false;
}

Error Refused(std::string_view where, std::string_view what) {
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} has {}, which is refused in cluster mode of a standalone master.",
                           where, what)};
}

Result<void> CheckText(std::string_view where, std::string_view text) {
  if (MayNameDriver(text)) return Refused(where, "text like the id of a driver");
  return {};
}

// Spark puts other settings into these.
Result<void> CheckSetting(std::string_view where, std::string_view value) {
  if (value.find("${") != value.npos) return Refused(where, "'${'");
  return CheckText(where, value);
}

// The end of a file that a worker shows: below a line that says which part it is.
std::string TextIn(std::string_view body) {
  constexpr std::string_view kWhole = "==== Bytes 0-";
  constexpr std::string_view kNothing = "==== Bytes 0-0 of 0 ";
  const bool is_whole = body.starts_with(kWhole);
  if (!body.starts_with("==== Bytes ") || body.starts_with(kNothing)) return "";
  const auto drop_line = [&body] {
    body.remove_prefix(std::min(body.find('\n'), body.size() - 1) + 1);
  };
  drop_line();
  // What is no whole file begins within a line.
  if (!is_whole) drop_line();
  // The worker writes all settings there, with a rule and a blank line below.
  constexpr int kCommandLines = 3;
  for (int i = 0; i < kCommandLines && is_whole && IsCommandOrRule(body); ++i)
    drop_line();
  return std::string(body);
}

}  // namespace

std::optional<std::string> StandaloneIdIn(std::string_view line) {
  // Other lines may have what a request has named.
  constexpr std::string_view kBefore[] = {"successfully submitted as ", "successfully created as ",
                                          "\"submissionId\" : \""};
  for (std::size_t at = line.find(kIdPrefix); at != line.npos; at = line.find(kIdPrefix, at + 1)) {
    const auto ends_here = [&](std::string_view before) {
      return line.substr(0, at).ends_with(before);
    };
    if (std::ranges::none_of(kBefore, ends_here)) continue;
    const std::string_view rest = line.substr(at + kIdPrefix.size());
    const auto time_end = std::ranges::find_if_not(rest, IsDigit);
    if (time_end - rest.begin() != kTimeDigits || time_end == rest.end() || *time_end != '-')
      continue;
    const auto end = std::find_if_not(time_end + 1, rest.end(), IsDigit);
    if (end == time_end + 1) continue;
    return std::string(
        line.substr(at, kIdPrefix.size() + static_cast<std::size_t>(end - rest.begin())));
  }
  return std::nullopt;
}

Result<void> CheckNamesNoDriver(const LaunchRequest& request) {
  Result<void> checked = CheckSetting("name", request.name);
  for (const auto& [key, value] : request.conf) {
    if (checked) checked = CheckText("A key of conf", key);
    if (checked) checked = CheckSetting(key, value);
  }
  if (checked) checked = CheckText("file", request.file.value_or(""));
  if (checked) checked = CheckText("className", request.main_class.value_or(""));
  if (checked) checked = CheckText("proxyUser", request.proxy_user.value_or(""));
  for (const std::string& argument : request.args) {
    if (checked) checked = CheckText("args", argument);
  }
  return checked;
}

ApplicationState StandaloneState(std::string_view state) {
  if (state == "SUBMITTED" || state == "RELAUNCHING" || state == "UNKNOWN") return kStarting;
  if (state == "RUNNING") return kRunning;
  if (state == "FINISHED") return kFinished;
  if (state == "KILLED") return kKilled;
  return kFailed;
}

std::vector<std::string> WebPagesOf(std::string_view master) {
  constexpr std::string_view kScheme = "spark://";
  if (master.starts_with(kScheme)) master.remove_prefix(kScheme.size());
  std::vector<std::string> urls;
  while (!master.empty()) {
    const std::string_view one = master.substr(0, master.find(','));
    urls.push_back(fmt::format("http://{}:{}", one.substr(0, one.rfind(':')), kWebPort));
    master.remove_prefix(std::min(one.size() + 1, master.size()));
  }
  return urls;
}

Result<Cluster::Reports> StandaloneCluster::Ask(const std::vector<ClusterKey>& keys) {
  // One on standby knows of no driver.
  std::optional<JsonValue> state;
  const auto in_charge = [&](const HttpResponse& answer) {
    if (!ClusterHttp::IsFine(answer)) return false;
    Result<JsonValue> json = ParseJson(answer.body);
    if (!json || TextOrEmpty(*json, "status") == "STANDBY") return false;
    state = *std::move(json);
    return true;
  };
  const Result<HttpResponse> answer = http_.Send({.target = "/json/"}, in_charge);
  if (!answer) return Error{ErrorCode::kUnavailable, answer.error().message};
  const std::map<std::string, std::string> pages = WorkersIn(*state);
  std::map<std::string, ClusterReport> reports;
  for (const char* list : {"activedrivers", "completeddrivers"}) {
    const JsonValue* drivers = state->Find(list);
    if (drivers == nullptr) continue;
    for (const JsonValue& driver : drivers->items()) {
      const ClusterReport report = ReportOf(driver, pages);
      reports[report.app_id] = report;
    }
  }
  Reports found(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto report = reports.find(keys[i].app_id);
    if (report != reports.end()) found[i] = report->second;
  }
  return found;
}

// By the form on the master's page, which sends back to the page.
Result<void> StandaloneCluster::Kill(const ClusterReport& application) {
  const auto in_charge = [](const HttpResponse& answer) {
    return answer.status >= 200 && answer.status < 400;
  };
  const Result<HttpResponse> answer =
      http_.Send({.method = "POST",
                  .target = "/driver/kill/",
                  .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                  .body = fmt::format("id={}&terminate=true", application.app_id)},
                 in_charge);
  if (!answer) return answer.error();
  return {};
}

// Its standard output, then its standard error, which has the cause if it has failed.
Result<std::string> StandaloneCluster::DriverLog(const ClusterReport& application) {
  if (application.location.log_host.empty())
    return Error{ErrorCode::kNotFound, "Its worker is not known any more."};
  const Result<std::shared_ptr<Connection>> worker =
      MakeInterruptible({.url = application.location.log_host,
                         .connections_max = 1,
                         .connect_timeout = timeout_,
                         .response_bytes_max = kAnswerBytesMax},
                        http_.interrupt());
  if (!worker) return worker.error();
  std::string text;
  for (const char* stream : {"stdout", "stderr"}) {
    const Result<HttpResponse> answer =
        (*worker)->Send({.target = fmt::format("/log/?driverId={}&logType={}&byteLength={}",
                                               application.app_id, stream, kLogBytesMax)},
                        timeout_);
    if (!answer) return answer.error();
    if (!ClusterHttp::IsFine(*answer)) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("{} answered with status {}.", application.location.log_host,
                               answer->status)};
    }
    text += TextIn(answer->body);
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
  }
  return text;
}

std::string StandaloneCluster::Describe() const {
  return fmt::format("the standalone master at {}", http_.url());
}

}  // namespace livy::internal
