// ZooKeeperSession: a session with ZooKeeper, from its start until it expires or is closed.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include <livy/clock.h>
#include <livy/log.h>
#include <livy/result.h>
#include <livy/store.h>

struct _zhandle;

namespace livy::internal {

struct CloseZooKeeper {
  void operator()(_zhandle* handle) const;
};
using ZooKeeperHandle = std::unique_ptr<_zhandle, CloseZooKeeper>;

// Whether there is a connection, as the threads of ZooKeeper's library tell it. Safe to use from
// several threads.
class ZooKeeperLink {
 public:
  enum class State { kConnecting, kConnected, kExpired, kRefused };

  ZooKeeperLink(std::string hosts, LogSink& log) : hosts_(std::move(hosts)), log_(log) {}

  // `state` is one of the library's.
  void OnState(int state);

  State state() const;

  // Blocks while there is neither a connection nor an end of all attempts.
  State Wait(Clock& clock, Clock::TimePoint deadline);

 private:
  void Tell(State state, State before);

  const std::string hosts_;
  LogSink& log_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::kConnecting;  // Guarded by mutex_.
};

// Owns two threads, which belong to the library of ZooKeeper.
class ZooKeeperSession {
 public:
  // Does not wait for a connection. Fails with kUnavailable if no host has an address.
  static Result<std::shared_ptr<ZooKeeperSession>> Start(const ZooKeeperStoreOptions& options,
                                                         LogSink& log);

  _zhandle* handle() const { return handle_.get(); }
  ZooKeeperLink& link() { return link_; }

 private:
  ZooKeeperSession(const ZooKeeperStoreOptions& options, LogSink& log)
      : link_(options.hosts, log) {}

  ZooKeeperLink link_;
  ZooKeeperHandle handle_;  // Goes before what its threads call.
};

}  // namespace livy::internal
