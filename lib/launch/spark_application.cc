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

SparkApplication::SparkApplication(Limits limits, ApplicationObserver observer,
                                   std::shared_ptr<ProcessWatcher> watcher)
    : observer_(std::move(observer)),
      watcher_(std::move(watcher)),
      out_(static_cast<std::size_t>(std::max(0, limits.line_bytes_max))),
      err_(static_cast<std::size_t>(std::max(0, limits.line_bytes_max))),
      log_(static_cast<std::size_t>(std::max(0, limits.lines_max))) {}

SparkApplication::~SparkApplication() {
  if (process_ != 0) watcher_->Forget(process_);
}

Result<void> SparkApplication::Follow(ChildProcess child, std::shared_ptr<PrivateFile> settings) {
  {
    const std::lock_guard lock(mutex_);
    settings_ = settings;
  }
  handle_ = IdentityOf(child.pid);
  // Before the watcher knows the child: it may report the end at once.
  observer_(ApplicationStatus{.state = ApplicationState::kRunning});
  const Result<ProcessWatcher::Id> id =
      watcher_->Watch(std::move(child), *this, std::move(settings));
  if (!id) return id.error();
  process_ = *id;
  return {};
}

LogPage SparkApplication::Log(int from, int size) const {
  const std::lock_guard lock(mutex_);
  return log_.Page(from, size);
}

void SparkApplication::ForgetSettings() {
  std::weak_ptr<PrivateFile> settings;
  {
    const std::lock_guard lock(mutex_);
    settings = std::exchange(settings_, {});
  }
  if (const std::shared_ptr<PrivateFile> file = settings.lock()) file->Remove();
}

void SparkApplication::Kill() {
  watcher_->Kill(process_);
}

void SparkApplication::OnOutput(OutputStream stream, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  LineBuffer& buffer = stream == OutputStream::kOut ? out_ : err_;
  buffer.Append(bytes, [&](std::string line) { log_.Add(stream, std::move(line)); });
}

void SparkApplication::OnEnd(const ProcessEnd& end) {
  {
    const std::lock_guard lock(mutex_);
    out_.Finish([this](std::string line) { log_.Add(OutputStream::kOut, std::move(line)); });
    err_.Finish([this](std::string line) { log_.Add(OutputStream::kErr, std::move(line)); });
  }
  observer_(StatusOf(end, "spark-submit"));
}

}  // namespace livy::internal
