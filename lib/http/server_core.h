// ServerCore: what the connections of one server share.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <livy/clock.h>

#include "http/http_server.h"
#include "http/socket.h"
#include "http/tls.h"
#include "http/worker_pool.h"

namespace livy::internal {

class ServerConnection;

// Held by the server and by every connection, so that an exchange that outlives the server finds
// what it needs to learn that its connection has ended. Safe to use from several threads.
struct ServerCore {
  ServerCore(const HttpServerOptions& the_options, HttpHandler the_handler)
      : options(the_options),
        handler(std::move(the_handler)),
        pool(static_cast<std::size_t>(the_options.threads_min),
             static_cast<std::size_t>(the_options.threads_max),
             static_cast<std::size_t>(the_options.requests_queued_max)) {}

  // Makes the server's thread look at `ended` and at `is_stopping`. Never blocks.
  void Wake() const;

  // For a connection that has closed, once; it stays alive until the server's thread is between
  // two events.
  void Forget(ServerConnection* connection);

  const HttpServerOptions options;
  HttpHandler handler;
  const std::unique_ptr<Clock> clock = MakeSystemClock();
  SslContextPtr tls{nullptr, SSL_CTX_free};  // Null: no TLS.
  WorkerPool pool;
  Socket epoll = {};
  Socket wake = {};
  std::atomic<bool> is_stopping = false;
  std::atomic<std::size_t> body_bytes = 0;  // Of request bodies that are being read.

  std::mutex mutex = {};
  std::vector<ServerConnection*> ended = {};  // Guarded by mutex. To be forgotten by the server.
};

}  // namespace livy::internal
