// ScriptedServer: what a cluster manager answers over HTTP, played by a function of the test's.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "http/http_server.h"

namespace livy::testing {

// Answers as the test says, and remembers what it was asked.
class ScriptedServer {
 public:
  using Script = std::function<HttpResponse(const HttpRequest&)>;

  explicit ScriptedServer(Script script, const internal::HttpServerOptions& options = {})
      : server_(internal::HttpServer::Create(
                    options,
                    [this, script](const std::shared_ptr<internal::Exchange>& exchange) {
                      {
                        const std::lock_guard lock(mutex_);
                        requests_.push_back(exchange->request());
                      }
                      exchange->Send(script(exchange->request()));
                    })
                    .value()) {}
  ~ScriptedServer() { server_->Stop(std::chrono::milliseconds(0)); }

  int port() const { return server_->port(); }
  std::string url() const { return fmt::format("http://127.0.0.1:{}", port()); }
  std::vector<HttpRequest> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  std::mutex mutex_;
  std::vector<HttpRequest> requests_;  // Guarded by mutex_.
  std::unique_ptr<internal::HttpServer> server_;
};

// Takes connections and requests, and never answers.
class SilentServer {
 public:
  SilentServer()
      : server_(internal::HttpServer::Create({}, [this](const std::shared_ptr<internal::Exchange>&
                                                            exchange) {
                  const std::lock_guard lock(mutex_);
                  exchanges_.push_back(exchange);
                  asked_.notify_all();
                }).value()) {}
  ~SilentServer() { server_->Stop(std::chrono::milliseconds(0)); }

  std::string url() const { return fmt::format("http://127.0.0.1:{}", server_->port()); }

  void AwaitRequest() {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [this] { return !exchanges_.empty(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable asked_;
  std::vector<std::shared_ptr<internal::Exchange>> exchanges_;  // Guarded by mutex_.
  std::unique_ptr<internal::HttpServer> server_;
};

inline HttpResponse Json(std::string body) {
  return {.headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

// An address where nobody listens.
inline std::string NoUrl() {
  return ScriptedServer([](const HttpRequest&) { return HttpResponse{}; }).url();
}

}  // namespace livy::testing
