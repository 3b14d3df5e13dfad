// SessionHandle: one interactive session on a server, seen from a client.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <livy/job_handle.h>
#include <livy/launcher.h>
#include <livy/output.h>
#include <livy/result.h>
#include <livy/session.h>
#include <livy/statement.h>

namespace livy {

namespace internal {
class Channel;
}

// Obtained from LivyClient::CreateSession() or LivyClient::OpenSession().
//
// A handle is a small value: copies name the same session and share one connection. Using different
// copies from different threads is safe. Dropping the last copy leaves the session running, because
// a session is meant to outlive the program that created it; Delete() ends it.
class SessionHandle {
 public:
  int id() const { return id_; }

  // Asks the server for the session as it is now. Fails with kNotFound if there is none any more.
  Result<Session> Fetch() const;

  // Blocks until the session is idle, and returns it. Fails with kUnavailable if the session ends
  // instead, with the reason as the message, or the end of its log if the server gives none; with
  // kDeadlineExceeded after `timeout`.
  Result<Session> WaitUntilIdle(std::chrono::milliseconds timeout) const;

  // Queues a statement behind those submitted before it. Fails with kUnavailable if the session
  // does not accept statements in its present state: liblivy's server does from the session's
  // creation to its end, Apache Livy not before the session is idle. Fails with kInvalidArgument if
  // the server refuses the statement itself; with kOutcomeUnknown as LivyClient::CreateSession().
  Result<JobHandle> Submit(const StatementRequest& request) const;

  // A handle of a statement submitted earlier. Asks nothing of the server.
  JobHandle Open(int statement_id) const;

  // The statements that the server still keeps, oldest first.
  Result<std::vector<Statement>> Statements() const;

  // Lines of the driver's log; the arguments are those of Application::Log().
  Result<LogPage> Log(int from = -1, int size = 100) const;

  // All that the driver writes; see BatchHandle::Output().
  Result<OutputPage> Output(std::int64_t offset, std::chrono::milliseconds timeout) const;

  // Gives all interpreters of the session a file that its driver can reach under `uri`, and returns
  // when they have it. Fails with kInvalidArgument, and the reason, if it cannot be had or may not
  // be used; with kDeadlineExceeded after `timeout`, and then the file may still come.
  Result<void> Add(ResourceKind kind, const std::string& uri,
                   std::chrono::milliseconds timeout = std::chrono::minutes(2)) const;

  // As Add(), with a file of this program's machine, which is sent to the server under its own
  // name. Fails with kInvalidArgument if it cannot be read. Holds the whole file in memory.
  Result<void> Upload(ResourceKind kind, const std::filesystem::path& file,
                      std::chrono::milliseconds timeout = std::chrono::minutes(2)) const;

  // Stops the driver; the session stays listed as dead for a while.
  Result<void> Stop() const;

  // Stops the driver, waits for its end, and removes the session. Fails with kNotFound if it was
  // already removed.
  Result<void> Delete() const;

 private:
  friend class LivyClient;
  SessionHandle(std::shared_ptr<internal::Channel> channel, int id);

  std::shared_ptr<internal::Channel> channel_;
  int id_;
};

}  // namespace livy
