// FakeConnection: a server for client tests, as a function.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include <livy/connection.h>

namespace livy::testing {

// Answers each request by calling `serve`, one request at a time, and remembers the requests. Safe
// to use from several threads.
class FakeConnection : public Connection {
 public:
  using Serve = std::function<Result<HttpResponse>(const HttpRequest&)>;

  explicit FakeConnection(Serve serve) : serve_(std::move(serve)) {}

  Result<HttpResponse> Send(const HttpRequest& request, std::chrono::milliseconds) override {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    return serve_(request);
  }

  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  Serve serve_;                        // Guarded by mutex_.
  std::vector<HttpRequest> requests_;  // Guarded by mutex_.
};

}  // namespace livy::testing
