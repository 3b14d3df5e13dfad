// Waiter: asks the same question again and again, at the right moments.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <livy/clock.h>
#include <livy/error.h>
#include <livy/output.h>
#include <livy/result.h>
#include <livy/session.h>

#include "client/channel.h"
#include "core/json.h"

namespace livy::internal {

// For one thread and one wait. If the server can wait, it is asked to; if not, pauses grow.
class Waiter {
 public:
  // The time begins now. `channel` outlives the waiter.
  Waiter(Channel& channel, std::string target, std::chrono::milliseconds timeout);

  // The next answer: at once when called first, later when it may be worth reading. Calling again
  // says that the answer before was not the one waited for.
  //
  // Fails with kDeadlineExceeded when the time is over, in words that begin with `so_far`, such as
  // "Session 7 was still starting"; else as Channel::Get() does. A server that cannot be reached
  // for a moment is asked a few times more before that is an error.
  Result<JsonValue> Next(std::string_view so_far);

  // Whether Next() failed because the server answered that it will not tell.
  bool refused() const { return refused_; }

  // How long one more question may take, of which the server is asked to wait `extra`.
  std::chrono::milliseconds QuestionTime(
      std::chrono::milliseconds extra = std::chrono::milliseconds(0)) const;

 private:
  Clock::Duration Left() const;
  Channel::Asked Ask();
  void Pause();
  Error Failure(Error error, std::string_view so_far) const;

  Channel& channel_;
  const std::string target_;
  const std::chrono::milliseconds timeout_;
  Clock::TimePoint deadline_;
  Clock::Duration pause_;
  bool first_ = true;
  bool asked_to_wait_ = false;
  bool offered_ = false;  // The last answer says that the server can wait,
  bool waited_ = false;   // and it did.
  bool failed_ = false;   // The last question got no usable answer.
  bool refused_ = false;
  bool expired_ = false;  // The last answer came at the end of the time, or none did.
};

// A page of what the application of `target`, a session or a batch, writes: see
// BatchHandle::Output().
Result<OutputPage> AwaitOutput(Channel& channel, std::string_view target, std::int64_t offset,
                               std::chrono::milliseconds timeout);

// The error of somebody who waited for a session that has ended. Why, the server says, or else the
// end of its log.
Error SessionEnded(const Session& session);

}  // namespace livy::internal
