// BatchHandle: one batch on a server, seen from a client.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include <livy/batch.h>
#include <livy/launcher.h>
#include <livy/output.h>
#include <livy/result.h>

namespace livy {

namespace internal {
class Channel;
}

// Obtained from LivyClient::SubmitBatch() or LivyClient::OpenBatch().
//
// A handle is a small value: copies name the same batch and share one connection. Using different
// copies from different threads is safe. Dropping the last copy leaves the batch running.
class BatchHandle {
 public:
  int id() const { return id_; }

  // Asks the server for the batch as it is now. Fails with kNotFound if there is none any more.
  Result<Batch> Fetch() const;

  // Blocks until the batch has ended, and returns it. That it failed or was killed is told by its
  // state and not by an error of this call. Fails with kDeadlineExceeded after `timeout`; the batch
  // goes on. With a server that offers it the answer arrives as soon as it is known; with Apache
  // Livy it is asked for at growing intervals, from 100 ms to 5 s.
  Result<Batch> Wait(std::chrono::milliseconds timeout) const;

  // Lines of the batch's log; the arguments are those of Application::Log().
  Result<LogPage> Log(int from = -1, int size = 100) const;

  // All that the batch writes, from `offset` on, at most 64 KiB at once; go on at `next`. Blocks
  // until there is something, or the batch has ended, or `timeout` is over: the last is no error,
  // and the text is empty then. Fails with kNotFound with a server that does not keep it, as Apache
  // Livy.
  Result<OutputPage> Output(std::int64_t offset, std::chrono::milliseconds timeout) const;

  // Kills the batch with everything it has started, and returns when it has ended; it stays listed
  // for a while. Harmless if it has ended. Fails with kNotFound with Apache Livy, which has nothing
  // but Delete() for this.
  Result<void> Cancel() const;

  // Kills the batch if it runs, waits for its end, and removes it. Fails with kNotFound if it was
  // already removed.
  Result<void> Delete() const;

 private:
  friend class LivyClient;
  BatchHandle(std::shared_ptr<internal::Channel> channel, int id);

  std::shared_ptr<internal::Channel> channel_;
  int id_;
};

}  // namespace livy
