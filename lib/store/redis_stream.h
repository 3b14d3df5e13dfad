// RedisStream: bytes to and from Redis, each wait with its end.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

#include <livy/clock.h>
#include <livy/result.h>
#include <livy/store.h>

#include "files/descriptor.h"

namespace livy::internal {

// Sockets are ours and not hiredis's, which bounds single reads and not whole answers, raises
// SIGPIPE, and has no TLS in Debian 12. One thread at a time; all failures are kUnavailable, and
// after one the stream is of no use.
class RedisStream {
 public:
  // Connects, and agrees upon TLS if that is wanted. Looking a name up is not bounded by `deadline`
  // but by the system's resolver.
  static Result<std::unique_ptr<RedisStream>> Open(const RedisStoreOptions& options, Clock& clock,
                                                   Clock::TimePoint deadline);

  Result<void> Send(std::string_view bytes, Clock::TimePoint deadline);

  // At least one byte.
  Result<std::string> Receive(Clock::TimePoint deadline);

 private:
  using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
  using Tls = std::unique_ptr<SSL, decltype(&SSL_free)>;

  RedisStream(Descriptor socket, Clock& clock) : socket_(std::move(socket)), clock_(clock) {}

  Result<void> BeginTls(const RedisStoreOptions& options, Clock::TimePoint deadline);
  // What TLS has to say before it can go on.
  Result<void> ServeTls(int result, Clock::TimePoint deadline);
  Result<void> SendRaw(std::string_view bytes, Clock::TimePoint deadline);
  Result<void> FlushTls(Clock::TimePoint deadline);
  Result<std::string> ReceiveRaw(Clock::TimePoint deadline);

  Descriptor socket_;  // Does not block.
  Clock& clock_;
  Context context_{nullptr, SSL_CTX_free};
  Tls tls_{nullptr, SSL_free};  // Null without TLS. Reads and writes memory.
};

}  // namespace livy::internal
