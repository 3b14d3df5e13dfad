// SessionStore: what is written to the store for sessions and statements, and under which keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <livy/result.h>
#include <livy/session.h>
#include <livy/store.h>

#include "driver_link/driver_link.h"
#include "http/certificate.h"
#include "server/statement_record.h"
#include "server/store_writer.h"
#include "server/stored_ids.h"

namespace livy::internal {

// How a session ended.
struct StoredEnd {
  SessionState state = SessionState::kDead;
  std::string reason = {};
  std::optional<int> exit_code = {};
  Statement::Time at = {};

  bool operator==(const StoredEnd&) const = default;
};

// When a session went from the list into the history.
struct StoredRemoval {
  Statement::Time at = {};
  std::int64_t bytes = 0;  // Of all that is stored of it.
};

// What is stored of a session, apart from its statements.
struct StoredSession {
  int id = 0;
  std::optional<std::string> app_id = {};  // In its cluster.
  std::string app_tag = {};
  std::optional<std::string> owner = {};
  SessionRequest request = {};
  // Ours; Apache Livy's own records do not have it.
  DriverCredentials driver = {};  // With an empty secret it cannot be reached.
  std::string application = {};   // What Launcher::Recover() finds it by.
  Statement::Time created = {};
  std::optional<StoredEnd> end = {};
  std::optional<StoredRemoval> removal = {};
};

// What the drivers of an earlier server expect of the one they dial.
struct StoredListener {
  Certificate certificate = {};
  int port = 0;
};

// Keys are those of Apache Livy; a session's statements are its children. Safe to use from several
// threads.
class SessionStore {
 public:
  // `store` outlives this.
  explicit SessionStore(StoreWriter& store) : store_(store), ids_(store, "v1/interactive") {}

  // What it writes by.
  StoreWriter& writer() { return store_; }

  StoredIds& ids() { return ids_; }

  // Those that load fail with kUnavailable if the store cannot be read now; with kInternal, and say
  // where, if what is stored is damaged; the first with kNotFound if a session was removed and only
  // statements are left of it.
  Result<StoredSession> LoadSession(int id) const;

  // The ids of a session's statements, in ascending order; and one of them, nullopt if there is
  // none.
  Result<std::vector<int>> StatementIds(int session) const;
  Result<std::optional<StatementRecord>> LoadStatement(int session, int id) const;

  // The length of all that is stored of a session's statements.
  Result<std::int64_t> StatementBytes(int session) const;

  // nullopt if none was stored.
  Result<std::optional<StoredListener>> LoadListener() const;
  Result<void> SaveListener(const StoredListener& listener);

  // Each is all stored or nothing of it, also if this cannot be known at once. `along` are other
  // new keys in the same transaction.
  Result<void> SaveNewSession(const StoredSession& session, std::vector<StoreChange> along = {});
  Result<void> SaveNewStatement(int session, const StatementRecord& statement,
                                std::vector<StoreChange> along = {});

  // A session that is there, now or when the store takes it: StoreWriter::ApplyOrOwe().
  Result<void> UpdateSession(const StoredSession& session);

  // The same for the session and its statements: the session first, and much in several changes.
  Result<void> SaveEnd(const StoredSession& session,
                       const std::vector<StatementRecord>& statements);

  Result<void> SaveStatements(int session, const std::vector<StatementRecord>& statements,
                              const std::vector<int>& forgotten);

  // A session that is history now.
  Result<void> SaveRemoved(const StoredSession& session);

  // The session and all its statements; many in several changes, the session in the last.
  Result<void> Remove(int session);

 private:
  StoreWriter& store_;
  StoredIds ids_;
};

}  // namespace livy::internal
