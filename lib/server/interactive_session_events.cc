// What InteractiveSession hears of its driver and its application.
#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/duration.h"
#include "server/interactive_session.h"

namespace livy::internal {
namespace {

using enum SessionState;

// The statement that an event is about; nullopt for events of the session.
std::optional<int> StatementOf(const DriverEvent& event) {
  if (const auto* started = std::get_if<StartedEvent>(&event.what)) return started->id;
  if (const auto* progress = std::get_if<ProgressEvent>(&event.what)) return progress->id;
  if (const auto* output = std::get_if<OutputEvent>(&event.what)) return output->id;
  if (const auto* finished = std::get_if<FinishedEvent>(&event.what)) return finished->id;
  return std::nullopt;
}

// Whether the event is lost with the server: what it tells is not stored.
bool IsLogLike(const DriverEvent& event) {
  return std::holds_alternative<ProgressEvent>(event.what) ||
         std::holds_alternative<OutputEvent>(event.what);
}

// Whether a cluster knows the application by that id: YARN or Kubernetes. Spark gives ids of its
// own where there is none, and Apache Livy does not show those.
bool IsOfCluster(std::string_view app_id) {
  return app_id.starts_with("application_") || app_id.starts_with("spark-");
}

bool ApplyToStatement(const DriverEvent& event, std::size_t output_bytes_max,
                      StatementRecord& statement) {
  if (const auto* started = std::get_if<StartedEvent>(&event.what)) {
    return Apply(*started, statement);
  }
  if (const auto* progress = std::get_if<ProgressEvent>(&event.what)) {
    return Apply(*progress, statement);
  }
  if (const auto* output = std::get_if<OutputEvent>(&event.what)) {
    return Apply(*output, output_bytes_max, statement);
  }
  return Apply(std::get<FinishedEvent>(event.what), statement);
}

}  // namespace

void InteractiveSession::OnDriverConnected(std::string_view boot) {
  std::shared_ptr<Application> application;
  bool is_new = false;
  {
    const std::lock_guard lock(mutex_);
    driver_came_ = true;
    application = application_.get();
    is_new = record_.driver.boot != boot;
    record_.driver.boot = boot;
  }
  // The driver has its secret now; code that runs in it should not find it in a file.
  if (application != nullptr) application->ForgetSettings();
  const Result<void> saved = is_new ? SaveRecord() : Result<void>();
  if (!saved) WriteLog(LogLevel::kWarning, saved.error().message);
}

void InteractiveSession::OnConnectTimeout() {
  {
    const std::lock_guard lock(mutex_);
    if (driver_came_ || HasEnded(state_)) return;
  }
  Expire(fmt::format("the driver did not connect within {}",
                     FormatDuration(settings_.driver_connect_timeout)),
         EndedBy::kFailure);
}

// Called on the timer's thread, which must not wait for the store.
void InteractiveSession::Expire(const std::string& why, EndedBy by) {
  StoreWriter& writer = services_.store.writer();
  writer.Post([self = shared_from_this(), &writer, why, by] {
    const Result<void> ours = writer.CheckOurs();
    if (ours) return self->Stop(why, by);
    self->WriteLog(LogLevel::kWarning, fmt::format("not stopped: {}", ours.error().message));
  });
}

Result<void> InteractiveSession::OnDriverEvents(const std::vector<DriverEvent>& events) {
  // What is only shown, and not stored, is for the server that has the session now, too.
  if (services_.store.writer().is_taken_over()) {
    return Error{ErrorCode::kUnavailable, "Another server has this session now."};
  }
  const Telling telling(*this);
  std::vector<WaitList::Wake> wakes;
  if (const Result<void> applied = StoreAndApply(events, wakes); !applied) return applied;
  CallAll(wakes);  // Who waited for a statement sees it before it can be dropped.
  DropSurplus();
  return {};
}

// First stored, then shown: what a client has seen must still be there after a crash.
Result<void> InteractiveSession::StoreAndApply(const std::vector<DriverEvent>& events,
                                               std::vector<WaitList::Wake>& wakes) {
  const Result<Turns::Turn> saving = saving_.Take();
  if (!saving) return saving.error();
  std::vector<StatementRecord> ended;
  std::vector<int> dropped;
  {
    const std::lock_guard lock(mutex_);
    ended = Ended(events);
    dropped = SurplusBesides(ended);
  }
  if (const Result<void> stored = SaveEnded(ended, dropped); !stored) return stored;
  const std::lock_guard lock(mutex_);
  Drop(dropped);
  for (const DriverEvent& event : events)
    ApplyEvent(event, wakes);
  // What was stored, also where that is not what the driver has told.
  for (const StatementRecord& statement : ended) {
    statements_.at(statement.id).output_json = statement.output_json;
    Cache(statement.id);
  }
  return {};
}

Result<void> InteractiveSession::SaveEnded(std::vector<StatementRecord>& ended,
                                           const std::vector<int>& dropped) {
  const auto is_refused = [](const Result<void>& stored) {
    return !stored && stored.error().code == ErrorCode::kInvalidArgument;
  };
  Result<void> all = services_.store.SaveStatements(id_, ended, dropped);
  if (!is_refused(all)) return all;
  // The driver would send it for ever. One of them is too much, or they are together.
  for (StatementRecord& statement : ended) {
    Result<void> stored = services_.store.SaveStatements(id_, {statement}, {});
    if (is_refused(stored)) {
      WriteLog(LogLevel::kWarning, fmt::format("statement={} has an output that is not stored: {}",
                                               statement.id, stored.error().message));
      ReplaceOutput(stored.error().message, statement);
      stored = services_.store.SaveStatements(id_, {statement}, {});
      if (is_refused(stored)) stored = SaveWithoutCode(statement);
    }
    if (!stored) return stored;
  }
  return services_.store.SaveStatements(id_, {}, dropped);
}

// For code that is at the store's limit alone. Who reads the statement in the store finds none, but
// no other statement has its id.
Result<void> InteractiveSession::SaveWithoutCode(StatementRecord statement) {
  statement.code = std::make_shared<const std::string>();
  return services_.store.SaveStatements(id_, {std::move(statement)}, {});
}

std::vector<StatementRecord> InteractiveSession::Ended(
    const std::vector<DriverEvent>& events) const {
  std::map<int, StatementRecord> changed;
  for (const DriverEvent& event : events) {
    const std::optional<int> id = StatementOf(event);
    const auto found = id ? statements_.find(*id) : statements_.end();
    if (found == statements_.end() || IsLogLike(event)) continue;
    const auto before = changed.find(*id);
    StatementRecord statement = before == changed.end() ? found->second : before->second;
    // What a driver tells once more changes nothing, and is not stored once more.
    if (!ApplyToStatement(event, services_.limits.output_bytes_max, statement)) continue;
    changed.insert_or_assign(*id, std::move(statement));
  }
  std::vector<StatementRecord> ended;
  for (auto& [id, statement] : changed) {
    if (IsFinal(statement.state)) ended.push_back(std::move(statement));
  }
  return ended;
}

// The oldest final statements beyond those that are kept once `ended` have ended, without these.
// Those that still wait or run do not count: a long queue must not cost what has just ended. Nor
// does the newest go that is stored: a later server counts on from its id.
std::vector<int> InteractiveSession::SurplusBesides(
    const std::vector<StatementRecord>& ended) const {
  const auto ends_now = std::ranges::count_if(ended, [&](const StatementRecord& statement) {
    return !IsFinal(statements_.at(statement.id).state);
  });
  const auto kept = static_cast<std::ptrdiff_t>(statements_.size()) - queued_ + ends_now;
  auto surplus = kept - settings_.statements_retained_max;
  std::vector<int> oldest;
  for (auto at = statements_.begin(); surplus > 0 && at != statements_.end(); ++at) {
    if (std::next(at) == statements_.end() || !IsFinal(at->second.state) ||
        std::ranges::binary_search(ended, at->first, {}, &StatementRecord::id)) {
      continue;
    }
    oldest.push_back(at->first);
    --surplus;
  }
  return oldest;
}

// After more statements have ended at once than are kept; else those went with the last change.
void InteractiveSession::DropSurplus() {
  const Result<Turns::Turn> saving = saving_.Take();
  if (!saving) return;  // The next change finds them.
  std::vector<int> dropped;
  {
    const std::lock_guard lock(mutex_);
    dropped = SurplusBesides({});
    Drop(dropped);
  }
  if (const Result<void> forgotten = services_.store.SaveStatements(id_, {}, dropped); !forgotten) {
    WriteLog(LogLevel::kWarning, forgotten.error().message);  // They stay in the store; no harm.
  }
}

void InteractiveSession::ApplyEvent(const DriverEvent& event, std::vector<WaitList::Wake>& wakes) {
  if (const std::optional<int> id = StatementOf(event)) {
    const auto found = statements_.find(*id);
    if (found == statements_.end()) return;
    StatementRecord& statement = found->second;
    const StatementRecord before = statement;
    if (!ApplyToStatement(event, services_.limits.output_bytes_max, statement)) return;
    if (statement.state == StatementState::kRunning) MoveTo(kBusy);
    TellChange(before, statement);
    if (IsFinal(statement.state) && !IsFinal(before.state)) OnFinal(statement, wakes);
    return;
  }
  if (const auto* state = std::get_if<StateEvent>(&event.what)) return ApplyState(*state, wakes);
  if (const auto* application = std::get_if<ApplicationEvent>(&event.what)) {
    if (!IsOfCluster(application->app_id) || !NoteAppId(application->app_id)) return;
    // Once this event is through, whose caller is storing.
    wakes.push_back([self = weak_from_this()] {
      const auto session = self.lock();
      const Result<void> saved = session ? session->SaveRecord() : Result<void>();
      if (!saved) session->WriteLog(LogLevel::kWarning, saved.error().message);
    });
    return;
  }
  if (const auto* completion = std::get_if<CompletionEvent>(&event.what)) {
    auto completed = completions_.Take(completion->id);
    if (!completed) return;
    wakes.push_back(
        [completed = std::move(completed), names = completion->candidates] { completed(names); });
  }
  if (const auto* added = std::get_if<AddedEvent>(&event.what)) {
    auto answered = additions_.Take(added->id);
    if (!answered) return;
    wakes.push_back([answered = std::move(answered), error = added->error] {
      answered(error.empty() ? Result<void>() : Error{ErrorCode::kInvalidArgument, error});
    });
  }
}

void InteractiveSession::ApplyState(const StateEvent& event, std::vector<WaitList::Wake>& wakes) {
  if (!event.message.empty()) notes_.Add(event.message);
  // With a statement on its way to the driver, its idleness is over.
  if (event.state == kBusy || (event.state == kIdle && queued_ > 0)) MoveTo(kBusy);
  if (event.state == kIdle && queued_ == 0 && MoveTo(kIdle)) {
    waiting_.TakeAll(WaitList::kIdleOrEnded, wakes);
  }
  if (event.state == kError || event.state == kDead) {
    // The driver is about to exit; if it does not, it is made to.
    const bool failed = event.state == kError;
    wakes.push_back([self = weak_from_this(), failed, message = event.message] {
      const auto session = self.lock();
      if (!session) return;
      failed ? session->Stop(fmt::format("the driver failed: {}", message), EndedBy::kFailure)
             : session->Stop("the driver has ended its work", EndedBy::kApplication);
    });
  }
}

// What is known of the application while it lives. Its handle comes late if it had to wait.
void InteractiveSession::OnProgress(const ApplicationStatus& status) {
  std::shared_ptr<const Application> application;
  bool is_new = false;
  {
    const std::lock_guard lock(mutex_);
    if (HasEnded(state_)) return;
    application_status_ = status;
    application = application_.get();
    is_new = NoteAppId(status.app_id);
  }
  if (application == nullptr) return;  // SetApplication() follows.
  if (NoteHandle(*application, mutex_, record_.application)) is_new = true;
  if (!status.is_waiting) LimitConnecting();
  if (!is_new) return;
  services_.store.writer().Post([self = shared_from_this()] {
    const Result<void> saved = self->SaveRecord();
    if (!saved) self->WriteLog(LogLevel::kWarning, saved.error().message);
  });
}

bool InteractiveSession::NoteAppId(const std::optional<std::string>& app_id) {
  if (!app_id || record_.app_id == app_id) return false;
  record_.app_id = app_id;
  return true;
}

// From its launch on, which is not before its turn.
void InteractiveSession::LimitConnecting() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(connecting_limited_, true)) return;
  }
  services_.timer.After(settings_.driver_connect_timeout, [self = weak_from_this()] {
    if (const auto session = self.lock()) session->OnConnectTimeout();
  });
}

// Called on a thread of the launcher's, which must not wait for the store.
void InteractiveSession::OnApplication(const ApplicationStatus& status) {
  using enum ApplicationState;
  if (status.state == kStarting || status.state == kRunning) return OnProgress(status);
  services_.store.writer().Post([self = shared_from_this(), status] { self->OnEnd(status); });
}

// First stored, then shown, as everything. A store that refuses does not keep a session alive: then
// the end is shown all the same, and stored when that can be.
void InteractiveSession::OnEnd(const ApplicationStatus& status) {
  const Telling telling(*this);
  std::vector<WaitList::Wake> wakes;
  const std::vector<std::string> last_words = FindLastWords();
  std::optional<Turns::Turn> saving(saving_.Wait());
  StoredSession record;
  std::vector<StatementRecord> cancelled;
  {
    const std::lock_guard lock(mutex_);
    const bool killed_outside =
        status.state == ApplicationState::kKilled && state_ != kShuttingDown;
    const SessionState state = killed_outside ? kKilled : kDead;
    if (!CanMove(state_, state)) return;
    is_ending_ = true;
    application_status_ = status;
    NoteAppId(status.app_id);
    record = EndedRecord(state, last_words);
    cancelled = Cancelled(record.end->at);
  }
  const Result<void> stored = services_.store.SaveEnd(record, cancelled);
  std::shared_ptr<Uploads> uploads;  // Removed without the lock.
  {
    const std::lock_guard lock(mutex_);
    // Those too that were submitted meanwhile: who reads them in the store takes them for ended.
    for (const StatementRecord& statement : Cancelled(record.end->at)) {
      statements_[statement.id] = statement;
      TellStatement(statement);
    }
    ShowEnd(record.end->state, wakes);
    uploads.swap(uploads_);
  }
  saving.reset();
  WriteLog(LogLevel::kInfo, fmt::format("ended: {}", SentenceOf(record.end->reason)));
  if (!stored) WriteLog(LogLevel::kWarning, stored.error().message);
  if (const auto kept = output()) kept->Finish();
  CallAll(wakes);
}

StoredSession InteractiveSession::EndedRecord(SessionState state,
                                              const std::vector<std::string>& last_words) {
  SetEndReason(last_words);
  record_.end = StoredEnd{.state = state,
                          .reason = end_reason_,
                          .exit_code = application_status_.exit_code,
                          .at = services_.clock.Wall()};
  return record_;
}

void InteractiveSession::ShowEnd(SessionState state, std::vector<WaitList::Wake>& wakes) {
  MoveTo(state);
  TellEnd();
  queued_ = 0;
  queued_bytes_ = 0;
  unsent_.clear();
  waiting_.TakeAll(wakes);
  const Error ended = {ErrorCode::kUnavailable, "The session has ended."};
  for (auto& completed : completions_.TakeAll()) {
    wakes.push_back([completed = std::move(completed), ended] { completed(ended); });
  }
  for (auto& added : additions_.TakeAll()) {
    wakes.push_back([added = std::move(added), ended] { added(ended); });
  }
  wakes.push_back(std::exchange(ended_, nullptr));
}

// The launcher's part is called without a lock.
std::vector<std::string> InteractiveSession::FindLastWords() const {
  std::shared_ptr<const Application> application;
  {
    const std::lock_guard lock(mutex_);
    if (ended_by_ != EndedBy::kOrder) application = application_.get();
  }
  return application == nullptr ? std::vector<std::string>() : LastWordsOf(*application);
}

void InteractiveSession::SetEndReason(const std::vector<std::string>& last_words) {
  end_reason_ = EndSentence(ended_by_, end_reason_, application_status_);
  notes_.Add(end_reason_);
  end_reason_ = EndReason(end_reason_, last_words);
}

// Those that its end cancels, as they are then.
std::vector<StatementRecord> InteractiveSession::Cancelled(Statement::Time now) const {
  std::vector<StatementRecord> cancelled;
  for (const auto& [id, statement] : statements_) {
    StatementRecord ended = statement;
    if (ApplyEnd(now, SentenceOf(end_reason_), ended)) cancelled.push_back(std::move(ended));
  }
  return cancelled;
}

}  // namespace livy::internal
