// DriverListener: where the drivers of all sessions dial in.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include <livy/result.h>

#include "driver_link/driver_link.h"
#include "http/certificate.h"
#include "http/http_server.h"
#include "http/router.h"

namespace livy::internal {

struct DriverListenerOptions {
  std::string host = "127.0.0.1";  // Where to listen.
  int port = 0;                    // 0: any free one.
  // What drivers of an earlier server expect. Unset: a new one.
  std::optional<Certificate> certificate = {};
  std::string public_host = {};  // What drivers dial; empty: `host`.
  // Whether all drivers are told to come again, until FinishRecovery(): what they tell is for
  // sessions that are just being made.
  bool is_recovering = false;
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
  // Listens. Fails as HttpServer::Create() does.
  static Result<std::unique_ptr<DriverListener>> Create(const DriverListenerOptions& options);

  DriverListener(const DriverListener&) = delete;
  DriverListener& operator=(const DriverListener&) = delete;

  int port() const { return http_->port(); }
  const Certificate& certificate() const { return certificate_; }

  // Admits the driver of a session from now on, with a new secret. `sink` hears its events.
  std::shared_ptr<DriverLink> Open(int session, std::weak_ptr<DriverEventSink> sink);

  // As Open(), for a driver that an earlier server has launched.
  std::shared_ptr<DriverLink> Reopen(int session, DriverCredentials credentials,
                                     std::weak_ptr<DriverEventSink> sink);

  DriverAddress AddressFor(const DriverLink& link) const;

  // All sessions of an earlier server are there now: other drivers are refused for good.
  void FinishRecovery() { is_recovering_ = false; }

  // Closes the session's link. Its driver is refused from now on, which ends it.
  void Close(int session);

  // Sends a ping down every link; to be called every 15 s.
  void PingAll();

  // No driver is served afterwards.
  void Stop();

 private:
  explicit DriverListener(Certificate certificate);

  void Serve(const std::shared_ptr<Exchange>& exchange);
  std::shared_ptr<DriverLink> Find(int session) const;

  const Certificate certificate_;
  std::string server_;
  Router router_;
  std::atomic<bool> is_recovering_ = false;

  mutable std::mutex mutex_;
  std::unordered_map<int, std::shared_ptr<DriverLink>> links_;  // Guarded by mutex_.
  std::unique_ptr<HttpServer> http_;  // Last: its threads use all of the above.
};

}  // namespace livy::internal
