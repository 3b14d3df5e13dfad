#include "launch/spark_application.h"

#include <algorithm>
#include <string.h>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {
namespace {

// Such as "9 (SIGKILL)".
std::string SignalText(int number) {
  const char* name = sigabbrev_np(number);
  return name == nullptr ? fmt::format("{}", number) : fmt::format("{} (SIG{})", number, name);
}

}  // namespace

ApplicationStatus StatusOf(const ProcessEnd& end, std::string_view program) {
  ApplicationStatus status{.state = ApplicationState::kFailed};
  switch (end.kind) {
    case ProcessEnd::Kind::kExited:
      if (end.number == 0) status.state = ApplicationState::kFinished;
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
    status.state = ApplicationState::kKilled;
    status.reason = fmt::format("{} on request", status.reason);
  }
  return status;
}

SparkApplication::SparkApplication(Limits limits, ApplicationObserver observer, OutputSink output,
                                   std::shared_ptr<ProcessWatcher> watcher,
                                   std::shared_ptr<SubmitQueue> queue)
    : observer_(std::move(observer)),
      output_(std::move(output)),
      watcher_(std::move(watcher)),
      queue_(std::move(queue)),
      out_(static_cast<std::size_t>(std::max(0, limits.line_bytes_max))),
      err_(static_cast<std::size_t>(std::max(0, limits.line_bytes_max))),
      log_(static_cast<std::size_t>(std::max(0, limits.lines_max))) {}

// After the turn there may be a process; after both nobody calls this object.
SparkApplication::~SparkApplication() {
  queue_->Forget(turn_);
  if (process_ != 0) watcher_->Forget(process_);
}

Result<void> SparkApplication::Begin(ProcessStarter start) {
  start_ = std::move(start);
  const Result<SubmitQueue::Entry> entry = queue_->Enter(*this);
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
  if (!started) queue_->Release(entry->id);
  return started;
}

Result<void> SparkApplication::Adopt(ChildProcess child) {
  return Follow(std::move(child), nullptr);
}

bool SparkApplication::OnTurn(SubmitQueue::Id id) {
  {
    const std::lock_guard lock(mutex_);
    turn_ = id;
  }
  const Result<void> started = Start();
  if (!started) Tell({.state = ApplicationState::kFailed, .reason = started.error().message});
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
    handle_ = IdentityOf(child.pid);
  }
  // Before the watcher knows the child: it may report the end at once.
  Tell({.state = ApplicationState::kRunning});
  const Result<ProcessWatcher::Id> id =
      watcher_->Watch(std::move(child), *this, std::move(settings));
  if (!id) return id.error();
  bool is_unwanted = false;
  {
    const std::lock_guard lock(mutex_);
    process_ = *id;
    is_unwanted = kill_requested_;
  }
  if (is_unwanted) watcher_->Kill(*id);
  return {};
}

LogPage SparkApplication::Log(int from, int size) const {
  const std::lock_guard lock(mutex_);
  const std::optional<SubmitQueue::Place> place = queue_->PlaceOf(turn_);
  if (!place) return log_.Page(from, size);
  LogBuffer waiting(1);
  waiting.Add(OutputStream::kErr,
              fmt::format("Waiting to be launched: number {} of {}, {} at a time.", place->number,
                          place->waiting, queue_->running_max()));
  return waiting.Page(from, size);
}

std::string SparkApplication::Handle() const {
  const std::lock_guard lock(mutex_);
  return handle_;
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
  queue_->Release(turn);
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
  if (queue_->Withdraw(turn)) {
    Tell({.state = ApplicationState::kKilled, .reason = "ended on request before it was launched"});
  } else if (process != 0) {
    watcher_->Kill(process);
  }
}

void SparkApplication::OnOutput(OutputStream stream, std::string_view bytes) {
  if (output_) output_(bytes);
  const std::lock_guard lock(mutex_);
  LineBuffer& buffer = stream == OutputStream::kOut ? out_ : err_;
  buffer.Append(bytes, [&](std::string line) { log_.Add(stream, std::move(line)); });
}

void SparkApplication::OnEnd(const ProcessEnd& end) {
  SubmitQueue::Id turn = 0;
  {
    const std::lock_guard lock(mutex_);
    out_.Finish([this](std::string line) { log_.Add(OutputStream::kOut, std::move(line)); });
    err_.Finish([this](std::string line) { log_.Add(OutputStream::kErr, std::move(line)); });
    turn = turn_;
  }
  Tell(StatusOf(end, "spark-submit"));
  queue_->Release(turn);
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
    observer_(status);
    lock.lock();
  }
  is_telling_ = false;
}

}  // namespace livy::internal
