// RedisClient: commands to Redis and their replies, over the ends of connections.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <livy/clock.h>
#include <livy/log.h>
#include <livy/result.h>
#include <livy/store.h>

#include "store/redis_stream.h"

namespace livy::internal {

struct RedisReply {
  enum class Type { kText, kNumber, kNothing, kList, kError };
  Type type = Type::kNothing;
  std::string text = {};  // Also an error's.
  long long number = 0;
  std::vector<RedisReply> list = {};
};

using RedisCommand = std::vector<std::string>;

// One thread at a time.
class RedisClient {
 public:
  // What became of commands. Not answered: the connection broke, and some or all of them may have
  // been carried out.
  struct Answer {
    bool is_answered = false;
    std::vector<RedisReply> replies = {};  // One a command, if they were answered.
    Error failure = {};                    // If not.
  };

  // `log` hears of connections that are lost and there again.
  RedisClient(const RedisStoreOptions& options, Clock& clock, LogSink& log)
      : options_(options), clock_(clock), log_(log) {}

  // Connects if there is no connection, and says who comes. Fails with kUnavailable.
  Result<void> Connect(Clock::TimePoint deadline);

  // Sends all commands at once, and waits for all replies. Connects if need be. Tries once.
  Answer Send(const std::vector<RedisCommand>& commands, Clock::TimePoint deadline);

  // An error with the address in it.
  Error ErrorOf(std::string_view what) const;

 private:
  Result<std::vector<RedisReply>> Exchange(const std::vector<RedisCommand>& commands,
                                           Clock::TimePoint deadline);
  Result<void> Greet(Clock::TimePoint deadline);
  std::string Address() const;

  const RedisStoreOptions& options_;
  Clock& clock_;
  LogSink& log_;
  std::unique_ptr<RedisStream> stream_;  // Null without a connection.
  bool was_lost_ = false;
};

// Whether Redis says by this error that it will soon be able to answer.
bool IsPassing(const RedisReply& reply);

}  // namespace livy::internal
