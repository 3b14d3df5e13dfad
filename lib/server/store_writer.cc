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

}  // namespace

StoreWriter::StoreWriter(StoreWriterOptions options, Store& store, Clock& clock, LogSink& log,
                         StoreThread thread)
    : options_(options),
      store_(store),
      clock_(clock),
      log_(log),
      kind_(thread),
      pause_(kFirstPause) {
  if (kind_ == StoreThread::kOwn) thread_ = std::thread([this] { Run(); });
}

StoreWriter::~StoreWriter() {
  Stop();
}

Result<std::optional<std::string>> StoreWriter::Get(std::string_view key) const {
  return store_.Get(key);
}

Result<std::vector<std::string>> StoreWriter::Children(std::string_view key) const {
  return store_.Children(key);
}

Result<void> StoreWriter::CheckOwed() const {
  if (owed_count_ < options_.owed_max) return {};
  return Error{ErrorCode::kUnavailable,
               fmt::format("The store has yet to take the values of {} keys.", owed())};
}

Result<void> StoreWriter::Apply(const std::vector<StoreChange>& changes) {
  if (Result<void> room = CheckOwed(); !room) return room;
  Owed taken = TakeOwed(changes);
  const Attempt attempt = Make(changes);
  if (!attempt.made) PutBack(std::move(taken));
  return attempt.made;
}

Result<void> StoreWriter::ApplyOrOwe(const std::vector<StoreChange>& changes) {
  Owed owed = TakeOwed(changes);
  // Who waits behind us should not wait once more for a store that is away.
  Result<void> made = IsStoreAway()
                          ? Error{ErrorCode::kUnavailable, "The store does not take changes now."}
                          : Make(changes).made;
  if (made) return made;
  if (made.error().code != ErrorCode::kInvalidArgument) {
    for (const StoreChange& change : changes)
      owed[change.key] = change.value;
  }
  PutBack(std::move(owed));
  changed_.notify_one();
  return made;
}

Result<void> StoreWriter::ApplyNew(const std::vector<StoreChange>& changes) {
  if (Result<void> room = CheckOwed(); !room) return room;
  Owed taken = TakeOwed(changes);
  Attempt attempt = Make(changes);
  Result<void>& made = attempt.made;
  if (!made) PutBack(std::move(taken));
  // Nothing is to be undone that the store was never asked for.
  if (made || !attempt.was_asked || made.error().code == ErrorCode::kInvalidArgument) return made;
  Owed undone;
  for (const StoreChange& change : changes)
    undone[change.key] = std::nullopt;
  PutBack(std::move(undone));
  changed_.notify_one();
  return made;
}

Result<std::multiset<Clock::TimePoint>::iterator> StoreWriter::Enter() {
  std::unique_lock lock(mutex_);
  const auto max = static_cast<std::size_t>(std::max(options_.callers_max, 1));
  const Clock::TimePoint deadline =
      entered_.empty() ? Clock::TimePoint::max() : *entered_.begin() + options_.patience;
  while (entered_.size() >= max) {
    if (clock_.Now() >= deadline) {
      return Error{
          ErrorCode::kUnavailable,
          fmt::format("The store does not answer: {} changes wait for it.", entered_.size())};
    }
    clock_.WaitUntil(lock, left_, deadline);
  }
  return entered_.insert(clock_.Now());
}

StoreWriter::Attempt StoreWriter::Make(const std::vector<StoreChange>& changes) {
  const auto entered = Enter();
  if (!entered) return {.made = entered.error()};
  Result<void> made = store_.Apply(changes);
  bool is_back = false;
  {
    const std::lock_guard lock(mutex_);
    entered_.erase(*entered);
    is_back = made && owed_count_ > 0;
    if (is_back) try_at_ = clock_.Now();
  }
  left_.notify_one();
  if (is_back) changed_.notify_one();
  return {.made = std::move(made), .was_asked = true};
}

bool StoreWriter::IsStoreAway() const {
  if (owed_count_ == 0) return false;
  const std::lock_guard lock(mutex_);
  return clock_.Now() < try_at_;
}

StoreWriter::Owed StoreWriter::TakeOwed(const std::vector<StoreChange>& changes) {
  Owed taken;
  if (owed_count_ == 0) return taken;
  std::unique_lock lock(mutex_);
  const auto is_being_made = [this](const StoreChange& change) {
    return making_.contains(change.key);
  };
  while (std::ranges::any_of(changes, is_being_made))
    clock_.WaitUntil(lock, made_, Clock::TimePoint::max());
  for (const StoreChange& change : changes) {
    if (auto owed = owed_.extract(change.key)) taken.insert(std::move(owed));
  }
  CountOwed();
  return taken;
}

void StoreWriter::PutBack(Owed taken) {
  if (taken.empty()) return;
  const std::lock_guard lock(mutex_);
  const bool was_none = owed_.empty() && making_.empty();
  owed_.merge(taken);
  CountOwed();
  if (was_none) OnFailure();
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
