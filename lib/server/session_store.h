// SessionStore: what is written to the store for sessions and statements, and under which keys.
#pragma once

#include <string>
#include <vector>

#include <livy/result.h>
#include <livy/session.h>
#include <livy/store.h>

#include "server/statement_record.h"

namespace livy::internal {

// What is stored of a session, apart from its statements.
struct StoredSession {
  int id = 0;
  std::string app_tag = {};
  std::optional<std::string> owner = {};
  SessionRequest request = {};
};

// Keys are those of Apache Livy; a session's statements are its children. Safe to use from several
// threads.
class SessionStore {
 public:
  // `store` outlives this.
  explicit SessionStore(Store& store) : store_(store) {}

  // The id that the next session gets: above all that were ever given.
  Result<int> LoadNextId() const;

  // Forgets sessions that an earlier server left, except for the counter of ids.
  Result<void> ForgetSessions();

  // Remembers that `next_id` is the next id to give.
  Result<void> SaveNextId(int next_id);

  Result<void> SaveSession(const StoredSession& session);

  Result<void> SaveStatements(int session, const std::vector<StatementRecord>& statements,
                              const std::vector<int>& forgotten);

  // `statements`: the ids of all that are stored.
  Result<void> Remove(int session, const std::vector<int>& statements);

 private:
  Store& store_;
};

}  // namespace livy::internal
