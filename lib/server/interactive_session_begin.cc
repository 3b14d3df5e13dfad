// How InteractiveSession begins: with a new driver, or with what an earlier server has left.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/duration.h"
#include "server/guarded_parts.h"
#include "server/interactive_session.h"

namespace livy::internal {

using enum SessionState;

void InteractiveSession::Begin(SessionBeginning beginning) {
  const Statement::Time created = beginning.record.created;
  // A clock that was set back makes nothing younger than it is.
  const Clock::Duration age =
      created == Statement::Time()
          ? Clock::Duration::zero()
          : std::max<Clock::Duration>(services_.clock.Wall() - created, Clock::Duration::zero());
  {
    const std::lock_guard lock(mutex_);
    record_ = std::move(beginning.record);
    commands_ = std::move(beginning.commands);
    ended_ = std::move(beginning.ended);
    SendStored();
    uploads_ = std::make_shared<Uploads>(services_.upload_dir / record_.app_tag,
                                         services_.limits.uploads_bytes_max);
    OpenOutput();
  }
  lease_->Start(
      [self = weak_from_this()](const std::string& reason) {
        if (const auto session = self.lock()) session->Expire(reason, EndedBy::kOrder);
      },
      age);
}

void InteractiveSession::OpenOutput() {
  output_ = std::make_shared<ApplicationOutput>(services_.output, record_.app_tag, services_.timer,
                                                services_.log);
}

std::shared_ptr<ApplicationOutput> InteractiveSession::output() const {
  const std::lock_guard lock(mutex_);
  return output_;
}

std::string InteractiveSession::tag() const {
  const std::lock_guard lock(mutex_);
  return record_.app_tag;
}

ApplicationObserver InteractiveSession::Observer() {
  return [self = weak_from_this()](const ApplicationStatus& status) {
    if (const auto session = self.lock()) session->OnApplication(status);
  };
}

void InteractiveSession::Start(Launcher& launcher, const LaunchRequest& launch,
                               SessionBeginning beginning) {
  Begin(std::move(beginning));
  WriteLog(LogLevel::kInfo, "starting");
  LaunchRequest request = launch;
  request.output = output()->Sink();
  Result<std::unique_ptr<Application>> application =
      GuardedLaunch(services_.log, [&] { return launcher.Launch(request, Observer()); });
  if (!application) {
    return OnApplication(
        {.state = ApplicationState::kFailed, .reason = application.error().message});
  }
  SetApplication(*std::move(application));
  // Without this record a later server could not follow the application; the driver would not mind.
  if (const Result<void> saved = SaveRecord(); !saved) {
    WriteLog(LogLevel::kWarning, saved.error().message);
  }
}

void InteractiveSession::SetApplication(std::unique_ptr<Application> application) {
  bool unwanted = false;
  bool driver_came = false;
  bool is_waiting = false;
  std::shared_ptr<Application> mine;
  {
    const std::lock_guard lock(mutex_);
    application_.Set(std::move(application));
    mine = application_.get();
    unwanted = state_ == kShuttingDown;  // Stop() came while it was being launched.
    driver_came = driver_came_;
    is_waiting = application_status_.is_waiting;
  }
  NoteHandle(*mine, mutex_, record_.application);
  if (driver_came) mine->ForgetSettings();  // It was quicker than the launcher.
  if (unwanted) return Kill();
  if (!is_waiting) LimitConnecting();
}

void InteractiveSession::Recover(Launcher& launcher, SessionBeginning beginning) {
  const std::string tag = beginning.record.app_tag;
  const std::string handle = beginning.record.application;
  {
    const std::lock_guard lock(mutex_);
    state_ = kRecovering;
    is_restored_ = true;
  }
  Begin(std::move(beginning));
  {
    // What was asked before may not have reached the driver; once more does no harm.
    const std::lock_guard lock(mutex_);
    for (const auto& [id, statement] : statements_) {
      const bool is_cancelled = statement.state == StatementState::kCancelling ||
                                statement.state == StatementState::kCancelled;
      if (is_cancelled) commands_->Send(CancelCommand{.id = id});
    }
  }
  WriteLog(LogLevel::kInfo, "recovering");
  Result<std::unique_ptr<Application>> application = FindAgain(launcher, tag, handle);
  if (application) return SetApplication(*std::move(application));
  const Error& failure = application.error();
  OnApplication({.state = ApplicationState::kFailed,
                 .reason = fmt::format("{}: {}",
                                       failure.code == ErrorCode::kUnavailable
                                           ? "the driver cannot be followed any more"
                                           : "the driver is gone since its server went",
                                       failure.message)});
}

Result<std::unique_ptr<Application>> InteractiveSession::FindAgain(Launcher& launcher,
                                                                   const std::string& tag,
                                                                   const std::string& handle) {
  bool is_ours = false;
  {
    const std::lock_guard lock(mutex_);
    is_ours = !record_.driver.secret.empty();
  }
  if (!is_ours) {
    return Error{ErrorCode::kNotFound, "It is one of Apache Livy, which answers nobody else."};
  }
  return GuardedLaunch(services_.log, [&] { return launcher.Recover(tag, handle, Observer()); });
}

void InteractiveSession::Restore(const StoredSession& record) {
  const std::lock_guard lock(mutex_);
  record_ = record;
  is_restored_ = true;
  state_ = record.end->state;
  end_reason_ = record.end->reason;
  application_status_.exit_code = record.end->exit_code;
  notes_.Add(SentenceOf(end_reason_));
  OpenOutput();
  output_->Finish();
}

// The driver knows which of them it has: it takes each number once.
void InteractiveSession::TakeStatement(int id, std::optional<StatementRecord> statement) {
  const std::lock_guard lock(mutex_);
  next_statement_ = id + 1;
  if (!statement) return;
  if (!IsFinal(statement->state)) {
    ++queued_;
    queued_bytes_ += statement->code->size();
    unsent_[id] = ExecuteCommandFor(*statement);
  }
  statements_[id] = *std::move(statement);
  Cache(id);
}

Result<void> InteractiveSession::RemoveFromStore() {
  if (const Result<void> there = services_.store.writer().CheckThere(); !there) return there;
  {
    const Result<Turns::Turn> saving = saving_.Take();
    if (!saving) return saving.error();
    StoredSession record;
    {
      const std::lock_guard lock(mutex_);
      record = record_;
    }
    const Result<void> removed =
        record.end ? services_.history.Take(std::move(record)) : services_.store.Remove(id_);
    if (!removed) return removed;
  }
  if (const auto kept = output()) kept->Remove();
  return {};
}

Result<void> InteractiveSession::SaveRecord() {
  const Turns::Turn saving = saving_.Wait();
  StoredSession record;
  {
    const std::lock_guard lock(mutex_);
    if (HasEnded(state_)) return {};  // Its end is stored, or will be.
    record = record_;
  }
  return services_.store.UpdateSession(record);
}

}  // namespace livy::internal
