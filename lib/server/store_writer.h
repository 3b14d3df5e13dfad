// StoreWriter: the server's way into its store, through the store's bad days.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <livy/clock.h>
#include <livy/log.h>
#include <livy/result.h>
#include <livy/store.h>

#include "server/turns.h"

namespace livy::internal {

struct StoreWriterOptions {
  int callers_max = 14;  // Threads that are in the store at once.
  // How long one may wait for its turn while as many are in the store already.
  std::chrono::milliseconds patience = std::chrono::seconds(1);
  int owed_max = 10000;  // Keys whose values the store has yet to take; beyond it: refusals.
};

// Where StoreWriter::Post() runs what it is given.
enum class StoreThread {
  kOwn,      // On a thread of the writer, which also makes the changes that are owed.
  kCallers,  // Where it is posted, at once; TryOwed() is the test's to call.
};

// Three things that a store alone has not. Threads do not pile up in a store that does not answer:
// beyond `callers_max` they are refused. Changes of what has happened already and cannot be
// refused, such as the end of a session, are owed to the store until it takes them, in order with
// all others of the same key. And threads that must not wait for a store have one that may.
//
// Safe to use from several threads.
class StoreWriter : public Store {
 public:
  // Everything that is passed by reference outlives this.
  StoreWriter(StoreWriterOptions options, Store& store, Clock& clock, LogSink& log,
              StoreThread thread);

  // Stops as Stop() does.
  ~StoreWriter() override;

  // As the store's, where a key has the value that is owed; but kUnavailable if another server has
  // taken it over. Fail also with that if
  // too many are in the store; the first also if too much is owed, or the same keys' owed values
  // are on their way and do not get there.
  Result<void> Apply(const std::vector<StoreChange>& changes) override;
  Result<std::optional<std::string>> Get(std::string_view key) const override;
  Result<std::vector<std::string>> Children(std::string_view key) const override;

  // As Apply(), for keys that are new. If it fails, and a store may all the same have made the
  // changes, they are owed to be forgotten again: whoever asked was told that nothing was done.
  Result<void> ApplyNew(const std::vector<StoreChange>& changes);

  // Makes the changes now or, if that fails, when the store takes them. A failure is only to be
  // told of: whoever sees it need not try again. What the store refuses for good is dropped.
  Result<void> ApplyOrOwe(const std::vector<StoreChange>& changes);

  // Whether the store is this server's still. A store that another server has taken over says so
  // only to who writes, so this asks it, with a change of nothing. Fails with kUnavailable and the
  // store's reason if it is not. That a store fails otherwise takes nothing from its server.
  Result<void> CheckOurs();

  // What changes have shown of that, the last of those that the store has made or refused for it.
  bool is_taken_over() const { return is_taken_over_; }

  // Fails with kUnavailable while a store that has failed is not asked again: for who is about to
  // read much before a change, and can be refused.
  Result<void> CheckThere() const;

  // Runs `task`, which may wait for the store, after those posted before. There are about as many
  // as sessions and batches.
  void Post(std::function<void()> task);

  // For what is done in the store by one thread after the other; as patient as this is.
  Turns OneByOne() const { return {clock_, 1, options_.patience}; }

  // How many keys' values the store has yet to take.
  int owed() const { return owed_count_; }

  // Tries once to make what is owed, and returns whether nothing is left.
  bool TryOwed();

  // Runs what is posted, tries what is owed a last time, and ends the thread. Harmless when
  // repeated. What is posted later runs where it is posted.
  void Stop();

 private:
  using Owed = std::map<std::string, std::optional<std::string>, std::less<>>;

  struct Attempt {
    Result<void> made;
    // Though it failed: the store was asked, and has not refused.
    bool may_be_made = false;
  };

  void Run();
  // Makes changes that may be refused. What is owed of their keys is not any more if they are made.
  Attempt Try(const std::vector<StoreChange>& changes);
  // Makes changes in the store, when it is this thread's turn.
  Attempt Make(const std::vector<StoreChange>& changes);
  Result<void> CheckOwed() const;
  // Takes the owed values of these keys out, once nobody is about to store one of them.
  Result<Owed> TakeOwed(const std::vector<StoreChange>& changes);
  // Owes these again, but for keys that have got another value meanwhile.
  void PutBack(Owed taken);
  // Returns whether there was something to make and it was made, or dropped.
  Result<void> MakeSome();

  // The following are called with mutex_ held.
  bool AreBeingMade(const std::vector<StoreChange>& changes) const;
  Owed Extract(const std::vector<StoreChange>& changes);
  void CountOwed();
  void OnFailure();

  const StoreWriterOptions options_;
  Store& store_;
  Clock& clock_;
  LogSink& log_;
  const StoreThread kind_;

  mutable Turns turns_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;          // For the thread.
  std::condition_variable made_;             // making_ is empty again.
  std::deque<std::function<void()>> tasks_;  // Guarded by mutex_.
  Owed owed_;                                // Guarded by mutex_.
  Owed making_;                              // Guarded by mutex_. Out of owed_, on its way.
  Clock::TimePoint making_since_ = {};       // Guarded by mutex_.
  bool stopping_ = false;                    // Guarded by mutex_.
  bool ended_ = false;                       // Guarded by mutex_. The thread takes no more tasks.
  Clock::TimePoint try_at_ = {};             // Guarded by mutex_. When to try what is owed.
  Clock::Duration pause_ = {};               // Guarded by mutex_. After the next failure.
  std::atomic<bool> is_taken_over_ = false;
  std::atomic<int> owed_count_ = 0;  // Of owed_ and making_, for a look without the lock.
  std::thread thread_;
};

}  // namespace livy::internal
