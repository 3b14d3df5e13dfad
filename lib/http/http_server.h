// HttpServer: listens, reads requests, calls a handler, writes answers.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <livy/result.h>

#include "http/exchange.h"

namespace livy::internal {

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  int port = 0;  // 0: any free one.
  // PEM texts; both set: TLS only.
  std::string certificate_pem = {};
  std::string key_pem = {};

  int threads_min = 2;
  int threads_max = 16;
  int requests_queued_max = 4096;  // Beyond it: 503.
  int connections_max = 20000;     // Beyond it: closed at once.
  std::size_t target_bytes_max = 8192;
  std::size_t header_bytes_max = 131072;
  int headers_max = 200;
  std::size_t body_bytes_max = 16 << 20;          // After decoding.
  std::size_t multipart_bytes_max = 16 << 20;     // The same for forms that carry files.
  std::size_t bodies_bytes_max = 512 << 20;       // Of all requests being read; beyond it: 503.
  std::size_t stream_buffer_bytes_max = 4 << 20;  // Unread bytes of one answer that is streamed.
  std::size_t gzip_bytes_min = 1024;              // Smaller answers are not compressed.
  std::chrono::milliseconds header_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds body_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds response_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds keep_alive_timeout = std::chrono::seconds(60);
};

class HttpServer {
 public:
  // Binds, listens and serves. Fails with kUnavailable if the address is taken; with
  // kPermissionDenied if the port is the system's; with kInvalidArgument if host, certificate or
  // key cannot be used; with kResourceExhausted if the system has no more files or threads.
  static Result<std::unique_ptr<HttpServer>> Create(const HttpServerOptions& options,
                                                    HttpHandler handler);

  // Stops as Stop() without grace does.
  virtual ~HttpServer() = default;

  virtual int port() const = 0;

  // Accepts no more connections, closes idle ones, waits up to `grace` for owed answers, then cuts
  // them off. When it returns no handler runs and none will. Harmless when repeated.
  virtual void Stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace livy::internal
