// ProcessWatcher: one thread that follows all child processes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <unordered_map>

#include <livy/result.h>

#include "files/descriptor.h"
#include "files/private_file.h"
#include "launch/process.h"

namespace livy::internal {

enum class OutputStream { kOut, kErr };

// How a child ended.
struct ProcessEnd {
  enum class Kind {
    kExited,    // `number` is its exit status.
    kSignaled,  // `number` is the signal.
    kUnknown,   // Somebody else has reaped it, another part of this process or its parent. Linux
                // tells from 6.15 on of those that were adopted, unless they were killed by Kill().
  };
  Kind kind = Kind::kUnknown;
  int number = 0;
  bool kill_requested = false;  // By Kill(), before it had ended.
};

// Called by the watcher's thread, one call at a time for all children. Must not block.
class ProcessListener {
 public:
  virtual ~ProcessListener() = default;

  // Some bytes, not necessarily whole lines.
  virtual void OnOutput(OutputStream stream, std::string_view bytes) = 0;

  // The last call. All output of the child itself has been handed over.
  virtual void OnEnd(const ProcessEnd& end) = 0;
};

// When a child has ended, what is left of its process group is killed; only then is the child
// reaped. So no signal can reach a process that got a number anew. A process that has moved to
// another group is out of reach; Spark's Python workers do, and end when their driver does.
//
// Destroying the watcher leaves the children running, with their output going nowhere. Safe to use
// from several threads; must not be destroyed by a listener.
class ProcessWatcher {
 public:
  using Id = std::uint64_t;

  // `kill_grace`: from SIGTERM to SIGKILL. Fails with kUnavailable if the system has no
  // descriptors or threads left.
  static Result<std::unique_ptr<ProcessWatcher>> Create(std::chrono::milliseconds kill_grace);
  // What still runs is left, with its settings.
  ~ProcessWatcher();
  ProcessWatcher(const ProcessWatcher&) = delete;
  ProcessWatcher& operator=(const ProcessWatcher&) = delete;

  // Follows `child` to its end, and lets go of its `settings` then, which may be null. Its listener
  // is called until Forget(). If this fails, with kUnavailable, the child has been killed unless it
  // was adopted.
  Result<Id> Watch(ChildProcess child, ProcessListener& listener,
                   std::shared_ptr<PrivateFile> settings);

  // Ends the child and its group: SIGTERM, after the grace SIGKILL. Harmless if it has ended.
  void Kill(Id id);

  // Calls the child's listener no more; waits for a call in progress. The child runs on, its output
  // is read and dropped, and it is reaped. Harmless if it has ended.
  void Forget(Id id);

 private:
  struct Watched;
  enum class Source : std::uint64_t { kEnd, kOut, kErr, kGrace };

  ProcessWatcher(Descriptor epoll, Descriptor stop, std::chrono::milliseconds kill_grace);

  void Run();
  void Handle(Id id, Source source);
  void Read(Watched& watched, OutputStream stream);
  void Finish(Watched& watched);
  bool AwaitsParent(Watched& watched);  // With mutex_ held.
  template <typename Function>
  void Call(Watched& watched, const Function& function);
  bool Add(const Descriptor& descriptor, Id id, Source source);
  void Remove(Descriptor& descriptor);

  const Descriptor epoll_;
  const Descriptor stop_;  // An eventfd.
  const std::chrono::milliseconds kill_grace_;

  std::mutex mutex_;
  std::condition_variable called_;
  std::unordered_map<Id, std::shared_ptr<Watched>> watched_;  // Guarded by mutex_. Not yet reaped.
  Id last_id_ = 0;                                            // Guarded by mutex_.
  const Watched* calling_ = nullptr;                          // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace livy::internal
