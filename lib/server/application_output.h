// ApplicationOutput: what one application writes, kept on disk, for those who read and follow it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include <livy/clock.h>
#include <livy/launcher.h>
#include <livy/log.h>
#include <livy/output.h>
#include <livy/result.h>

#include "server/output_log.h"
#include "server/timer.h"
#include "server/wait_list.h"

namespace livy::internal {

struct OutputOptions {
  std::filesystem::path folder = {};  // Of all applications. Empty: nothing is kept.
  std::size_t bytes_max = 0;          // Of one.
};

// Safe to use from several threads. Made by std::make_shared.
class ApplicationOutput : public std::enable_shared_from_this<ApplicationOutput> {
 public:
  // Of the application with that tag, also what an earlier server has kept of it. What is passed by
  // reference outlives this.
  ApplicationOutput(const OutputOptions& options, const std::string& tag, Timer& timer,
                    LogSink& log);

  bool keeps() const { return log_.keeps(); }

  // What the application is to be launched with; null if nothing is kept.
  OutputSink Sink();

  // The application has ended: nothing comes any more.
  void Finish();

  // As OutputLog::Read(), with `ended`.
  Result<OutputPage> Read(std::int64_t offset, std::size_t bytes_max) const;

  // Calls `wake` once when there is anything behind `offset`, or will never be: at once if it is so
  // already, else on another thread, after `timeout` at the latest. A negative offset counts as the
  // end.
  WaitList::Token Await(std::int64_t offset, Clock::Duration timeout, const WaitList::Wake& wake);

  // Nobody waits any more: `wake` will not be called unless it has been.
  void StopAwaiting(WaitList::Token token) { TakeWaiting(token); }

  // The function that waits under that token, which waits no more; null if there is none.
  WaitList::Wake TakeWaiting(WaitList::Token token);

  void Remove() { log_.Remove(); }

 private:
  void Append(std::string_view bytes);

  const std::string tag_;
  Timer& timer_;
  LogSink& sink_;
  OutputLog log_;
  mutable std::mutex mutex_;
  bool has_ended_ = false;  // Guarded by mutex_.
  WaitList waiting_;        // Guarded by mutex_.
};

// Removes what is kept of applications, but for those with these tags.
void RemoveOutputBut(const std::filesystem::path& folder, const std::set<std::string>& tags);

}  // namespace livy::internal
