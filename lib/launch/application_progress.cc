#include "launch/application_progress.h"

#include <string.h>
#include <utility>

#include <fmt/format.h>

#include "core/duration.h"

namespace livy::internal {
namespace {

using enum ApplicationState;

constexpr std::string_view kProgram = "spark-submit";

// Such as "9 (SIGKILL)".
std::string SignalText(int number) {
  const char* name = sigabbrev_np(number);
  return name == nullptr ? fmt::format("{}", number) : fmt::format("{} (SIG{})", number, name);
}

bool Succeeded(const ProcessEnd& end) {
  return end.kind == ProcessEnd::Kind::kExited && end.number == 0 && !end.kill_requested;
}

}  // namespace

ApplicationStatus StatusOf(const ProcessEnd& end, std::string_view program) {
  ApplicationStatus status{.state = kFailed};
  switch (end.kind) {
    case ProcessEnd::Kind::kExited:
      if (end.number == 0) status.state = kFinished;
      status.reason = fmt::format("{} exited with status {}", program, end.number);
      status.exit_code = end.number;
      break;
    case ProcessEnd::Kind::kSignaled:
      status.reason = fmt::format("{} was ended by signal {}", program, SignalText(end.number));
      break;
    case ProcessEnd::Kind::kUnknown:
      status.reason = fmt::format("{} ended; its exit status is not known", program);
      break;
  }
  if (end.kill_requested) {
    status.state = kKilled;
    status.reason = fmt::format("{} on request", status.reason);
  }
  return status;
}

void ApplicationProgress::OnProcessStart(Clock::TimePoint now) {
  has_process_ = true;
  since_ = now;
  status_.is_waiting = false;
  if (!rules_.has_cluster) status_.state = kRunning;
}

void ApplicationProgress::OnRecovery(std::string app_id, Clock::TimePoint now) {
  since_ = now;
  if (!app_id.empty()) status_.app_id = std::move(app_id);
}

void ApplicationProgress::OnAppId(std::string app_id) {
  if (!is_final()) status_.app_id = std::move(app_id);
}

void ApplicationProgress::OnProcessEnd(const ProcessEnd& end, Clock::TimePoint now) {
  if (is_final() || end_) return;
  end_ = end;
  ended_at_ = now;
  Decide(now);
}

void ApplicationProgress::OnKill(Clock::TimePoint now) {
  if (is_final() || kill_requested_) return;
  kill_requested_ = true;
  killed_at_ = now;
  Decide(now);
}

void ApplicationProgress::OnReport(const std::optional<ClusterReport>& report,
                                   Clock::TimePoint now) {
  if (is_final()) return;
  silence_.clear();
  is_known_ = report.has_value();
  was_asked_ = end_.has_value() || !has_process_;
  if (report) {
    report_ = report;
    has_run_ = has_run_ || report->state != kStarting;
    last_known_ = now;
    status_.app_id = report->app_id;
    status_.info = report->info;
    diagnostics_ = report->diagnostics;
  }
  Decide(now);
}

void ApplicationProgress::OnSilence(std::string_view why, Clock::TimePoint now) {
  if (is_final()) return;
  silence_ = why;
  was_silent_ = end_.has_value();
  Decide(now);
}

bool ApplicationProgress::wants_kill() const {
  const bool is_driver_elsewhere = rules_.is_cluster_mode && (end_ || !has_process_);
  return kill_requested_ && is_driver_elsewhere && report_ && is_known_ && !is_final();
}

void ApplicationProgress::Decide(Clock::TimePoint now) {
  if (!rules_.has_cluster) {
    if (end_) EndByProcess();
    return;
  }
  const bool has_failed = end_ && !Succeeded(*end_);
  if (rules_.is_cluster_mode) {
    // How an adopted process ended nobody knows.
    const bool may_have_submitted = end_ && end_->kind == ProcessEnd::Kind::kUnknown;
    // One that ran has been submitted, though the process lost its cluster after that.
    const bool is_sure = has_failed && !may_have_submitted && !has_run_;
    return is_sure && !kill_requested_ ? EndByProcess() : DecideAfterSubmission(now);
  }
  if (has_failed && end_->kill_requested) return EndByProcess();
  if (has_failed) {
    const bool killed_outside = report_ && report_->state == kKilled;
    // Its driver is told of an end from outside, and fails: the cluster knows the cause.
    if (was_asked_ || was_silent_) killed_outside ? EndByReport() : EndByProcess();
    return;
  }
  if (!end_) {
    if (report_) status_.state = report_->state == kStarting ? kStarting : kRunning;
    return;
  }
  // The driver's process exited with 0. Spark tells the cluster just before, or has told nothing.
  if (was_asked_ && is_known_ && report_ && IsFinal(report_->state)) {
    return report_->state == kFinished ? EndByProcess() : EndByReport();
  }
  if ((was_asked_ && !is_known_) || IsLate(ended_at_, now)) EndByProcess();
}

void ApplicationProgress::DecideAfterSubmission(Clock::TimePoint now) {
  if (report_ && is_known_) {
    if (IsFinal(report_->state)) return EndByReport();
    if (!kill_requested_ || !IsLate(killed_at_, now)) {
      status_.state = report_->state;
      return;
    }
  }
  DecideWithoutReport(now);
}

void ApplicationProgress::DecideWithoutReport(Clock::TimePoint now) {
  const bool has_submitted = !has_process_ || end_;
  if (kill_requested_) {
    if (!has_submitted) return;
    const bool is_known_missing = was_asked_ && !is_known_;
    if (is_known_missing) return End(kKilled, "ended on request", std::nullopt);
    if (!IsLate(killed_at_, now)) return;
    return End(kKilled, fmt::format("ended on request, which {} has not confirmed", rules_.cluster),
               {});
  }
  if (report_) {
    if (!IsGone(now)) return;
    if (end_ && end_->kind != ProcessEnd::Kind::kUnknown && !Succeeded(*end_))
      return EndByProcess();
    if (!report_->reason.empty()) return End(kKilled, report_->reason, {});
    return End(
        kFailed,
        fmt::format("{} does not know {} any more{}", rules_.cluster, report_->app_id,
                    rules_.unknown_is_gone ? ": it was removed before its end was seen" : ""),
        {});
  }
  if (has_submitted && !rules_.finds_by_tag && !status_.app_id)
    return End(kFailed, "spark-submit has not said under which id it runs", {});
  if (!IsLate(since_, now)) return;
  const std::string limit =
      FormatDuration(std::chrono::duration_cast<std::chrono::milliseconds>(rules_.lookup_timeout));
  if (!silence_.empty()) {
    return End(kFailed,
               fmt::format("{} could not be asked within {}: {}", rules_.cluster, limit, silence_),
               {});
  }
  End(kFailed,
      fmt::format("{} knew of no such application within {}: spark-submit did not come through, or "
                  "there was no room for it",
                  rules_.cluster, limit),
      {});
}

// Of what the cluster has known.
bool ApplicationProgress::IsGone(Clock::TimePoint now) const {
  if (is_known_) return false;
  const bool has_submitted = !has_process_ || end_;
  return (rules_.unknown_is_gone && has_submitted) || IsLate(last_known_, now);
}

void ApplicationProgress::End(ApplicationState state, std::string reason,
                              std::optional<int> exit_code) {
  status_.state = state;
  status_.reason = std::move(reason);
  status_.exit_code = exit_code;
  const bool is_over = report_ && IsFinal(report_->state);
  is_abandoned_ = rules_.has_cluster && !is_over;
}

void ApplicationProgress::EndByProcess() {
  ApplicationStatus status = StatusOf(*end_, kProgram);
  End(status.state, std::move(status.reason), status.exit_code);
}

void ApplicationProgress::EndByReport() {
  // What was killed may end in any way but a success.
  const bool was_killed = kill_requested_ && report_->state == kFailed;
  End(was_killed ? kKilled : report_->state, report_->reason, report_->exit_code);
}

bool ApplicationProgress::IsLate(Clock::TimePoint since, Clock::TimePoint now) const {
  return now - since >= rules_.lookup_timeout;
}

}  // namespace livy::internal
