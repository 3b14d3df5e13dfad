#include "server/in_process_connection.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {
namespace {

class InProcessExchange : public Exchange {
 public:
  explicit InProcessExchange(HttpRequest request) : request_(std::move(request)) {}

  const HttpRequest& request() const override { return request_; }

  void Send(HttpResponse response) override {
    {
      const std::lock_guard lock(mutex_);
      response_ = std::move(response);
    }
    answered_.notify_all();
  }

  std::shared_ptr<ResponseStream> Stream(HttpResponse) override {
    Send({.status = 501, .body = "\"Streams need a socket.\""});
    return nullptr;
  }

  void OnGone(std::function<void()> gone) override {
    const std::lock_guard lock(mutex_);
    gone_ = std::move(gone);
  }

  // The answer, or nullopt at the timeout; whoever works on the request then hears that the client
  // is gone.
  std::optional<HttpResponse> Wait(std::chrono::milliseconds timeout) {
    std::function<void()> gone;
    {
      std::unique_lock lock(mutex_);
      if (answered_.wait_for(lock, timeout, [&] { return response_.has_value(); })) {
        return std::move(response_);
      }
      gone = std::exchange(gone_, nullptr);
    }
    if (gone) gone();
    return std::nullopt;
  }

 private:
  const HttpRequest request_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<HttpResponse> response_;  // Guarded by mutex_.
  std::function<void()> gone_;            // Guarded by mutex_.
};

class InProcessConnection : public Connection {
 public:
  explicit InProcessConnection(HttpHandler handler) : handler_(std::move(handler)) {}

  Result<HttpResponse> Send(const HttpRequest& request,
                            std::chrono::milliseconds timeout) override {
    const auto exchange = std::make_shared<InProcessExchange>(request);
    handler_(exchange);
    std::optional<HttpResponse> response = exchange->Wait(timeout);
    if (response) return *std::move(response);
    return Error{ErrorCode::kDeadlineExceeded,
                 fmt::format("No answer to {} {} after {} ms.", request.method, request.target,
                             timeout.count())};
  }

 private:
  const HttpHandler handler_;
};

}  // namespace

std::shared_ptr<Connection> MakeInProcessConnection(HttpHandler handler) {
  return std::make_shared<InProcessConnection>(std::move(handler));
}

}  // namespace livy::internal
