// Channel: requests to one server, and what its answers mean. Shared by all handles of a client.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <livy/clock.h>
#include <livy/connection.h>
#include <livy/http.h>
#include <livy/result.h>

#include "core/json.h"

namespace livy::internal {

// Safe to use from several threads: what it holds is, and nothing else changes but one flag.
//
// Nothing is ever sent twice but by Create(): whether a request may be repeated is known to those
// who ask.
class Channel {
 public:
  // None of the two may be null.
  Channel(std::shared_ptr<Connection> connection, std::shared_ptr<Clock> clock,
          std::chrono::milliseconds request_timeout, std::chrono::milliseconds retry_timeout);

  Clock& clock() { return *clock_; }
  std::chrono::milliseconds request_timeout() const { return request_timeout_; }

  // Whether long polls are worth asking for: true until a server was seen to ignore one.
  bool offers_wait() const { return offers_wait_.load(std::memory_order_relaxed); }
  void SetOffersWait(bool offers) { offers_wait_.store(offers, std::memory_order_relaxed); }

  // The answer's body. Fails as AnswerError() says, or with what the connection said.
  Result<JsonValue> Get(std::string target);

  // Posts what creates one object. If no answer comes and the server knows Idempotency-Keys, the
  // same is sent again until one does; else fails with kOutcomeUnknown.
  Result<JsonValue> Create(std::string target, std::string body);

  // For requests whose answer has nothing to tell. Without a body. If no answer came, the message
  // says that the outcome is unknown.
  Result<void> Command(std::string method, std::string target);

  // As Command(), with a body of the given type, for what may take longer than other requests.
  Result<void> Deliver(std::string target, std::string body, std::string_view type,
                       std::chrono::milliseconds timeout);

  // One question of many that are asked while waiting.
  struct Asked {
    Result<JsonValue> answer;
    bool waited = false;   // The server says that it waits when it is asked to.
    bool passing = false;  // It failed in a way that says nothing about what was asked.
    std::chrono::seconds retry_after{0};  // What the server asks us to pause.
  };
  Asked Ask(std::string target, std::chrono::milliseconds timeout);

 private:
  enum class Keys { kNotAsked, kKnown, kUnknown };

  // Whether the server knows what to do with a repeated key; kNotAsked while it does not answer.
  Keys AskForKeys();
  Result<HttpResponse> SendOnce(const HttpRequest& request);
  Result<HttpResponse> Send(const HttpRequest& request, std::chrono::milliseconds timeout);
  Result<void> Carry(const HttpRequest& request, std::chrono::milliseconds timeout);
  Result<HttpResponse> Change(const HttpRequest& request, std::chrono::milliseconds timeout);

  const std::shared_ptr<Connection> connection_;
  const std::shared_ptr<Clock> clock_;
  const std::chrono::milliseconds request_timeout_;
  const std::chrono::milliseconds retry_timeout_;
  std::atomic<bool> offers_wait_{true};
  std::atomic<Keys> keys_{Keys::kNotAsked};
};

}  // namespace livy::internal
