// JobHandle: one submitted statement, seen from a client.
#pragma once

#include <chrono>
#include <memory>

#include <livy/result.h>
#include <livy/statement.h>

namespace livy {

namespace internal {
class Channel;
}

// Obtained from SessionHandle::Submit() or SessionHandle::Open().
//
// A handle is a small value: copies name the same statement and share one connection. Using
// different copies from different threads is safe. Dropping the last copy ends nothing remote.
class JobHandle {
 public:
  int session_id() const { return session_id_; }
  int id() const { return id_; }

  // Asks the server for the statement as it is now; its `progress` goes from 0 to 1. Fails with
  // kNotFound if the server no longer keeps it, with kUnavailable if its session has ended.
  Result<Statement> Fetch() const;

  // Blocks until the statement is final, and returns it. That the code failed is part of the
  // statement's output and not an error of this call. Fails with kDeadlineExceeded after `timeout`;
  // the statement goes on. With a server that offers it the answer arrives as soon as it is known;
  // with Apache Livy it is asked for at growing intervals, from 100 ms to 5 s.
  Result<Statement> Wait(std::chrono::milliseconds timeout) const;

  // Asks the server to stop the statement and returns at once; Wait() tells when it has stopped.
  // Harmless if the statement is final.
  Result<void> Cancel() const;

 private:
  friend class SessionHandle;
  JobHandle(std::shared_ptr<internal::Channel> channel, int session_id, int id);

  std::shared_ptr<internal::Channel> channel_;
  int session_id_;
  int id_;
};

}  // namespace livy
