// OutputFollower: one client that follows what an application writes, as text/event-stream.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "http/exchange.h"
#include "server/application_output.h"

namespace livy::internal {

// Reads a piece when the client has taken the one before, so that a slow one costs one piece; one
// that is slower than the output is kept misses what is in between, and sees that from the ids.
// Safe to use from several threads. Made by std::make_shared, and kept by what it waits for.
class OutputFollower : public std::enable_shared_from_this<OutputFollower> {
 public:
  // `end_state` tells the state in which the application has ended, once it has.
  OutputFollower(std::shared_ptr<ApplicationOutput> output, std::shared_ptr<ResponseStream> stream,
                 std::int64_t offset, std::function<std::string()> end_state);

  // Writes until there is nothing more, and goes on by itself.
  void Begin();

  // The client has gone.
  void Stop();

 private:
  void Serve();
  bool WriteNext();
  void Park();

  const std::shared_ptr<ApplicationOutput> output_;
  const std::shared_ptr<ResponseStream> stream_;
  const std::function<std::string()> end_state_;
  std::mutex mutex_;
  bool is_served_ = false;        // Guarded by mutex_. A thread is in Serve(), which owns the
  bool is_served_again_ = false;  // Guarded by mutex_. next two.
  std::int64_t offset_;
  bool is_idle_ = false;         // Nothing was written since the last wait began.
  WaitList::Token waiting_ = 0;  // Guarded by mutex_.
  bool is_stopped_ = false;      // Guarded by mutex_.
};

}  // namespace livy::internal
