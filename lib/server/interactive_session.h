// InteractiveSession: one session, its statements, and its driver.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <livy/access_manager.h>
#include <livy/clock.h>
#include <livy/launcher.h>
#include <livy/log.h>
#include <livy/result.h>
#include <livy/server.h>
#include <livy/session.h>
#include <livy/statement.h>

#include "driver_link/driver_link.h"
#include "server/application_count.h"
#include "server/application_log.h"
#include "server/application_output.h"
#include "server/end_reason.h"
#include "server/event_feed.h"
#include "server/held_application.h"
#include "server/idempotency_keys.h"
#include "server/pending_answers.h"
#include "server/roster.h"
#include "server/session_history.h"
#include "server/session_lease.h"
#include "server/session_settings.h"
#include "server/session_store.h"
#include "server/statement_record.h"
#include "server/timer.h"
#include "server/turns.h"
#include "server/uploads.h"
#include "server/wait_list.h"

namespace livy::internal {

// What all sessions of a server share. Everything outlives them.
struct SessionServices {
  SessionStore& store;
  SessionHistory& history;
  Clock& clock;
  Timer& timer;
  LogSink& log;
  ApplicationCount& applications;
  ServerLimits limits = {};
  SessionExpiry expiry = {};
  SessionSettings settings = {};          // Of sessions whose requests do not set them.
  std::filesystem::path upload_dir = {};  // Each session with uploads has a folder there.
  OutputOptions output = {};
};

// What a session begins with.
struct SessionBeginning {
  StoredSession record = {};  // As it is stored.
  std::shared_ptr<DriverCommands> commands = {};
  std::function<void()> ended = {};  // Called once when the session has ended.
};

struct StatementSlice {
  int total = 0;
  std::vector<StatementRecord> statements = {};
};

// Whether the session has neither a driver nor will get one.
bool HasEnded(SessionState state);

// A passive object: requests, driver events, the end of its application and timers reach it on
// their own threads. Safe to use from several threads. Made by std::make_shared.
class InteractiveSession : public DriverEventSink,
                           public std::enable_shared_from_this<InteractiveSession> {
 public:
  using Completed = PendingAnswers<std::vector<std::string>>::Answered;
  using Added = PendingAnswers<void>::Answered;

  // `request` has its kind and its proxy user as they became.
  InteractiveSession(int id, SessionRequest request, User owner, SessionServices& services);

  int id() const { return id_; }
  const SessionRequest& request() const { return request_; }
  const std::optional<std::string>& name() const { return request_.name; }
  const Ownership& ownership() const { return ownership_; }
  const SessionSettings& settings() const { return settings_; }

  // A statement of an earlier server: to be called for each, in the order of their ids, before
  // Recover(). nullopt: it is damaged, and its id was given.
  void TakeStatement(int id, std::optional<StatementRecord> statement);

  // One of the next three is called, once.

  // Starts the driver. If it cannot be started the session is dead, and says why in its log.
  void Start(Launcher& launcher, const LaunchRequest& launch, SessionBeginning beginning);

  // Goes on with the driver that an earlier server has started: it is dead if that has ended
  // meanwhile, or does not dial within the time that a new one has.
  void Recover(Launcher& launcher, SessionBeginning beginning);

  // Shows a session that has ended, which has an end in its record. Its statements are not shown
  // any more and stay in the store.
  void Restore(const StoredSession& record);

  // Lets go of the application, for a session that nobody will look at. `gone` is called by the
  // timer when the application's observer is not being called and will not be.
  void DropApplication(std::function<void()> gone);

  SessionState state() const;
  Session View() const;
  LogPage Log(int from, int size) const;

  // Queues a statement; until the driver is there it waits. Unless it is null, what `along` gives
  // is stored in the same transaction. Fails with kUnavailable if the session is ending or has
  // ended, or the statement cannot be stored; with kResourceExhausted if too many are waiting.
  Result<StatementRecord> Submit(std::string code, Kind kind, std::optional<int> rows_max = {},
                                 const StoredAlong& along = nullptr);

  // Fails with kUnavailable if the session is ending or has ended, or the store does not take it.
  // Harmless for unknown and final ones.
  Result<void> CancelStatement(int id);

  // As it is in memory: one that ended long ago may be abridged.
  std::optional<StatementRecord> FindStatement(int id) const;

  // The same with all its texts. Fails with kUnavailable if the store cannot be read.
  Result<std::optional<StatementRecord>> ReadStatement(int id) const;

  // Those still kept, by id; `from` is an index into them, negative for 0 with `size` counted from
  // there, as Livy does. Fails as ReadStatement().
  Result<StatementSlice> ReadStatements(std::int64_t from, std::int64_t size,
                                        bool descending) const;

  // Asks the driver what could stand at `cursor`; while there is none, nothing can. `completed` is
  // called once.
  void Complete(std::string code, Kind kind, int cursor, Completed completed);

  // Gives the driver a file; its number in `command` does not matter. `added` is called once, when
  // all interpreters have it: with kInvalidArgument if the session is not active or the driver
  // cannot use the file, with kDeadlineExceeded after resource_timeout.
  void AddResource(AddCommand command, Added added);

  // Keeps a file for the driver to fetch, until the session has ended. Fails as Uploads::Keep()
  // does, and with kInvalidArgument if the session is not active.
  Result<void> KeepUpload(const std::string& name, std::string_view content);

  // Ends the driver: in an orderly way, by force after a time. Returns at once. Harmless if the
  // session is ending or has ended. `why` becomes its end's reason, in words such as "deleted by
  // alice".
  void Stop(std::string_view why, EndedBy by = EndedBy::kOrder);

  // Calls `wake` once when what `key` stands for is so: a statement is final or no longer kept, or
  // as WaitList's constants say; at once if it is so already, else on another thread, after
  // `timeout` at the latest (Duration::max(): no limit). The token is for StopAwaiting().
  WaitList::Token Await(int key, Clock::Duration timeout, WaitList::Wake wake);

  // Await() for the session's end, without a limit.
  void AwaitEnd(WaitList::Wake wake) {
    Await(WaitList::kEnded, Clock::Duration::max(), std::move(wake));
  }

  // Nobody waits any more: `wake` will not be called unless it has been.
  void StopAwaiting(WaitList::Token token);

  // The function that waits under that token, which waits no more; null if there is none.
  WaitList::Wake TakeWaiting(WaitList::Token token);

  // What keeps its time from running out; Submit() and the like renew it themselves.
  SessionLease& lease() { return *lease_; }

  // What its driver writes; null before it begins.
  std::shared_ptr<ApplicationOutput> output() const;

  // Its application's.
  std::string tag() const;

  // Makes the session, which has ended, and its statements history; its end is not stored after
  // that. One that has not begun is forgotten.
  Result<void> RemoveFromStore();

  // Writes what happens to the session to `stream` until it has ended; see EventFeed::Follow(). As
  // long as it is there, somebody looks at the session.
  EventFeed::Token Follow(std::shared_ptr<ResponseStream> stream, std::string_view last_event_id);
  void Unfollow(EventFeed::Token token);

  // Whether a client with this Last-Event-ID knows all that there will ever be.
  bool HasToldAll(std::string_view last_event_id) const;

  bool IsFollowed() const;
  void KeepFollowersAlive();

  // DriverEventSink:
  Result<void> OnDriverEvents(const std::vector<DriverEvent>& events) override;
  void OnDriverConnected(std::string_view boot) override;
  Result<std::string> ReadUpload(std::string_view name) override;

 private:
  // Sends what was told to those who follow, at its end: to be made before any lock is taken.
  class Telling {
   public:
    explicit Telling(const InteractiveSession& session) : session_(session) {}
    ~Telling();
    Telling(const Telling&) = delete;
    Telling& operator=(const Telling&) = delete;

   private:
    const InteractiveSession& session_;
  };

  void Begin(SessionBeginning beginning);
  void OpenOutput();
  ApplicationObserver Observer();
  Result<std::unique_ptr<Application>> FindAgain(Launcher& launcher, const std::string& tag,
                                                 const std::string& handle);
  void SetApplication(std::unique_ptr<Application> application);
  Result<void> SaveRecord();
  std::shared_ptr<EventFeed> Feed() const;
  EventFeed::Snapshot TakeSnapshot() const;
  void OnApplication(const ApplicationStatus& status);
  void OnEnd(const ApplicationStatus& status);
  // Stores how statements have ended. An output that the store refuses for good becomes an error
  // that says so, in `ended`, too.
  Result<void> SaveEnded(std::vector<StatementRecord>& ended, const std::vector<int>& dropped);
  Result<void> SaveWithoutCode(StatementRecord statement);
  Result<void> Cancel(int id, std::vector<WaitList::Wake>& wakes);
  Result<void> StoreAndApply(const std::vector<DriverEvent>& events,
                             std::vector<WaitList::Wake>& wakes);
  void DropSurplus();
  // Sends what `command_for` makes of the question's number, if `refusal` has nothing to say and
  // fewer than `max` are under way, and calls `answered` once. Both are called with mutex_ held.
  template <typename T, typename Refusal, typename CommandFor>
  void Ask(PendingAnswers<T> InteractiveSession::* pending, int max, Clock::Duration timeout,
           Refusal refusal, CommandFor command_for, typename PendingAnswers<T>::Answered answered);
  template <typename T>
  typename PendingAnswers<T>::Answered TakeAsked(PendingAnswers<T> InteractiveSession::* pending,
                                                 int id);
  void OnProgress(const ApplicationStatus& status);
  void LimitConnecting();
  void OnConnectTimeout();
  // Stops a session whose time is over, unless it has become another server's. Does not wait.
  void Expire(const std::string& why, EndedBy by);
  void Kill();
  void KillLate();
  std::vector<std::string> FindLastWords() const;
  void WriteLog(LogLevel level, std::string_view message) const;

  // The following are called with mutex_ held.
  bool MoveTo(SessionState to);
  bool IsStarting() const;
  Result<void> CheckActive() const;
  Result<void> CheckRoom(std::string_view code) const;
  void SendStored();
  StatementSlice Statements(std::int64_t from, std::int64_t size, bool descending) const;
  void Cache(int id);
  void Drop(const std::vector<int>& ids);
  void OnFinal(const StatementRecord& statement, std::vector<WaitList::Wake>& wakes);
  bool IsDue(int key) const;
  void ApplyEvent(const DriverEvent& event, std::vector<WaitList::Wake>& wakes);
  void ApplyState(const StateEvent& event, std::vector<WaitList::Wake>& wakes);
  std::vector<StatementRecord> Ended(const std::vector<DriverEvent>& events) const;
  std::vector<int> SurplusBesides(const std::vector<StatementRecord>& ended) const;
  StoredSession EndedRecord(SessionState state, const std::vector<std::string>& last_words);
  std::vector<StatementRecord> Cancelled(Statement::Time now) const;
  void ShowEnd(SessionState state, std::vector<WaitList::Wake>& wakes);
  void OpenFeed();
  void TellState() const;
  void TellEnd() const;
  void TellStatement(const StatementRecord& statement) const;
  void TellChange(const StatementRecord& before, const StatementRecord& statement) const;
  bool NoteAppId(const std::optional<std::string>& app_id);  // Whether it is new.
  void SetEndReason(const std::vector<std::string>& last_words);

  const int id_;
  const SessionRequest request_;
  const Ownership ownership_;
  SessionServices& services_;
  const SessionSettings settings_;
  const std::shared_ptr<SessionLease> lease_;

  // To store and show what has become of statements, so that the store ends with what was last.
  // Taken before mutex_; not kept over calls to anybody but the store.
  Turns saving_;

  mutable std::mutex mutex_;
  SessionState state_ = SessionState::kStarting;  // Guarded by mutex_.
  bool driver_came_ = false;                      // Guarded by mutex_.
  bool connecting_limited_ = false;               // Guarded by mutex_. By a timer.
  bool is_ending_ = false;                        // Guarded by mutex_. Its end is being stored.
  EndedBy ended_by_ = EndedBy::kApplication;      // Guarded by mutex_. Set when it begins to end.
  std::string end_reason_;                        // Guarded by mutex_. Final when it has ended.
  StoredSession record_;                          // Guarded by mutex_. As it is to be stored.
  HeldApplication application_{services_.timer};  // Guarded by mutex_.
  ApplicationStatus application_status_;          // Guarded by mutex_.
  std::shared_ptr<ApplicationOutput> output_;     // Set once, guarded by mutex_.
  bool is_restored_ = false;  // Guarded by mutex_. An earlier server has launched it.
  std::shared_ptr<DriverCommands> commands_;   // Set once, guarded by mutex_.
  std::shared_ptr<Uploads> uploads_;           // Guarded by mutex_. Null when it has ended.
  std::function<void()> ended_;                // Guarded by mutex_. Called once.
  std::map<int, StatementRecord> statements_;  // Guarded by mutex_.
  // Guarded by mutex_. Those of statements_ that are `available` and have their texts, and how long
  // these are.
  std::set<int> cached_;
  std::size_t cached_bytes_ = 0;
  std::set<int> storing_;          // Guarded by mutex_. Submitted, not yet stored,
  std::size_t storing_bytes_ = 0;  // and the length of their code.
  // Guarded by mutex_. Stored, but behind one of storing_, or before there was a driver to be.
  std::map<int, ExecuteCommand> unsent_;
  int queued_ = 0;                // Guarded by mutex_. Those of statements_ that are not final,
  std::size_t queued_bytes_ = 0;  // and the length of their code.
  int next_statement_ = 0;        // Guarded by mutex_.
  PendingAnswers<std::vector<std::string>> completions_;  // Guarded by mutex_.
  PendingAnswers<void> additions_;                        // Guarded by mutex_.
  LogNotes notes_;                                        // Guarded by mutex_. End of the log.
  std::shared_ptr<EventFeed> feed_;  // Guarded by mutex_. Null until somebody follows.
  WaitList waiting_;                 // Guarded by mutex_.
};

}  // namespace livy::internal
