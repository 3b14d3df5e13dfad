#include "launch/spark_application.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "launch/standalone_cluster.h"

namespace livy::internal {
namespace {

using enum ApplicationState;

std::size_t AtLeastZero(int number) {
  return static_cast<std::size_t>(std::max(0, number));
}

// An element of the list like any other; clients know these very texts, the line feed included.
const char* DiagnosticsHeader(ClusterKind kind) {
  switch (kind) {
    case ClusterKind::kYarn:
      return "\nYARN Diagnostics: ";
    case ClusterKind::kKubernetes:
      return "\nKubernetes Diagnostics: ";
    case ClusterKind::kNone:
    case ClusterKind::kStandalone:
      break;
  }
  return nullptr;
}

}  // namespace

SparkApplication::SparkApplication(Parts parts)
    : parts_(std::move(parts)),
      out_(AtLeastZero(parts_.log_line_bytes_max)),
      err_(AtLeastZero(parts_.log_line_bytes_max)),
      handle_(parts_.handle),
      progress_(parts_.rules),
      log_(AtLeastZero(parts_.log_lines_max)) {
  if (const char* header = DiagnosticsHeader(parts_.handle.target.kind))
    log_.SetDiagnostics(header, {});
  if (IsDriverInPod()) log_.SetDriverLog({});
}

// After the turn there may be a process, and a look at the cluster; after all three nobody calls
// this object.
SparkApplication::~SparkApplication() {
  SubmitQueue::Id turn = 0;
  {
    const std::lock_guard lock(mutex_);
    turn = turn_;
  }
  parts_.queue->Forget(turn);
  if (process_ != 0) parts_.watcher->Forget(process_);
  if (watch_ != 0) parts_.monitor->Forget(watch_);
}

Result<void> SparkApplication::Begin(ProcessStarter start) {
  start_ = std::move(start);
  const Result<SubmitQueue::Entry> entry = parts_.queue->Enter(*this);
  if (!entry) return entry.error();
  {
    const std::lock_guard lock(mutex_);
    turn_ = entry->id;
    // Its turn may have come meanwhile.
    if (!entry->may_begin && start_) untold_.push_back({.is_waiting = true});
  }
  if (!entry->may_begin) {
    TellAll();
    return {};
  }
  Result<void> started = Start();
  if (!started) parts_.queue->Release(entry->id);
  return started;
}

Result<void> SparkApplication::Adopt(ChildProcess child, std::shared_ptr<PrivateFile> settings) {
  {
    const std::lock_guard lock(mutex_);
    if (!handle_.app_id.empty()) progress_.OnAppId(handle_.app_id);
  }
  return Follow(std::move(child), std::move(settings));
}

void SparkApplication::FollowCluster() {
  {
    const std::lock_guard lock(mutex_);
    progress_.OnRecovery(handle_.app_id, parts_.clock->Now());
  }
  Watch();
  parts_.monitor->PollSoon();
}

bool SparkApplication::OnTurn(SubmitQueue::Id id) {
  {
    const std::lock_guard lock(mutex_);
    turn_ = id;
  }
  const Result<void> started = Start();
  if (!started) Tell({.state = kFailed, .reason = started.error().message});
  return started.has_value();
}

Result<void> SparkApplication::Start() {
  ProcessStarter start;
  {
    const std::lock_guard lock(mutex_);
    start = std::exchange(start_, nullptr);
  }
  Result<StartedProcess> started = start();
  if (!started) return started.error();
  return Follow(std::move(started->child), std::move(started->settings));
}

Result<void> SparkApplication::Follow(ChildProcess child, std::shared_ptr<PrivateFile> settings) {
  {
    const std::lock_guard lock(mutex_);
    settings_ = settings;
    handle_.process = IdentityOf(child.pid);
    progress_.OnProcessStart(parts_.clock->Now());
    last_ = progress_.status();
    untold_.push_back(last_);
  }
  // Before the watcher knows the child: it may report the end at once.
  TellAll();
  if (parts_.monitor != nullptr) Watch();
  const Result<ProcessWatcher::Id> id =
      parts_.watcher->Watch(std::move(child), *this, std::move(settings));
  if (!id) return id.error();
  bool is_unwanted = false;
  {
    const std::lock_guard lock(mutex_);
    process_ = *id;
    is_unwanted = kill_requested_;
  }
  if (is_unwanted) parts_.watcher->Kill(*id);
  return {};
}

void SparkApplication::Watch() {
  const std::lock_guard lock(mutex_);
  // A session's pod has nothing that the session has not told.
  const AfterEnd after_end = handle_.is_session ? AfterEnd::kIsRemoved : AfterEnd::kStays;
  watch_ = parts_.monitor->Watch(
      {.tag = parts_.tag, .app_id = handle_.app_id, .place = handle_.place}, *this, after_end);
}

// Then its log is the cluster's to tell.
bool SparkApplication::IsDriverInPod() const {
  return parts_.monitor != nullptr && parts_.handle.target == kDriverInPod;
}

// Then spark-submit writes its id.
bool SparkApplication::IsDriverOnWorker() const {
  return parts_.monitor != nullptr && parts_.handle.target == kDriverOnWorker;
}

LogPage SparkApplication::Log(int from, int size) const {
  const std::lock_guard lock(mutex_);
  const std::optional<SubmitQueue::Place> place = parts_.queue->PlaceOf(turn_);
  if (!place) {
    const bool has_driver_log = IsDriverInPod() || IsDriverOnWorker();
    if (has_driver_log && size != 0) parts_.monitor->WantLog(watch_);
    return log_.Page(from, size);
  }
  LogBuffer waiting(1);
  waiting.Add(OutputStream::kErr,
              fmt::format("Waiting to be launched: number {} of {}, {} at a time.", place->number,
                          place->waiting, parts_.queue->running_max()));
  return waiting.Page(from, size);
}

std::string SparkApplication::Handle() const {
  const std::lock_guard lock(mutex_);
  return FormatHandle(handle_);
}

// What has connected is a driver and not a launch.
void SparkApplication::ForgetSettings() {
  std::weak_ptr<PrivateFile> settings;
  SubmitQueue::Id turn = 0;
  {
    const std::lock_guard lock(mutex_);
    settings = std::exchange(settings_, {});
    turn = turn_;
  }
  if (const std::shared_ptr<PrivateFile> file = settings.lock()) file->Remove();
  parts_.queue->Release(turn);
}

void SparkApplication::Kill() {
  SubmitQueue::Id turn = 0;
  ProcessWatcher::Id process = 0;
  {
    const std::lock_guard lock(mutex_);
    kill_requested_ = true;
    turn = turn_;
    process = process_;
  }
  if (parts_.queue->Withdraw(turn)) {
    return Tell({.state = kKilled, .reason = "ended on request before it was launched"});
  }
  {
    const std::lock_guard lock(mutex_);
    progress_.OnKill(parts_.clock->Now());
  }
  if (process != 0) parts_.watcher->Kill(process);
  Settle();
}

void SparkApplication::OnOutput(OutputStream stream, std::string_view bytes) {
  if (parts_.output) parts_.output(bytes);
  bool is_id_new = false;
  {
    const std::lock_guard lock(mutex_);
    const bool had_id = !handle_.app_id.empty();
    LineBuffer& buffer = stream == OutputStream::kOut ? out_ : err_;
    buffer.Append(bytes, [&](std::string line) { AddLine(stream, std::move(line)); });
    is_id_new = !had_id && !handle_.app_id.empty();
  }
  if (is_id_new) Settle();
}

// Called with the lock.
void SparkApplication::AddLine(OutputStream stream, std::string line) {
  // In client mode the lines are the driver's own.
  if (IsDriverOnWorker() && handle_.app_id.empty()) {
    if (std::optional<std::string> id = StandaloneIdIn(line)) {
      handle_.app_id = *id;
      progress_.OnAppId(*id);
      parts_.monitor->SetAppId(watch_, *std::move(id));
    }
  }
  log_.Add(stream, std::move(line));
}

void SparkApplication::OnEnd(const ProcessEnd& end) {
  SubmitQueue::Id turn = 0;
  {
    const std::lock_guard lock(mutex_);
    out_.Finish([this](std::string line) { AddLine(OutputStream::kOut, std::move(line)); });
    err_.Finish([this](std::string line) { AddLine(OutputStream::kErr, std::move(line)); });
    turn = turn_;
    progress_.OnProcessEnd(end, parts_.clock->Now());
  }
  if (parts_.monitor != nullptr) parts_.monitor->PollSoon();
  Settle();
  parts_.queue->Release(turn);
}

void SparkApplication::OnReport(const std::optional<ClusterReport>& report, Clock::TimePoint now) {
  {
    const std::lock_guard lock(mutex_);
    progress_.OnReport(report, now);
    if (report) handle_.app_id = report->app_id;
    const char* header = DiagnosticsHeader(parts_.handle.target.kind);
    if (header != nullptr) log_.SetDiagnostics(header, progress_.diagnostics());
  }
  Settle();
}

void SparkApplication::OnSilence(const std::string& why, Clock::TimePoint now) {
  {
    const std::lock_guard lock(mutex_);
    progress_.OnSilence(why, now);
  }
  Settle();
}

void SparkApplication::OnDriverLog(const std::string& text) {
  std::vector<std::string> lines;
  const auto add = [&lines](std::string line) { lines.push_back(std::move(line)); };
  LineBuffer buffer(AtLeastZero(parts_.log_line_bytes_max));
  buffer.Append(text, add);
  buffer.Finish(add);
  const std::lock_guard lock(mutex_);
  IsDriverInPod() ? log_.SetDriverLog(std::move(lines)) : log_.SetDriverTail(std::move(lines));
}

// Does what follows from the progress, and tells of it.
void SparkApplication::Settle() {
  ClusterMonitor::Id watch = 0;
  ProcessWatcher::Id process = 0;
  bool is_over = false;
  bool is_abandoned = false;
  bool wants_kill = false;
  ClusterKey key = {.tag = parts_.tag, .place = parts_.handle.place};
  {
    const std::lock_guard lock(mutex_);
    watch = watch_;
    process = process_;
    key.app_id = handle_.app_id;
    is_over = progress_.is_final();
    wants_kill = progress_.wants_kill();
    is_abandoned = progress_.is_abandoned() && !was_abandoned_;
    was_abandoned_ = progress_.is_abandoned();
    if (!(progress_.status() == last_)) {
      last_ = progress_.status();
      untold_.push_back(last_);
    }
  }
  if (parts_.monitor != nullptr) {
    if (wants_kill) parts_.monitor->Kill(watch);
    if (is_over) parts_.monitor->Drop(watch);
    if (is_abandoned) parts_.monitor->KillWhenSeen(std::move(key));
    // One that submits for so long that it was given up.
    if (is_over && process != 0) parts_.watcher->Kill(process);
  }
  TellAll();
}

void SparkApplication::Tell(ApplicationStatus status) {
  {
    const std::lock_guard lock(mutex_);
    untold_.push_back(std::move(status));
  }
  TellAll();
}

// One thread at a time, so that the observer hears all in order.
void SparkApplication::TellAll() {
  std::unique_lock lock(mutex_);
  if (std::exchange(is_telling_, true)) return;
  while (!untold_.empty()) {
    const ApplicationStatus status = std::move(untold_.front());
    untold_.pop_front();
    lock.unlock();
    parts_.observer(status);
    lock.lock();
  }
  is_telling_ = false;
}

}  // namespace livy::internal
