#include "server/interactive_session.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {
namespace {

using enum SessionState;

// Lines of the log in a session's view.
constexpr int kViewLogLines = 10;

// How long a completion may take; it waits for no statement.
constexpr std::chrono::seconds kCompletionTimeout(30);

void CallAll(const std::vector<WaitList::Wake>& wakes) {
  for (const WaitList::Wake& wake : wakes)
    wake();
}

// Adds those of `lines` that belong into `page`, if the first of them is line `first` of the log
// and `page` may hold `count` in all.
void AddLines(const std::vector<std::string>& lines, std::int64_t first, std::int64_t count,
              LogPage& page) {
  const auto total = static_cast<std::int64_t>(lines.size());
  const std::int64_t begin = std::clamp<std::int64_t>(page.from - first, 0, total);
  const std::int64_t end = std::clamp<std::int64_t>(page.from + count - first, begin, total);
  page.lines.insert(page.lines.end(), lines.begin() + begin, lines.begin() + end);
}

bool HasEnded(SessionState state) {
  return state == kDead || state == kKilled || state == kSuccess;
}

// The statement that an event is about; nullopt for events of the session.
std::optional<int> StatementOf(const DriverEvent& event) {
  if (const auto* started = std::get_if<StartedEvent>(&event.what)) return started->id;
  if (const auto* progress = std::get_if<ProgressEvent>(&event.what)) return progress->id;
  if (const auto* finished = std::get_if<FinishedEvent>(&event.what)) return finished->id;
  return std::nullopt;
}

bool ApplyToStatement(const DriverEvent& event, StatementRecord& statement) {
  if (const auto* started = std::get_if<StartedEvent>(&event.what)) {
    return Apply(*started, statement);
  }
  if (const auto* progress = std::get_if<ProgressEvent>(&event.what)) {
    return Apply(*progress, statement);
  }
  return Apply(std::get<FinishedEvent>(event.what), statement);
}

}  // namespace

InteractiveSession::InteractiveSession(int id, SessionRequest request, User owner,
                                       SessionServices& services)
    : id_(id),
      request_(std::move(request)),
      ownership_{.owner = std::move(owner), .proxy_user = request_.proxy_user},
      services_(services) {}

// The last owner of a session may be its application's observer, which must not destroy the
// application.
InteractiveSession::~InteractiveSession() {
  if (application_ == nullptr) return;
  services_.timer.After(Clock::Duration::zero(), [application = std::move(application_)] {});
}

void InteractiveSession::Start(Launcher& launcher, const LaunchRequest& launch,
                               std::shared_ptr<DriverCommands> commands,
                               std::function<void()> ended) {
  {
    const std::lock_guard lock(mutex_);
    commands_ = std::move(commands);
    ended_ = std::move(ended);
  }
  WriteLog(LogLevel::kInfo, "starting");
  Result<std::unique_ptr<Application>> application =
      launcher.Launch(launch, [self = weak_from_this()](const ApplicationStatus& status) {
        if (const auto session = self.lock()) session->OnApplication(status);
      });
  if (!application) {
    return OnApplication(
        {.state = ApplicationState::kFailed, .reason = application.error().message});
  }
  bool unwanted = false;
  {
    const std::lock_guard lock(mutex_);
    application_ = *std::move(application);
    unwanted = state_ == kShuttingDown;  // Stop() came while it was being launched.
  }
  if (unwanted) return Kill();
  services_.timer.After(services_.driver_connect_timeout, [self = weak_from_this()] {
    if (const auto session = self.lock()) session->OnConnectTimeout();
  });
}

void InteractiveSession::DropApplication() {
  std::shared_ptr<Application> application;  // Destroyed without the lock.
  const std::lock_guard lock(mutex_);
  application.swap(application_);
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
    view.app_id = application_status_.app_id;
    view.app_info = application_status_.info;
  }
  view.log = Log(-1, kViewLogLines).lines;
  return view;
}

LogPage InteractiveSession::Log(int from, int size) const {
  std::shared_ptr<const Application> application;
  std::vector<std::string> notes;
  {
    const std::lock_guard lock(mutex_);
    application = application_;
    notes = notes_;
  }
  if (application != nullptr && notes.empty()) return application->Log(from, size);
  // The notes stand behind what the application wrote, of which there may be none.
  const std::vector<std::string> headers = {"stdout: ", "\nstderr: "};
  const int written = application != nullptr ? application->Log(0, 0).total : 2;
  LogPage page = {.total = written + static_cast<int>(notes.size())};
  const int count = size < 0 ? page.total : size;
  page.from = from < 0 ? std::max(0, page.total - count) : from;
  if (application == nullptr) {
    AddLines(headers, 0, count, page);
  } else if (page.from < written) {
    page.lines = application->Log(page.from, std::min(count, written - page.from)).lines;
  }
  AddLines(notes, written, count, page);
  return page;
}

Result<void> InteractiveSession::CheckRunning() const {
  if (state_ == kIdle || state_ == kBusy || state_ == kError) return {};
  return Error{ErrorCode::kUnavailable, fmt::format("Session is in state {}", ToString(state_))};
}

Result<StatementRecord> InteractiveSession::Submit(std::string code, Kind kind) {
  StatementRecord statement = {.kind = kind,
                               .code = std::make_shared<const std::string>(std::move(code))};
  {
    const std::lock_guard lock(mutex_);
    if (const Result<void> running = CheckRunning(); !running) return running.error();
    const auto queued = std::ranges::count_if(
        statements_, [](const auto& entry) { return !IsFinal(entry.second.state); });
    if (queued + static_cast<std::ptrdiff_t>(storing_.size()) >=
        services_.limits.statements_queued_max) {
      return Error{ErrorCode::kResourceExhausted,
                   fmt::format("Session {} has {} statements waiting already.", id_, queued)};
    }
    statement.id = next_statement_++;
    storing_.insert(statement.id);
  }
  const Result<void> stored = services_.store.SaveStatements(id_, {statement}, {});

  const std::lock_guard lock(mutex_);
  storing_.erase(statement.id);
  if (stored) {
    if (HasEnded(state_)) ApplyEnd(services_.clock.Wall(), statement);
    statements_[statement.id] = statement;
    unsent_[statement.id] = {.id = statement.id, .kind = kind, .code = *statement.code};
    MoveTo(kBusy);
  }
  SendStored();
  if (!stored) return stored.error();
  return statement;
}

// Storing may finish in another order than submitting; the driver must run the statements in the
// order of their ids. Sending never blocks, and only under the lock does it keep that order.
void InteractiveSession::SendStored() {
  while (!unsent_.empty() && (storing_.empty() || unsent_.begin()->first < *storing_.begin())) {
    const ExecuteCommand command = std::move(unsent_.begin()->second);
    unsent_.erase(unsent_.begin());
    if (!IsFinal(statements_.at(command.id).state)) commands_->Send(command);
  }
}

Result<void> InteractiveSession::CancelStatement(int id) {
  StatementRecord statement;
  std::vector<WaitList::Wake> wakes;
  {
    const std::lock_guard lock(mutex_);
    if (const Result<void> running = CheckRunning(); !running) return running.error();
    const auto found = statements_.find(id);
    if (found == statements_.end() || !ApplyCancel(found->second)) return {};
    statement = found->second;
    commands_->Send(CancelCommand{.id = id});
    if (IsFinal(statement.state)) waiting_.TakeAll(id, wakes);
  }
  const Result<void> stored = services_.store.SaveStatements(id_, {statement}, {});
  CallAll(wakes);
  return stored;
}

std::optional<StatementRecord> InteractiveSession::FindStatement(int id) const {
  const std::lock_guard lock(mutex_);
  const auto found = statements_.find(id);
  if (found == statements_.end()) return std::nullopt;
  return found->second;
}

StatementSlice InteractiveSession::Statements(std::int64_t from, std::int64_t size,
                                              bool descending) const {
  const std::lock_guard lock(mutex_);
  StatementSlice page = {.total = static_cast<int>(statements_.size())};
  const std::int64_t begin = std::clamp<std::int64_t>(from, 0, page.total);
  const std::int64_t end = std::clamp<std::int64_t>(from + size, begin, page.total);
  const auto add = [&](auto first) {
    std::advance(first, begin);
    for (std::int64_t at = begin; at < end; ++at, ++first)
      page.statements.push_back(first->second);
  };
  descending ? add(statements_.rbegin()) : add(statements_.begin());
  return page;
}

void InteractiveSession::Complete(std::string code, Kind kind, int cursor, Completed completed) {
  Result<void> running;
  int id = 0;
  {
    const std::lock_guard lock(mutex_);
    running = CheckRunning();
    if (running) {
      id = next_completion_++;
      completions_[id] = completed;
      commands_->Send(
          CompleteCommand{.id = id, .kind = kind, .code = std::move(code), .cursor = cursor});
    }
  }
  if (!running) return completed(running.error());
  services_.timer.After(kCompletionTimeout, [self = weak_from_this(), id] {
    const auto session = self.lock();
    const Completed late = session ? session->TakeCompletion(id) : nullptr;
    if (late) late(Error{ErrorCode::kDeadlineExceeded, "The driver did not answer in 30 s."});
  });
}

InteractiveSession::Completed InteractiveSession::TakeCompletion(int id) {
  const std::lock_guard lock(mutex_);
  const auto found = completions_.find(id);
  if (found == completions_.end()) return nullptr;
  Completed completed = std::move(found->second);
  completions_.erase(found);
  return completed;
}

void InteractiveSession::Stop(std::string_view why) {
  bool orderly = false;
  bool launched = false;
  {
    const std::lock_guard lock(mutex_);
    if (!MoveTo(kShuttingDown)) return;
    Note(why);
    launched = application_ != nullptr;
    orderly = launched && commands_->connected();
    if (orderly) commands_->Send(StopCommand{});
  }
  WriteLog(LogLevel::kInfo, why);
  if (!launched) return;  // Start() sees the state when the launch is through.
  if (!orderly) return Kill();
  services_.timer.After(services_.driver_shutdown_timeout, [self = weak_from_this()] {
    if (const auto session = self.lock()) session->Kill();
  });
}

void InteractiveSession::Kill() {
  std::shared_ptr<Application> application;
  {
    const std::lock_guard lock(mutex_);
    if (HasEnded(state_)) return;
    application = application_;
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
  const auto timer_id = std::make_shared<std::atomic<Timer::Id>>(0);
  WaitList::Token token = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!IsDue(key)) {
      token = waiting_.Add(key, [wake, timer_id, &timer = services_.timer] {
        timer.Cancel(*timer_id);
        wake();
      });
    }
  }
  if (token == 0) {
    wake();
    return token;
  }
  *timer_id = services_.timer.After(timeout, [self = weak_from_this(), token] {
    const auto session = self.lock();
    if (const WaitList::Wake late = session ? session->TakeWaiting(token) : nullptr) late();
  });
  return token;
}

void InteractiveSession::StopAwaiting(WaitList::Token token) {
  TakeWaiting(token);
}

WaitList::Wake InteractiveSession::TakeWaiting(WaitList::Token token) {
  const std::lock_guard lock(mutex_);
  return waiting_.Take(token);
}

void InteractiveSession::OnDriverConnected() {
  std::shared_ptr<Application> application;
  {
    const std::lock_guard lock(mutex_);
    driver_came_ = true;
    application = application_;
  }
  // The driver has its secret now; code that runs in it should not find it in a file.
  if (application != nullptr) application->ForgetSettings();
}

void InteractiveSession::OnConnectTimeout() {
  {
    const std::lock_guard lock(mutex_);
    if (driver_came_ || HasEnded(state_)) return;
  }
  Stop(fmt::format("The driver did not connect within {} ms.",
                   services_.driver_connect_timeout.count()));
}

Result<void> InteractiveSession::OnDriverEvents(const std::vector<DriverEvent>& events) {
  // First stored, then shown: what a client has seen must still be there after a crash.
  std::vector<StatementRecord> changed;
  {
    const std::lock_guard lock(mutex_);
    changed = Preview(events);
  }
  if (const Result<void> stored = services_.store.SaveStatements(id_, changed, {}); !stored) {
    return stored;
  }

  std::vector<WaitList::Wake> wakes;
  std::vector<int> dropped;
  {
    const std::lock_guard lock(mutex_);
    for (const DriverEvent& event : events)
      ApplyEvent(event, wakes);
    dropped = DropOldStatements();
  }
  CallAll(wakes);
  if (const Result<void> forgotten = services_.store.SaveStatements(id_, {}, dropped); !forgotten) {
    WriteLog(LogLevel::kWarning, forgotten.error().message);  // They stay in the store; no harm.
  }
  return {};
}

std::vector<StatementRecord> InteractiveSession::Preview(
    const std::vector<DriverEvent>& events) const {
  std::map<int, StatementRecord> changed;
  for (const DriverEvent& event : events) {
    const std::optional<int> id = StatementOf(event);
    const auto found = id ? statements_.find(*id) : statements_.end();
    if (found == statements_.end() || std::holds_alternative<ProgressEvent>(event.what)) continue;
    StatementRecord& statement = changed.try_emplace(*id, found->second).first->second;
    ApplyToStatement(event, statement);
  }
  std::vector<StatementRecord> records;
  for (auto& [id, statement] : changed)
    records.push_back(std::move(statement));
  return records;
}

void InteractiveSession::ApplyEvent(const DriverEvent& event, std::vector<WaitList::Wake>& wakes) {
  if (const std::optional<int> id = StatementOf(event)) {
    const auto found = statements_.find(*id);
    if (found == statements_.end() || !ApplyToStatement(event, found->second)) return;
    if (found->second.state == StatementState::kRunning) MoveTo(kBusy);
    if (IsFinal(found->second.state)) waiting_.TakeAll(*id, wakes);
    return;
  }
  if (const auto* state = std::get_if<StateEvent>(&event.what)) return ApplyState(*state, wakes);
  if (const auto* completion = std::get_if<CompletionEvent>(&event.what)) {
    const auto found = completions_.find(completion->id);
    if (found == completions_.end()) return;
    wakes.push_back([completed = std::move(found->second), names = completion->candidates] {
      completed(names);
    });
    completions_.erase(found);
  }
}

void InteractiveSession::ApplyState(const StateEvent& event, std::vector<WaitList::Wake>& wakes) {
  if (!event.message.empty()) Note(event.message);
  if (event.state == kBusy) MoveTo(kBusy);
  // With a statement on its way to the driver, its idleness is over.
  const bool queued = std::ranges::any_of(
      statements_, [](const auto& entry) { return !IsFinal(entry.second.state); });
  if (event.state == kIdle && !queued && MoveTo(kIdle)) {
    waiting_.TakeAll(WaitList::kIdleOrEnded, wakes);
  }
  if (event.state == kError || event.state == kDead) {
    // The driver is about to exit; if it does not, it is made to.
    wakes.push_back([self = weak_from_this()] {
      if (const auto session = self.lock()) session->Stop("The driver has ended its work.");
    });
  }
}

std::vector<int> InteractiveSession::DropOldStatements() {
  std::vector<int> dropped;
  const auto kept = static_cast<std::size_t>(services_.limits.statements_retained_max);
  auto oldest = statements_.begin();
  while (statements_.size() > kept && oldest != statements_.end()) {
    if (!IsFinal(oldest->second.state)) {
      ++oldest;
      continue;
    }
    dropped.push_back(oldest->first);
    oldest = statements_.erase(oldest);
  }
  return dropped;
}

void InteractiveSession::OnApplication(const ApplicationStatus& status) {
  using enum ApplicationState;
  std::vector<WaitList::Wake> wakes;
  std::vector<StatementRecord> cancelled;
  {
    const std::lock_guard lock(mutex_);
    application_status_ = status;
    if (status.state == kStarting || status.state == kRunning) return;
    const bool killed_outside = status.state == kKilled && state_ != kShuttingDown;
    if (!MoveTo(killed_outside ? SessionState::kKilled : kDead)) return;
    if (!status.reason.empty()) Note(status.reason);
    cancelled = CancelAll();
    waiting_.TakeAll(wakes);
    for (auto& [id, completed] : completions_) {
      wakes.push_back([completed = std::move(completed)] {
        completed(Error{ErrorCode::kUnavailable, "The session has ended."});
      });
    }
    completions_.clear();
    wakes.push_back(std::exchange(ended_, nullptr));
  }
  WriteLog(LogLevel::kInfo, fmt::format("ended: {}", status.reason));
  if (const Result<void> stored = services_.store.SaveStatements(id_, cancelled, {}); !stored) {
    WriteLog(LogLevel::kWarning, stored.error().message);
  }
  CallAll(wakes);
}

std::vector<StatementRecord> InteractiveSession::CancelAll() {
  std::vector<StatementRecord> cancelled;
  for (auto& [id, statement] : statements_) {
    if (ApplyEnd(services_.clock.Wall(), statement)) cancelled.push_back(statement);
  }
  return cancelled;
}

std::vector<int> InteractiveSession::StatementIds() const {
  const std::lock_guard lock(mutex_);
  std::vector<int> ids;
  for (const auto& [id, statement] : statements_)
    ids.push_back(id);
  return ids;
}

bool InteractiveSession::MoveTo(SessionState to) {
  if (!CanMove(state_, to)) return false;
  state_ = to;
  return true;
}

void InteractiveSession::Note(std::string_view line) {
  notes_.emplace_back(line);
}

void InteractiveSession::WriteLog(LogLevel level, std::string_view message) const {
  services_.log.Write(level, "server", fmt::format("session={} {}", id_, message));
}

}  // namespace livy::internal
