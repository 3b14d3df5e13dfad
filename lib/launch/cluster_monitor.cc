#include "launch/cluster_monitor.h"

#include <algorithm>
#include <pthread.h>
#include <signal.h>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {
namespace {

// After a reason to expect news: as many polls, this much faster, and not closer than that.
constexpr int kQuickPolls = 5;
constexpr int kQuickFactor = 5;
constexpr std::chrono::milliseconds kClosestPolls{250};

}  // namespace

ClusterMonitor::ClusterMonitor(std::unique_ptr<Cluster> cluster, MonitorLimits limits, Clock& clock,
                               LogSink& log)
    : cluster_(std::move(cluster)), limits_(limits), clock_(clock), log_(log) {}

void ClusterMonitor::Stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

ClusterMonitor::Id ClusterMonitor::Watch(ClusterKey key, ClusterListener& listener) {
  const Clock::TimePoint now = clock_.Now();
  const std::lock_guard lock(mutex_);
  if (watched_.empty() && leaks_.empty()) next_poll_ = now + limits_.poll_interval;
  watched_[++last_id_] = {.key = std::move(key), .listener = &listener};
  if (!thread_.joinable() && !is_stopping_) {
    // The host's signals are for the host's threads.
    sigset_t all;
    sigset_t usual;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &usual);
    thread_ = std::thread([this] { Run(); });
    pthread_sigmask(SIG_SETMASK, &usual, nullptr);
  }
  changed_.notify_all();
  return last_id_;
}

void ClusterMonitor::SetAppId(Id id, std::string app_id) {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(id);
  if (found != watched_.end()) found->second.key.app_id = std::move(app_id);
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
  std::vector<ClusterKey> keys;
  std::vector<Id> ids;
  const Clock::TimePoint before = clock_.Now();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, watched] : watched_) {
      keys.push_back(watched.key);
      ids.push_back(id);
    }
    if (LooksAtLeaks(before)) {
      for (const Leak& leak : leaks_)
        keys.push_back(leak.key);
    }
  }
  if (keys.empty()) return;
  const Result<Cluster::Reports> reports = cluster_->Ask(keys);
  Note(reports);
  const Clock::TimePoint now = clock_.Now();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::optional<ClusterReport>* report = reports ? &(*reports)[i] : nullptr;
    if (i < ids.size()) {
      Tell(ids[i], report, now);
    } else if (report != nullptr && *report) {
      // One whose end was ordered and not done is looked at again.
      if (IsFinal((*report)->state) || KillNow((*report)->app_id)) DropLeak(keys[i].tag);
    }
  }
}

// Called with the lock. Forgets what has been looked for long enough.
bool ClusterMonitor::LooksAtLeaks(Clock::TimePoint now) {
  std::erase_if(leaks_, [&](const Leak& leak) { return leak.until <= now; });
  if (leaks_.empty() || now < next_leak_look_) return false;
  next_leak_look_ = now + limits_.leak_interval;
  return true;
}

void ClusterMonitor::Tell(Id id, const std::optional<ClusterReport>* report, Clock::TimePoint now) {
  ClusterListener* listener = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = watched_.find(id);
    if (found == watched_.end()) return;
    listener = found->second.listener;
    calling_ = id;
  }
  report == nullptr ? listener->OnSilence(now) : listener->OnReport(*report, now);
  bool to_kill = false;
  {
    const std::lock_guard lock(mutex_);
    calling_ = 0;
    const auto found = watched_.find(id);
    to_kill = found != watched_.end() && found->second.to_kill;
  }
  called_.notify_all();
  if (to_kill && report != nullptr && *report && !IsFinal((*report)->state))
    KillNow((*report)->app_id);
}

// One line when the cluster falls silent, and one when it speaks again.
void ClusterMonitor::Note(const Result<Cluster::Reports>& reports) {
  if (reports.has_value() == !is_silent_) return;
  is_silent_ = !reports;
  if (reports) {
    log_.Write(LogLevel::kInfo, "launch", fmt::format("{} answers again", cluster_->Describe()));
  } else {
    log_.Write(LogLevel::kWarning, "launch",
               fmt::format("{} cannot be asked, and will be again: {}", cluster_->Describe(),
                           reports.error().message));
  }
}

bool ClusterMonitor::KillNow(const std::string& app_id) {
  const Result<void> killed = cluster_->Kill(app_id);
  log_.Write(killed ? LogLevel::kInfo : LogLevel::kWarning, "launch",
             killed
                 ? fmt::format("application={} is being ended", app_id)
                 : fmt::format("application={} could not be ended, which will be tried again: {}",
                               app_id, killed.error().message));
  return killed.has_value();
}

void ClusterMonitor::DropLeak(const std::string& tag) {
  const std::lock_guard lock(mutex_);
  std::erase_if(leaks_, [&](const Leak& leak) { return leak.key.tag == tag; });
}

}  // namespace livy::internal
