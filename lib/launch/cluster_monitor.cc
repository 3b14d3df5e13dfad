#include "launch/cluster_monitor.h"

#include <algorithm>
#include <optional>
#include <pthread.h>
#include <utility>

#include <fmt/format.h>

#include "launch/own_thread.h"

namespace livy::internal {
namespace {

// After a reason to expect news: as many polls, this much faster, and not closer than that.
constexpr int kQuickPolls = 5;
constexpr int kQuickFactor = 5;
constexpr std::chrono::milliseconds kClosestPolls{250};

// At one poll logs are begun until all took the time of one answer; last logs until they took that
// of so many. The last that is begun may take its own time on top, which is that of a few answers.
constexpr int kLastLogTimes = 3;

// So long nobody who only reads asks for a log where one did not come: each costs a poll time.
constexpr std::chrono::seconds kSilentLogPause{60};

// A refusal that comes in less than this part of the time of one costs nobody else much.
constexpr int kQuickLogFactor = 10;

}  // namespace

ClusterMonitor::ClusterMonitor(std::unique_ptr<Cluster> cluster, MonitorLimits limits, Clock& clock,
                               LogSink& log)
    : cluster_(std::move(cluster)), limits_(limits), clock_(clock), log_(log) {}

Result<std::unique_ptr<ClusterMonitor>> ClusterMonitor::Create(std::unique_ptr<Cluster> cluster,
                                                               MonitorLimits limits, Clock& clock,
                                                               LogSink& log) {
  std::unique_ptr<ClusterMonitor> monitor(
      new ClusterMonitor(std::move(cluster), limits, clock, log));
  Result<std::thread> thread = StartThread([raw = monitor.get()] { raw->Run(); });
  if (!thread) return thread.error();
  monitor->thread_ = *std::move(thread);
  return monitor;
}

void ClusterMonitor::Stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  cluster_->BreakOff();
  if (thread_.joinable()) thread_.join();
}

ClusterMonitor::Id ClusterMonitor::Watch(ClusterKey key, ClusterListener& listener,
                                         AfterEnd after_end) {
  const Clock::TimePoint now = clock_.Now();
  const std::lock_guard lock(mutex_);
  if (watched_.empty() && leaks_.empty()) next_poll_ = now + limits_.poll_interval;
  watched_[++last_id_] = {.key = std::move(key), .listener = &listener, .after_end = after_end};
  changed_.notify_all();
  return last_id_;
}

void ClusterMonitor::SetAppId(Id id, std::string app_id) {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(id);
  if (found != watched_.end()) found->second.key.app_id = std::move(app_id);
}

void ClusterMonitor::WantLog(Id id) {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(id);
  if (found != watched_.end()) found->second.wants_log = true;
}

void ClusterMonitor::PollSoon() {
  const Clock::TimePoint now = clock_.Now();
  {
    const std::lock_guard lock(mutex_);
    quick_polls_ = kQuickPolls;
    next_poll_ = std::min(next_poll_, now + kClosestPolls);
  }
  changed_.notify_all();
}

void ClusterMonitor::Kill(Id id) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = watched_.find(id);
    if (found == watched_.end() || std::exchange(found->second.to_kill, true)) return;
  }
  PollSoon();
}

void ClusterMonitor::Drop(Id id) {
  const std::lock_guard lock(mutex_);
  watched_.erase(id);
}

void ClusterMonitor::Forget(Id id) {
  std::unique_lock lock(mutex_);
  watched_.erase(id);
  if (thread_.get_id() == std::this_thread::get_id()) return;
  while (id != 0 && calling_ == id)
    called_.wait(lock);
}

void ClusterMonitor::KillWhenSeen(ClusterKey key) {
  const Clock::TimePoint now = clock_.Now();
  {
    const std::lock_guard lock(mutex_);
    if (leaks_.size() >= limits_.leaks_max) leaks_.erase(leaks_.begin());
    leaks_.push_back({.key = std::move(key), .until = now + limits_.leak_timeout});
    next_leak_look_ = now;
  }
  PollSoon();
}

void ClusterMonitor::Run() {
  pthread_setname_np(pthread_self(), "livy-cluster");
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    const bool is_idle = watched_.empty() && leaks_.empty();
    const Clock::TimePoint due =
        is_idle ? Clock::TimePoint::max()
                : (watched_.empty() ? std::max(next_poll_, next_leak_look_) : next_poll_);
    if (clock_.Now() < due) {
      clock_.WaitUntil(lock, changed_, due);
      continue;
    }
    // Before the poll: what makes the next one come sooner may happen during it.
    const bool is_quick = quick_polls_ > 0;
    if (is_quick) --quick_polls_;
    const Clock::Duration quick =
        std::max<Clock::Duration>(limits_.poll_interval / kQuickFactor, kClosestPolls);
    next_poll_ = clock_.Now() + (is_quick ? quick : limits_.poll_interval);
    lock.unlock();
    Poll();
    lock.lock();
  }
}

void ClusterMonitor::Poll() {
  const std::map<std::string, std::vector<Look>> places = LooksByPlace();
  std::erase_if(silent_, [&](const std::string& place) { return !places.contains(place); });
  logs_left_ = limits_.logs_at_once;
  log_time_ = {};
  poll_begin_ = clock_.Now();
  std::erase_if(silent_logs_,
                [&](const auto& silent) { return poll_begin_ - silent.second >= kSilentLogPause; });
  told_before_ = std::exchange(told_, {});
  std::optional<Error> unreachable;  // Then so is every place.
  for (const auto& [place, looks] : places) {
    Result<Cluster::Reports> reports = Cluster::Reports();
    if (unreachable) {
      reports = *unreachable;
    } else {
      std::vector<ClusterKey> keys;
      for (const Look& look : looks)
        keys.push_back(look.key);
      reports = cluster_->Ask(keys);
      if (IsStopping()) return;  // It may have been broken off, which is no news.
      Note(place, reports);
      if (!reports && reports.error().code != ErrorCode::kPermissionDenied)
        unreachable = reports.error();
    }
    for (std::size_t i = 0; i < looks.size(); ++i) {
      reports ? Tell(looks[i], (*reports)[i]) : TellSilence(looks[i], reports.error().message);
    }
  }
}

bool ClusterMonitor::IsStopping() {
  const std::lock_guard lock(mutex_);
  return is_stopping_;
}

std::map<std::string, std::vector<ClusterMonitor::Look>> ClusterMonitor::LooksByPlace() {
  std::map<std::string, std::vector<Look>> places;
  const Clock::TimePoint now = clock_.Now();
  const std::lock_guard lock(mutex_);
  for (const auto& [id, watched] : watched_)
    places[watched.key.place].push_back({.id = id, .key = watched.key});
  if (LooksAtLeaks(now)) {
    for (const Leak& leak : leaks_)
      places[leak.key.place].push_back({.key = leak.key});
  }
  return places;
}

// Called with the lock. Forgets what has been looked for long enough.
bool ClusterMonitor::LooksAtLeaks(Clock::TimePoint now) {
  std::erase_if(leaks_, [&](const Leak& leak) { return leak.until <= now; });
  if (leaks_.empty() || now < next_leak_look_) return false;
  next_leak_look_ = now + limits_.leak_interval;
  return true;
}

void ClusterMonitor::Tell(const Look& look, const std::optional<ClusterReport>& report) {
  if (look.id == 0) {
    // One whose end was ordered and not done is looked at again.
    if (report && (IsFinal(report->state) || KillNow(*report))) DropLeak(look.key.tag);
    return;
  }
  const std::optional<std::string> log = report ? FetchLog(look, *report) : std::nullopt;
  const std::optional<Watched> before = BeginCall(look.id);
  if (!before) return;
  if (log) before->listener->OnDriverLog(*log);
  before->listener->OnReport(report, clock_.Now());
  const std::optional<Watched> after = EndCall(look.id);
  if (!report) return;
  const bool has_finished = report->state == ApplicationState::kFinished;
  const bool to_remove = has_finished && before->after_end == AfterEnd::kIsRemoved;
  const bool to_kill = !IsFinal(report->state) && after && after->to_kill;
  if (to_remove || to_kill) KillNow(*report);
}

void ClusterMonitor::TellSilence(const Look& look, const std::string& why) {
  const std::optional<Watched> watched = BeginCall(look.id);
  if (!watched) return;
  watched->listener->OnSilence(why, clock_.Now());
  EndCall(look.id);
}

// Unset if nobody listens, and when we stop: then what was not heard means nothing. Else Forget()
// waits until EndCall().
std::optional<ClusterMonitor::Watched> ClusterMonitor::BeginCall(Id id) {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(id);
  if (found == watched_.end() || is_stopping_) return std::nullopt;
  calling_ = id;
  return found->second;
}

// Unset if nobody listens any more.
std::optional<ClusterMonitor::Watched> ClusterMonitor::EndCall(Id id) {
  std::optional<Watched> watched;
  {
    const std::lock_guard lock(mutex_);
    calling_ = 0;
    const auto found = watched_.find(id);
    if (found != watched_.end()) watched = found->second;
  }
  called_.notify_all();
  return watched;
}

// What ends, or is about to, has its log fetched whoever reads it: it may soon be gone.
std::optional<std::string> ClusterMonitor::FetchLog(const Look& look, const ClusterReport& report) {
  const std::string& host = report.location.log_host;
  const std::string& source = host.empty() ? look.key.place : host;
  {
    const std::lock_guard lock(mutex_);
    const auto found = watched_.find(look.id);
    if (found == watched_.end() || report.state == ApplicationState::kStarting) return std::nullopt;
    Watched& watched = found->second;
    const bool is_last = IsFinal(report.state) || watched.to_kill;
    // An end is told in time, if need be without its log.
    const Clock::Duration time = limits_.log_timeout * (is_last ? kLastLogTimes : 1);
    const auto silent = silent_logs_.find(source);
    const bool is_silent =
        silent != silent_logs_.end() && (!is_last || silent->second >= poll_begin_);
    if (log_time_ >= time || is_silent) return std::nullopt;
    if (!is_last && (!watched.wants_log || logs_left_ == 0)) return std::nullopt;
    if (!is_last) --logs_left_;
    watched.wants_log = false;
  }
  const Clock::TimePoint begin = clock_.Now();
  Result<std::string> text = cluster_->DriverLog(report);
  const Clock::Duration took = clock_.Now() - begin;
  log_time_ += took;
  if (text) {
    is_log_refused_ = false;
    return *std::move(text);
  }
  // Others from there are likely to fail, too, each after some time.
  if (took >= limits_.log_timeout / kQuickLogFactor) silent_logs_[source] = clock_.Now();
  if (text.error().code != ErrorCode::kNotFound && !std::exchange(is_log_refused_, true)) {
    log_.Write(LogLevel::kWarning, "launch",
               fmt::format("application={} has a log that cannot be read: {}", report.app_id,
                           text.error().message));
  }
  return std::nullopt;
}

// One line when the cluster falls silent, and one when it speaks again.
void ClusterMonitor::Note(const std::string& place, const Result<Cluster::Reports>& reports) {
  if (reports.has_value() == !silent_.contains(place)) return;
  const std::string name =
      place.empty() ? cluster_->Describe() : fmt::format("{} ({})", cluster_->Describe(), place);
  if (reports) {
    silent_.erase(place);
    log_.Write(LogLevel::kInfo, "launch", fmt::format("{} answers again", name));
  } else {
    silent_.insert(place);
    log_.Write(
        LogLevel::kWarning, "launch",
        fmt::format("{} cannot be asked, and will be again: {}", name, reports.error().message));
  }
}

// What does not end, or cannot be ended, is tried again at each poll, and told of once.
bool ClusterMonitor::KillNow(const ClusterReport& report) {
  const bool is_under_way = !IsFinal(report.state) && !report.reason.empty();
  if (is_under_way) return true;
  const Result<void> killed = cluster_->Kill(report);
  const std::string_view what = IsFinal(report.state) ? "removed" : "ended";
  if (killed) {
    WriteOnce(LogLevel::kInfo, fmt::format("application={} is being {}", report.app_id, what));
  } else {
    WriteOnce(LogLevel::kWarning,
              fmt::format("application={} could not be {}: ", report.app_id, what),
              killed.error().message);
  }
  return killed.has_value();
}

// Unless the same line, whatever its end, was written at the last poll.
void ClusterMonitor::WriteOnce(LogLevel level, std::string line, std::string_view why) {
  if (!told_before_.contains(line)) log_.Write(level, "launch", fmt::format("{}{}", line, why));
  told_.insert(std::move(line));
}

void ClusterMonitor::DropLeak(const std::string& tag) {
  const std::lock_guard lock(mutex_);
  std::erase_if(leaks_, [&](const Leak& leak) { return leak.key.tag == tag; });
}

}  // namespace livy::internal
