#include "server/interactive_session.h"

#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "core/duration.h"
#include "core/log_slice.h"
#include "server/page_range.h"

namespace livy::internal {
namespace {

using enum SessionState;

// Lines of the log in a session's view.
constexpr int kViewLogLines = 10;

// Whoever creates a session has refused settings that cannot be used.
SessionSettings SettingsOf(const SessionRequest& request, const SessionServices& services) {
  const Result<SessionSettings> settings = SettingsFor(request, services.settings);
  return settings ? *settings : services.settings;
}

}  // namespace

bool HasEnded(SessionState state) {
  return state == kDead || state == kKilled || state == kSuccess;
}

InteractiveSession::InteractiveSession(int id, SessionRequest request, User owner,
                                       SessionServices& services)
    : id_(id),
      request_(std::move(request)),
      ownership_{.owner = std::move(owner), .proxy_user = request_.proxy_user},
      services_(services),
      settings_(SettingsOf(request_, services)),
      lease_(std::make_shared<SessionLease>(LimitsFor(request_, services.expiry), services.clock,
                                            services.timer)),
      saving_(services.store.writer().OneByOne()) {}

void InteractiveSession::DropApplication(std::function<void()> gone) {
  const std::lock_guard lock(mutex_);
  application_.Drop(std::move(gone));
}

SessionState InteractiveSession::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

Session InteractiveSession::View() const {
  Session view = {.id = id_, .owner = ownership_.owner, .request = request_};
  {
    const std::lock_guard lock(mutex_);
    view.state = state_;
    view.app_id = record_.app_id;
    view.app_info = application_status_.info;
    if (HasEnded(state_)) {
      view.end_reason = end_reason_;
      view.exit_code = application_status_.exit_code;
    }
  }
  view.log = Log(-1, kViewLogLines).lines;
  return view;
}

LogPage InteractiveSession::Log(int from, int size) const {
  std::shared_ptr<const Application> application;
  std::shared_ptr<const ApplicationOutput> earlier;
  std::vector<std::string> notes;
  {
    const std::lock_guard lock(mutex_);
    application = application_.get();
    notes = notes_.lines();
    if (is_restored_) earlier = output_;
  }
  std::vector<std::string> log;
  if (earlier != nullptr) log = RestoredLog(*earlier, application.get());
  if (!log.empty()) {
    log.insert(log.end(), notes.begin(), notes.end());
    return PageOfLog(log, from, size);
  }
  return LogOf(application.get(), notes, from, size);
}

Result<void> InteractiveSession::CheckActive() const {
  if (IsActive(state_)) return {};
  return Error{ErrorCode::kUnavailable, fmt::format("Session is in state {}", ToString(state_))};
}

bool InteractiveSession::IsStarting() const {
  return state_ == kNotStarted || state_ == kStarting || state_ == kRecovering;
}

Result<void> InteractiveSession::CheckRoom(std::string_view code) const {
  const int queued = queued_ + static_cast<int>(storing_.size());
  const std::size_t bytes = queued_bytes_ + storing_bytes_;
  const ServerLimits& limits = services_.limits;
  if (queued < limits.statements_queued_max &&
      (queued == 0 || bytes + code.size() <= limits.statements_queued_bytes_max)) {
    return {};
  }
  return Error{ErrorCode::kResourceExhausted,
               fmt::format("Session {} has {} statements with {} bytes of code waiting already.",
                           id_, queued, bytes)};
}

Result<StatementRecord> InteractiveSession::Submit(std::string code, Kind kind,
                                                   std::optional<int> rows_max,
                                                   const StoredAlong& along) {
  StatementRecord statement = {.kind = kind,
                               .rows_max = rows_max,
                               .code = std::make_shared<const std::string>(std::move(code))};
  const Telling telling(*this);
  {
    const std::lock_guard lock(mutex_);
    if (const Result<void> active = CheckActive(); !active) return active.error();
    if (const Result<void> room = CheckRoom(*statement.code); !room) return room.error();
    lease_->Renew();
    statement.id = next_statement_++;
    storing_.insert(statement.id);
    storing_bytes_ += statement.code->size();
  }
  const Result<void> stored = services_.store.SaveNewStatement(
      id_, statement, along ? along(statement.id) : std::vector<StoreChange>());

  const std::lock_guard lock(mutex_);
  storing_.erase(statement.id);
  storing_bytes_ -= statement.code->size();
  if (stored) {
    // It ended meanwhile. Who reads the statement in the store takes it for ended, too.
    if (HasEnded(state_)) ApplyEnd(record_.end->at, SentenceOf(end_reason_), statement);
    statements_[statement.id] = statement;
    TellStatement(statement);
    if (!IsFinal(statement.state)) {
      ++queued_;
      queued_bytes_ += statement.code->size();
      unsent_[statement.id] = ExecuteCommandFor(statement);
    }
    if (!IsStarting()) MoveTo(kBusy);
  }
  SendStored();
  if (!stored) return stored.error();
  return statement;
}

// Storing may finish in another order than submitting; the driver must run the statements in the
// order of their ids. Sending never blocks, and only under the lock does it keep that order. What
// is sent before the driver has connected waits for it in its link.
void InteractiveSession::SendStored() {
  if (commands_ == nullptr) return;
  while (!unsent_.empty() && (storing_.empty() || unsent_.begin()->first < *storing_.begin())) {
    commands_->Send(unsent_.begin()->second);
    unsent_.erase(unsent_.begin());
  }
}

void InteractiveSession::OnFinal(const StatementRecord& statement,
                                 std::vector<WaitList::Wake>& wakes) {
  --queued_;
  queued_bytes_ -= statement.code->size();
  waiting_.TakeAll(statement.id, wakes);
}

Result<void> InteractiveSession::CancelStatement(int id) {
  std::vector<WaitList::Wake> wakes;
  const Telling telling(*this);
  const Result<void> cancelled = Cancel(id, wakes);
  CallAll(wakes);
  return cancelled;
}

// What a client has seen of a cancellation must be there after a crash, so it is stored first.
// Nothing else changes what has become of statements meanwhile: that needs this turn, too.
Result<void> InteractiveSession::Cancel(int id, std::vector<WaitList::Wake>& wakes) {
  const Result<Turns::Turn> saving = saving_.Take();
  if (!saving) return saving.error();
  StatementRecord statement;
  {
    const std::lock_guard lock(mutex_);
    if (const Result<void> active = CheckActive(); !active) return active.error();
    lease_->Renew();
    const auto found = statements_.find(id);
    if (found == statements_.end()) return {};
    statement = found->second;
    if (!ApplyCancel(statement)) return {};
    if (unsent_.contains(id)) statement.completed = services_.clock.Wall();  // No driver will tell.
  }
  if (const Result<void> stored = services_.store.SaveStatements(id_, {statement}, {}); !stored) {
    return stored;
  }
  const std::lock_guard lock(mutex_);
  statements_[id] = statement;
  if (unsent_.erase(id) == 0) commands_->Send(CancelCommand{.id = id});
  TellStatement(statement);
  if (IsFinal(statement.state)) OnFinal(statement, wakes);
  return {};
}

std::optional<StatementRecord> InteractiveSession::FindStatement(int id) const {
  const std::lock_guard lock(mutex_);
  const auto found = statements_.find(id);
  if (found == statements_.end()) return std::nullopt;
  return found->second;
}

Result<std::optional<StatementRecord>> InteractiveSession::ReadStatement(int id) const {
  std::optional<StatementRecord> statement = FindStatement(id);
  if (!statement || !statement->is_abridged) return statement;
  return services_.store.LoadStatement(id_, id);
}

Result<StatementSlice> InteractiveSession::ReadStatements(std::int64_t from, std::int64_t size,
                                                          bool descending) const {
  StatementSlice page;
  {
    const std::lock_guard lock(mutex_);
    page = Statements(from, size, descending);
  }
  std::vector<StatementRecord> found;
  for (StatementRecord& statement : page.statements) {
    if (statement.is_abridged) {
      Result<std::optional<StatementRecord>> stored =
          services_.store.LoadStatement(id_, statement.id);
      if (!stored) return stored.error();
      if (!*stored) continue;  // It was dropped just now.
      statement = **std::move(stored);
    }
    found.push_back(std::move(statement));
  }
  page.total -= static_cast<int>(page.statements.size() - found.size());
  page.statements = std::move(found);
  return page;
}

// Of statements that have ended and are stored, the newest are kept with their texts. A cancelled
// one is not left to the store: its driver may still tell of it.
void InteractiveSession::Cache(int id) {
  const auto found = statements_.find(id);
  if (found == statements_.end() || found->second.state != StatementState::kAvailable ||
      found->second.is_abridged || !cached_.insert(id).second) {
    return;
  }
  cached_bytes_ += TextBytes(found->second);
  while (cached_bytes_ > services_.limits.statements_cached_bytes_max && cached_.size() > 1) {
    StatementRecord& oldest = statements_.at(*cached_.begin());
    cached_.erase(cached_.begin());
    cached_bytes_ -= TextBytes(oldest);
    Abridge(oldest);
  }
}

void InteractiveSession::Drop(const std::vector<int>& ids) {
  for (const int id : ids) {
    const auto found = statements_.find(id);
    if (found == statements_.end()) continue;
    if (cached_.erase(id) > 0) cached_bytes_ -= TextBytes(found->second);
    statements_.erase(found);
  }
}

StatementSlice InteractiveSession::Statements(std::int64_t from, std::int64_t size,
                                              bool descending) const {
  StatementSlice page = {.total = static_cast<int>(statements_.size())};
  const PageRange range = RangeOfPage(from, size, statements_.size());
  const auto add = [&](auto first) {
    std::advance(first, range.begin);
    for (std::int64_t at = range.begin; at < range.end; ++at, ++first)
      page.statements.push_back(first->second);
  };
  descending ? add(statements_.rbegin()) : add(statements_.begin());
  return page;
}

void InteractiveSession::Stop(std::string_view why, EndedBy by) {
  const Telling telling(*this);
  bool orderly = false;
  bool launched = false;
  {
    const std::lock_guard lock(mutex_);
    if (is_ending_ || !MoveTo(kShuttingDown)) return;
    end_reason_ = why;
    ended_by_ = by;
    launched = application_.get() != nullptr;
    orderly = launched && commands_->connected();
    if (orderly) commands_->Send(StopCommand{});
  }
  WriteLog(LogLevel::kInfo, fmt::format("stopping: {}", why));
  if (!launched) return;  // Start() sees the state when the launch is through.
  if (!orderly) return Kill();
  services_.timer.After(settings_.driver_shutdown_timeout, [self = weak_from_this()] {
    if (const auto session = self.lock()) session->KillLate();
  });
}

void InteractiveSession::KillLate() {
  {
    const std::lock_guard lock(mutex_);
    if (HasEnded(state_)) return;
    notes_.Add(fmt::format("The driver did not end within {}, and is killed.",
                           FormatDuration(settings_.driver_shutdown_timeout)));
  }
  Kill();
}

void InteractiveSession::Kill() {
  std::shared_ptr<Application> application;
  {
    const std::lock_guard lock(mutex_);
    if (HasEnded(state_)) return;
    application = application_.get();
  }
  if (application != nullptr) application->Kill();
}

bool InteractiveSession::IsDue(int key) const {
  if (key == WaitList::kEnded) return HasEnded(state_);
  if (key == WaitList::kIdleOrEnded) return state_ == kIdle || HasEnded(state_);
  const auto found = statements_.find(key);
  return found == statements_.end() || IsFinal(found->second.state);
}

WaitList::Token InteractiveSession::Await(int key, Clock::Duration timeout, WaitList::Wake wake) {
  const auto add = [&](WaitList::Wake parked) -> WaitList::Token {
    const std::lock_guard lock(mutex_);
    return IsDue(key) ? 0 : waiting_.Add(key, std::move(parked));
  };
  return Park(weak_from_this(), services_.timer, timeout, add, wake);
}

void InteractiveSession::StopAwaiting(WaitList::Token token) {
  TakeWaiting(token);
}

WaitList::Wake InteractiveSession::TakeWaiting(WaitList::Token token) {
  const std::lock_guard lock(mutex_);
  return waiting_.Take(token);
}

bool InteractiveSession::MoveTo(SessionState to) {
  if (!CanMove(state_, to)) return false;
  state_ = to;
  TellState();
  IsActive(to) ? lease_->SetWorking(to != kIdle && to != kError) : lease_->End();
  return true;
}

void InteractiveSession::WriteLog(LogLevel level, std::string_view message) const {
  services_.log.Write(level, "server", fmt::format("session={} {}", id_, message));
}

}  // namespace livy::internal
