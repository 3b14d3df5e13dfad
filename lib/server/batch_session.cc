#include "server/batch_session.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/log_slice.h"
#include "server/guarded_parts.h"

namespace livy::internal {
namespace {

using enum SessionState;

// Lines of the log in a batch's view.
constexpr int kViewLogLines = 10;

bool IsEnd(ApplicationState state) {
  return state != ApplicationState::kStarting && state != ApplicationState::kRunning;
}

SessionState StateOf(ApplicationState state) {
  switch (state) {
    case ApplicationState::kStarting:
      return kStarting;
    case ApplicationState::kRunning:
      return kRunning;
    case ApplicationState::kFinished:
      return kSuccess;
    case ApplicationState::kFailed:
      return kDead;
    case ApplicationState::kKilled:
      return kKilled;
  }
  return kDead;
}

}  // namespace

BatchSession::BatchSession(StoredBatch record, BatchServices& services)
    : id_(record.id),
      name_(record.name),
      ownership_{.owner = record.owner, .proxy_user = record.proxy_user},
      tag_(record.app_tag),
      services_(services),
      output_(
          std::make_shared<ApplicationOutput>(services.output, tag_, services.timer, services.log)),
      saving_(services.store.writer().OneByOne()),
      record_(std::move(record)) {
  application_status_.app_id = record_.app_id;
  if (!record_.end) return;
  is_restored_ = true;
  state_ = record_.end->state;
  end_reason_ = record_.end->reason;
  application_status_.exit_code = record_.end->exit_code;
  notes_.Add(SentenceOf(end_reason_));
  output_->Finish();
}

void BatchSession::Start(Launcher& launcher, const LaunchRequest& launch,
                         std::function<void()> ended) {
  {
    const std::lock_guard lock(mutex_);
    ended_ = std::move(ended);
  }
  WriteLog(LogLevel::kInfo, "starting");
  LaunchRequest request = launch;
  request.output = output_->Sink();
  Result<std::unique_ptr<Application>> application =
      GuardedLaunch(services_.log, [&] { return launcher.Launch(request, Observer()); });
  if (application) return SetApplication(*std::move(application));
  GiveUp(application.error().message);
}

void BatchSession::Recover(Launcher& launcher, std::function<void()> ended) {
  std::string handle;
  {
    const std::lock_guard lock(mutex_);
    ended_ = std::move(ended);
    state_ = kRecovering;
    is_restored_ = true;
    handle = record_.application;
  }
  WriteLog(LogLevel::kInfo, "recovering");
  Result<std::unique_ptr<Application>> application =
      GuardedLaunch(services_.log, [&] { return launcher.Recover(tag_, handle, Observer()); });
  if (application) return SetApplication(*std::move(application));
  // A cluster may know it by its tag, though nobody was told that its launch was through.
  if (handle.empty()) return GiveUp("it was being launched when its server died");
  const Error& failure = application.error();
  GiveUp(fmt::format("{}: {}",
                     failure.code == ErrorCode::kUnavailable
                         ? "it cannot be followed any more"
                         : "it ended while there was no server, and how is not known",
                     failure.message));
}

// As in Apache Livy the log is what the batch wrote, and nothing else. Here there is none to write.
void BatchSession::GiveUp(const std::string& reason) {
  const ApplicationStatus status = {.state = ApplicationState::kFailed, .reason = reason};
  {
    const std::lock_guard lock(mutex_);
    notes_.Add(EndSentence(EndedBy::kApplication, "", status));
  }
  OnApplication(status);
}

ApplicationObserver BatchSession::Observer() {
  return [self = weak_from_this()](const ApplicationStatus& status) {
    if (const auto batch = self.lock()) batch->OnApplication(status);
  };
}

void BatchSession::SetApplication(std::unique_ptr<Application> application) {
  bool is_unwanted = false;
  std::shared_ptr<Application> mine;
  {
    const std::lock_guard lock(mutex_);
    application_.Set(std::move(application));
    mine = application_.get();
    is_unwanted = is_stopping_;  // Stop() came while it was being launched.
  }
  NoteHandle(*mine, mutex_, record_.application);
  SaveIfAlive();
  if (is_unwanted) mine->Kill();
}

void BatchSession::DropApplication(std::function<void()> gone) {
  const std::lock_guard lock(mutex_);
  application_.Drop(std::move(gone));
}

SessionState BatchSession::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

Batch BatchSession::View() const {
  Batch view = {
      .id = id_, .name = name_, .owner = ownership_.owner, .proxy_user = ownership_.proxy_user};
  {
    const std::lock_guard lock(mutex_);
    view.state = state_;
    if (!record_.runtime.empty()) view.runtime = record_.runtime;
    view.app_id = application_status_.app_id;
    view.app_info = application_status_.info;
    if (!IsActive(state_)) {
      view.end_reason = end_reason_;
      view.exit_code = application_status_.exit_code;
    }
  }
  view.log = Log(-1, kViewLogLines).lines;
  return view;
}

LogPage BatchSession::Log(int from, int size) const {
  std::shared_ptr<const Application> application;
  std::vector<std::string> notes;
  bool is_restored = false;
  {
    const std::lock_guard lock(mutex_);
    application = application_.get();
    notes = notes_.lines();
    is_restored = is_restored_;
  }
  if (is_restored) {
    std::vector<std::string> log = RestoredLog(*output_, application.get());
    if (!log.empty()) return PageOfLog(log, from, size);
  }
  return LogOf(application.get(), notes, from, size);
}

void BatchSession::Stop(std::string_view why) {
  std::shared_ptr<Application> application;
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_ || !IsActive(state_)) return;
    is_stopping_ = true;
    end_reason_ = why;
    application = application_.get();
  }
  WriteLog(LogLevel::kInfo, fmt::format("stopping: {}", why));
  if (application != nullptr) application->Kill();  // Else SetApplication() does.
}

// Called on a thread of the launcher's, which must not wait for the store.
void BatchSession::OnApplication(const ApplicationStatus& status) {
  services_.store.writer().Post([self = shared_from_this(), status] { self->Take(status); });
}

void BatchSession::Take(const ApplicationStatus& status) {
  if (IsEnd(status.state)) return OnEnd(status);
  std::shared_ptr<const Application> application;
  {
    const std::lock_guard lock(mutex_);
    application = application_.get();
  }
  // One that had to wait for its launch has its handle from then on.
  bool is_new = application != nullptr && NoteHandle(*application, mutex_, record_.application);
  {
    const std::lock_guard lock(mutex_);
    if (!IsActive(state_)) return;
    const std::optional<std::string> known = record_.app_id;
    application_status_ = status;
    if (!status.app_id) application_status_.app_id = known;
    record_.app_id = application_status_.app_id;
    is_new = is_new || record_.app_id != known;
    const SessionState to = StateOf(status.state);
    // One that was taken up again and still waits in its cluster is `recovering`, as in Livy.
    if (CanMove(state_, to) && to == kRunning) state_ = to;
  }
  if (is_new) SaveIfAlive();
}

// First stored, then shown; a store that refuses gets it later.
void BatchSession::OnEnd(const ApplicationStatus& status) {
  std::shared_ptr<const Application> application;
  bool is_wanted = false;
  {
    const std::lock_guard lock(mutex_);
    application = application_.get();
    is_wanted = is_stopping_ || status.state == ApplicationState::kFinished;
  }
  std::vector<std::string> last_words;
  if (application != nullptr && !is_wanted) last_words = LastWordsOf(*application);

  std::vector<WaitList::Wake> wakes;
  StoredBatch record;
  std::string sentence;
  std::optional<Turns::Turn> saving(saving_.Wait());
  {
    const std::lock_guard lock(mutex_);
    if (!IsActive(state_)) return;
    const std::optional<std::string> known = record_.app_id;
    application_status_ = status;
    if (!status.app_id) application_status_.app_id = known;
    sentence = EndSentence(is_stopping_ ? EndedBy::kOrder : EndedBy::kApplication, end_reason_,
                           application_status_);
    is_stopping_ = true;  // Who stops it now comes too late.
    record_.app_id = application_status_.app_id;
    record_.end = StoredEnd{.state = StateOf(status.state),
                            .reason = EndReason(sentence, last_words),
                            .exit_code = status.exit_code,
                            .at = services_.clock.Wall()};
    record = record_;
  }
  const Result<void> stored = services_.store.Save(record);
  {
    const std::lock_guard lock(mutex_);
    state_ = record.end->state;
    end_reason_ = record.end->reason;
    waiting_.TakeAll(wakes);
    wakes.push_back(std::exchange(ended_, nullptr));
  }
  saving.reset();
  WriteLog(LogLevel::kInfo, fmt::format("{}: {}", ToString(record.end->state), sentence));
  if (!stored) WriteLog(LogLevel::kWarning, stored.error().message);
  output_->Finish();
  CallAll(wakes);
}

WaitList::Token BatchSession::Await(Clock::Duration timeout, WaitList::Wake wake) {
  const auto add = [&](WaitList::Wake parked) -> WaitList::Token {
    const std::lock_guard lock(mutex_);
    return IsActive(state_) ? waiting_.Add(WaitList::kEnded, std::move(parked)) : 0;
  };
  return Park(weak_from_this(), services_.timer, timeout, add, wake);
}

WaitList::Wake BatchSession::TakeWaiting(WaitList::Token token) {
  const std::lock_guard lock(mutex_);
  return waiting_.Take(token);
}

Result<void> BatchSession::RemoveFromStore() {
  if (const Result<void> there = services_.store.writer().CheckThere(); !there) return there;
  {
    const Result<Turns::Turn> saving = saving_.Take();
    if (!saving) return saving.error();
    if (const Result<void> removed = services_.store.Remove(id_); !removed) return removed;
  }
  output_->Remove();
  return {};
}

// Without this record a later server could not follow the application; the batch does not mind.
void BatchSession::SaveIfAlive() {
  const Turns::Turn saving = saving_.Wait();
  StoredBatch record;
  {
    const std::lock_guard lock(mutex_);
    if (!IsActive(state_)) return;  // Its end is stored, or will be.
    record = record_;
  }
  const Result<void> saved = services_.store.Save(record);
  if (!saved) WriteLog(LogLevel::kWarning, saved.error().message);
}

void BatchSession::WriteLog(LogLevel level, std::string_view message) const {
  services_.log.Write(level, "server", fmt::format("batch={} {}", id_, message));
}

}  // namespace livy::internal
