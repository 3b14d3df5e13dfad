// ZooKeeperClient: requests to ZooKeeper, over the ends of connections and sessions.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <livy/clock.h>
#include <livy/log.h>
#include <livy/result.h>
#include <livy/store.h>

#include "store/zookeeper_session.h"

struct zoo_op;

namespace livy::internal {

// What came of one request. `code` is the library's: 0 for success.
struct ZooKeeperAnswer {
  int code = 0;
  std::string data = {};
  std::size_t data_bytes = 0;
  std::size_t children = 0;
  int version = -1;
  std::int64_t created = 0;  // By which transaction: no two nodes have it, not even of one path.
  std::vector<std::string> names = {};
};

enum class ZooKeeperRead { kStat, kData, kNames };

// Safe to use from several threads, whose requests are under way at the same time.
class ZooKeeperClient {
 public:
  // What is left of one caller's time and patience.
  struct Attempts {
    Clock::TimePoint deadline = {};
    int retries_left = 0;
  };

  ZooKeeperClient(const ZooKeeperStoreOptions& options, LogSink& log);

  Attempts Begin() const;

  // Blocks until there is a connection, for as long as opening may take.
  Result<void> Connect();

  // Asks all at once; the answers are in the order of the paths, and a node that is not there is
  // one of them. Tries again after a connection broke. Fails with kUnavailable.
  Result<std::vector<ZooKeeperAnswer>> Read(ZooKeeperRead what,
                                            const std::vector<std::string>& paths,
                                            Attempts& attempts);

  // Makes all of `operations` or none, and returns the code. Tries once.
  int Write(const std::vector<zoo_op>& operations, Attempts& attempts);

  // False if `code` is no broken connection, or if there is no patience left; else true, after the
  // pause.
  bool MayTryAgain(int code, Attempts& attempts);

  Error ErrorOf(int code) const;

 private:
  struct Exchange;
  struct Ticket;

  Result<std::shared_ptr<ZooKeeperSession>> Session();
  // Null with the code if there is no connection in time.
  std::shared_ptr<ZooKeeperSession> Connected(const Attempts& attempts, int& code);
  // Blocks until all is answered or the deadline has come.
  void Await(Exchange& exchange, Clock::TimePoint deadline);

  static int Send(_zhandle* handle, ZooKeeperRead what, const std::string& path, Ticket* ticket);

  const ZooKeeperStoreOptions options_;
  LogSink& log_;
  const std::unique_ptr<Clock> clock_ = MakeSystemClock();
  std::mutex mutex_;
  std::shared_ptr<ZooKeeperSession> session_;  // Guarded by mutex_.
};

}  // namespace livy::internal
