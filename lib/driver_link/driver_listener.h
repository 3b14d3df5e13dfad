// DriverListener: where the drivers of all sessions dial in.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include <livy/result.h>

#include "driver_link/driver_link.h"
#include "http/http_server.h"
#include "http/router.h"

namespace livy::internal {

struct DriverListenerOptions {
  std::string host = "127.0.0.1";          // Where to listen.
  int port = 0;                            // 0: any free one.
  std::string public_host = {};            // What drivers dial; empty: `host`.
  int connections_max = 40000;             // Each driver holds two.
  std::size_t event_bytes_max = 64 << 20;  // Of one request.
};

// What a driver needs to find its way back; becomes part of its settings.
struct DriverAddress {
  std::string server = {};       // "host:port"
  std::string fingerprint = {};  // Of the certificate to expect.
  std::string secret = {};
};

// Safe to use from several threads.
class DriverListener {
 public:
  // Listens, with a new certificate. Fails as HttpServer::Create() does.
  static Result<std::unique_ptr<DriverListener>> Create(const DriverListenerOptions& options);

  DriverListener(const DriverListener&) = delete;
  DriverListener& operator=(const DriverListener&) = delete;

  // Admits the driver of a session from now on, with a new secret. `sink` hears its events.
  std::shared_ptr<DriverLink> Open(int session, std::weak_ptr<DriverEventSink> sink);

  DriverAddress AddressFor(const DriverLink& link) const;

  // Closes the session's link. Its driver is refused from now on, which ends it.
  void Close(int session);

  // Sends a ping down every link; to be called every 15 s.
  void PingAll();

  // No driver is served afterwards.
  void Stop();

 private:
  explicit DriverListener(std::string fingerprint);

  void Serve(const std::shared_ptr<Exchange>& exchange);
  std::shared_ptr<DriverLink> Find(int session) const;

  const std::string fingerprint_;
  std::string server_;
  Router router_;

  mutable std::mutex mutex_;
  std::unordered_map<int, std::shared_ptr<DriverLink>> links_;  // Guarded by mutex_.
  std::unique_ptr<HttpServer> http_;  // Last: its threads use all of the above.
};

}  // namespace livy::internal
