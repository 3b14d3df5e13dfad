#include "server/store_writer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {
namespace {

constexpr Clock::Duration kFirstPause = std::chrono::milliseconds(100);
constexpr Clock::Duration kLongestPause = std::chrono::seconds(5);

// Made in one transaction: few enough for a store that takes a megabyte at once.
constexpr std::size_t kMadeAtOnceMax = 20;

const Error kAway = {ErrorCode::kUnavailable, "The store does not take changes now."};

// A key without a value, which can be forgotten at any time.
constexpr std::string_view kNothing = "v1/liblivy/nothing";

}  // namespace

StoreWriter::StoreWriter(StoreWriterOptions options, Store& store, Clock& clock, LogSink& log,
                         StoreThread thread)
    : options_(options),
      store_(store),
      clock_(clock),
      log_(log),
      kind_(thread),
      turns_(clock, options.callers_max, options.patience),
      pause_(kFirstPause) {
  if (kind_ == StoreThread::kOwn) thread_ = std::thread([this] { Run(); });
}

StoreWriter::~StoreWriter() {
  Stop();
}

Result<std::optional<std::string>> StoreWriter::Get(std::string_view key) const {
  if (owed_count_ > 0) {
    const std::lock_guard lock(mutex_);
    for (const Owed* owed : {&owed_, &making_}) {
      if (const auto found = owed->find(key); found != owed->end()) return found->second;
    }
  }
  const Result<Turns::Turn> turn = turns_.Take();
  if (!turn) return turn.error();
  return store_.Get(key);
}

Result<std::vector<std::string>> StoreWriter::Children(std::string_view key) const {
  const Result<Turns::Turn> turn = turns_.Take();
  if (!turn) return turn.error();
  return store_.Children(key);
}

Result<void> StoreWriter::CheckOwed() const {
  if (owed_count_ < options_.owed_max) return {};
  return Error{ErrorCode::kUnavailable,
               fmt::format("The store has yet to take the values of {} keys.", owed())};
}

Result<void> StoreWriter::CheckThere() const {
  if (owed_count_ == 0) return {};
  const std::lock_guard lock(mutex_);
  return clock_.Now() < try_at_ ? Result<void>(kAway) : Result<void>();
}

Result<void> StoreWriter::Apply(const std::vector<StoreChange>& changes) {
  return Try(changes).made;
}

Result<void> StoreWriter::ApplyOrOwe(const std::vector<StoreChange>& changes) {
  Owed owed;
  // Who waits behind us should not wait once more for a store that is away.
  Result<void> made = CheckThere();
  if (owed_count_ > 0) {
    const std::lock_guard lock(mutex_);
    if (AreBeingMade(changes)) made = kAway;
    owed = Extract(changes);
  }
  if (made) made = Make(changes).made;
  if (made) return made;
  const bool is_refused = made.error().code == ErrorCode::kInvalidArgument;
  if (!is_refused) {
    for (const StoreChange& change : changes)
      owed[change.key] = change.value;
  }
  PutBack(std::move(owed));
  changed_.notify_one();
  if (!is_refused || changes.size() == 1) return made;
  // For good. One of them is too much, or they are together.
  Result<void> all;
  for (const StoreChange& change : changes) {
    if (const Result<void> one = ApplyOrOwe({change}); !one) all = one;
  }
  return all;
}

Result<void> StoreWriter::ApplyNew(const std::vector<StoreChange>& changes) {
  Attempt attempt = Try(changes);
  Result<void>& made = attempt.made;
  if (made || !attempt.may_be_made) return made;
  Owed undone;
  for (const StoreChange& change : changes)
    undone[change.key] = std::nullopt;
  PutBack(std::move(undone));
  changed_.notify_one();
  return made;
}

StoreWriter::Attempt StoreWriter::Try(const std::vector<StoreChange>& changes) {
  if (Result<void> room = CheckOwed(); !room) return {.made = room};
  Result<Owed> taken = TakeOwed(changes);
  if (!taken) return {.made = taken.error()};
  Attempt attempt = Make(changes);
  if (!attempt.made) PutBack(*std::move(taken));
  return attempt;
}

StoreWriter::Attempt StoreWriter::Make(const std::vector<StoreChange>& changes) {
  Result<void> made;
  {
    const Result<Turns::Turn> turn = turns_.Take();
    if (!turn) return {.made = turn.error()};
    made = store_.Apply(changes);
  }
  const bool is_refused = !made && made.error().code == ErrorCode::kInvalidArgument;
  const bool is_lost = !made && made.error().code == ErrorCode::kPermissionDenied;
  // A store that fails otherwise does not take back what it has said.
  if (made || is_lost) is_taken_over_ = is_lost;
  if (is_lost) made = Error{ErrorCode::kUnavailable, made.error().message};
  if (made && owed_count_ > 0) {
    {
      const std::lock_guard lock(mutex_);
      try_at_ = clock_.Now();
    }
    changed_.notify_one();
  }
  const bool may_be_made = !made && !is_refused && !is_lost;
  return {.made = std::move(made), .may_be_made = may_be_made};
}

Result<void> StoreWriter::CheckOurs() {
  Result<void> made = Make({{.key = std::string(kNothing)}}).made;
  if (is_taken_over_ && !made) return made;
  return {};
}

Result<StoreWriter::Owed> StoreWriter::TakeOwed(const std::vector<StoreChange>& changes) {
  if (owed_count_ == 0) return Owed();
  std::unique_lock lock(mutex_);
  const Clock::TimePoint deadline = making_since_ + options_.patience;
  while (AreBeingMade(changes)) {
    if (clock_.Now() >= deadline) {
      return Error{ErrorCode::kUnavailable, "The store does not take an earlier change now."};
    }
    clock_.WaitUntil(lock, made_, deadline);
  }
  return Extract(changes);
}

bool StoreWriter::AreBeingMade(const std::vector<StoreChange>& changes) const {
  return std::ranges::any_of(
      changes, [this](const StoreChange& change) { return making_.contains(change.key); });
}

StoreWriter::Owed StoreWriter::Extract(const std::vector<StoreChange>& changes) {
  Owed taken;
  for (const StoreChange& change : changes) {
    if (auto owed = owed_.extract(change.key)) taken.insert(std::move(owed));
  }
  CountOwed();
  return taken;
}

void StoreWriter::PutBack(Owed taken) {
  if (taken.empty()) return;
  const std::lock_guard lock(mutex_);
  owed_.merge(taken);
  CountOwed();
  if (clock_.Now() >= try_at_) OnFailure();
}

void StoreWriter::CountOwed() {
  owed_count_ = static_cast<int>(owed_.size() + making_.size());
}

void StoreWriter::OnFailure() {
  try_at_ = clock_.Now() + pause_;
  pause_ = std::min(2 * pause_, kLongestPause);
}

Result<void> StoreWriter::MakeSome() {
  std::vector<StoreChange> changes;
  {
    const std::lock_guard lock(mutex_);
    while (!owed_.empty() && making_.size() < kMadeAtOnceMax)
      making_.insert(owed_.extract(owed_.begin()));
    making_since_ = clock_.Now();
    for (const auto& [key, value] : making_)
      changes.push_back({.key = key, .value = value});
  }
  if (changes.empty()) return {};
  Result<void> made = Make(changes).made;
  std::string refused;
  const auto is_refused = [&made] {
    return !made && made.error().code == ErrorCode::kInvalidArgument;
  };
  if (is_refused()) {
    // For good, so that trying again is of no use. The others must not suffer for one of them.
    for (const StoreChange& change : changes) {
      made = Make({change}).made;
      if (is_refused()) refused += fmt::format(" {} ({})", change.key, made.error().message);
      if (is_refused()) made = Result<void>();
      if (!made) break;
    }
  }
  if (!refused.empty()) {
    log_.Write(LogLevel::kError, "server",
               fmt::format("the store refuses what it is owed, which is lost:{}", refused));
  }
  {
    const std::lock_guard lock(mutex_);
    if (!made) owed_.merge(making_);
    making_.clear();
    CountOwed();
    made ? void(pause_ = kFirstPause) : OnFailure();
  }
  made_.notify_all();
  return made;
}

bool StoreWriter::TryOwed() {
  while (owed_count_ > 0) {
    if (!MakeSome()) return false;
  }
  return true;
}

void StoreWriter::Post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (kind_ == StoreThread::kOwn && !ended_) {
      tasks_.push_back(std::move(task));
      task = nullptr;
    }
  }
  task ? task() : changed_.notify_one();
}

void StoreWriter::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (!tasks_.empty()) {
      std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      task = nullptr;
      lock.lock();
    } else if (stopping_) {
      ended_ = true;
      return;
    } else if (owed_.empty()) {
      clock_.WaitUntil(lock, changed_, Clock::TimePoint::max());
    } else if (clock_.Now() < try_at_) {
      clock_.WaitUntil(lock, changed_, try_at_);
    } else {
      lock.unlock();
      const Result<void> made = MakeSome();
      lock.lock();
      (void)made;  // Tried again after a pause.
    }
  }
}

void StoreWriter::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (TryOwed()) return;
  log_.Write(LogLevel::kError, "server",
             fmt::format("the store never took the values of {} keys", owed()));
}

}  // namespace livy::internal
