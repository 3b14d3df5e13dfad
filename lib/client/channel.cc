#include "client/channel.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <exception>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "client/answer_error.h"
#include "core/wire_client.h"

namespace livy::internal {
namespace {

using std::chrono::milliseconds;

constexpr Clock::Duration kFirstPause = milliseconds(100);
constexpr Clock::Duration kLongestPause = std::chrono::seconds(5);

// 128 bits that nobody else will draw; nothing secret depends on them.
std::string NewKey() {
  std::random_device random;
  std::uniform_int_distribution<std::uint64_t> bits;
  return fmt::format("{:016x}{:016x}", bits(random), bits(random));
}

bool IsSuccess(int status) {
  return status >= 200 && status < 300;
}

HttpRequest Question(std::string target) {
  // Error pages come as JSON too if it is asked for.
  return HttpRequest{
      .target = std::move(target), .headers = {{"Accept", "application/json"}}, .body = {}};
}

HttpRequest Order(std::string method, std::string target, std::string body,
                  std::string_view type = "application/json") {
  HttpRequest request = Question(std::move(target));
  request.method = std::move(method);
  // Servers with CSRF protection insist on some value.
  request.headers.push_back({"X-Requested-By", "liblivy"});
  // A body of any other type may be taken for a form and be lost.
  if (!body.empty()) request.headers.push_back({"Content-Type", std::string(type)});
  request.body = std::move(body);
  return request;
}

Result<JsonValue> ReadBody(const HttpRequest& request, const HttpResponse& response) {
  if (!IsSuccess(response.status)) return AnswerError(request, response);
  Result<JsonValue> json = ParseJson(response.body, {.depth_max = kResultDepthMax});
  if (json) return json;
  return Error{ErrorCode::kInternal,
               fmt::format("The server's answer to {} {} cannot be read. {}", request.method,
                           request.target, json.error().message)};
}

// By the contract of Connection::Send().
bool IsUnsent(const Error& error) {
  return error.code == ErrorCode::kInvalidArgument ||
         error.message.starts_with("Cannot connect to");
}

// No answer, or one of somebody between us and the server who has none either.
bool LeavesOutcomeOpen(const Result<HttpResponse>& response) {
  if (response) return response->status == 502 || response->status == 504;
  return response.error().code == ErrorCode::kUnavailable ||
         response.error().code == ErrorCode::kDeadlineExceeded;
}

Error UnknownOutcome(const HttpRequest& request, const Result<HttpResponse>& response) {
  const Error cause = response ? AnswerError(request, *response) : response.error();
  return {ErrorCode::kOutcomeUnknown, fmt::format("It is not known whether {} {} took effect. {}",
                                                  request.method, request.target, cause.message)};
}

// 0 if the server does not say, or says a date, which Apache Livy and its kin do not.
std::chrono::seconds RetryAfter(const HttpHeaders& headers) {
  const std::string_view text = FindHeader(headers, "retry-after").value_or("");
  unsigned pause = 0;
  std::from_chars(text.data(), text.data() + text.size(), pause);
  return std::chrono::seconds(pause);
}

}  // namespace

Channel::Channel(std::shared_ptr<Connection> connection, std::shared_ptr<Clock> clock,
                 std::chrono::milliseconds request_timeout, std::chrono::milliseconds retry_timeout)
    : connection_(std::move(connection)),
      clock_(std::move(clock)),
      request_timeout_(request_timeout),
      retry_timeout_(retry_timeout) {}

Result<JsonValue> Channel::Get(std::string target) {
  const HttpRequest request = Question(std::move(target));
  const Result<HttpResponse> response = Send(request, request_timeout_);
  if (!response) return response.error();
  return ReadBody(request, *response);
}

Result<JsonValue> Channel::Create(std::string target, std::string body) {
  HttpRequest request = Order("POST", std::move(target), std::move(body));
  request.headers.push_back({"Idempotency-Key", NewKey()});
  const Result<HttpResponse> response = SendOnce(request);
  if (!response) return response.error();
  return ReadBody(request, *response);
}

Result<HttpResponse> Channel::SendOnce(const HttpRequest& request) {
  const Clock::TimePoint deadline = clock_->Now() + retry_timeout_;
  Result<HttpResponse> response = Send(request, request_timeout_);
  if (!response && IsUnsent(response.error())) return response;
  Clock::Duration pause = kFirstPause;
  while (LeavesOutcomeOpen(response)) {
    if (clock_->Now() + pause >= deadline) return UnknownOutcome(request, response);
    const Keys keys = AskForKeys();
    if (keys == Keys::kUnknown) return UnknownOutcome(request, response);
    clock_->Sleep(pause);
    pause = std::min(2 * pause, kLongestPause);
    if (keys != Keys::kKnown) continue;
    // It may be away for a moment: what says so does not tell what became of the first request.
    Result<HttpResponse> again = Send(request, request_timeout_);
    if (again && !IsPassing(again->status)) return again;
  }
  return response;
}

Channel::Keys Channel::AskForKeys() {
  const Keys known = keys_.load(std::memory_order_relaxed);
  if (known != Keys::kNotAsked) return known;
  const Asked asked = Ask("/version", request_timeout_);
  if (asked.passing) return Keys::kNotAsked;
  const JsonValue* knows = asked.answer ? asked.answer->Find("idempotencyKeys") : nullptr;
  const Keys keys = knows != nullptr && knows->AsBool() == true ? Keys::kKnown : Keys::kUnknown;
  keys_.store(keys, std::memory_order_relaxed);
  return keys;
}

Result<void> Channel::Command(std::string method, std::string target) {
  return Carry(Order(std::move(method), std::move(target), ""), request_timeout_);
}

Result<void> Channel::Deliver(std::string target, std::string body, std::string_view type,
                              std::chrono::milliseconds timeout) {
  return Carry(Order("POST", std::move(target), std::move(body), type), timeout);
}

Result<void> Channel::Carry(const HttpRequest& request, std::chrono::milliseconds timeout) {
  const Result<HttpResponse> response = Change(request, timeout);
  if (!response) return response.error();
  if (!IsSuccess(response->status)) return AnswerError(request, *response);
  return {};
}

Channel::Asked Channel::Ask(std::string target, std::chrono::milliseconds timeout) {
  const HttpRequest request = Question(std::move(target));
  const Result<HttpResponse> response = Send(request, timeout);
  if (!response) {
    const ErrorCode code = response.error().code;
    return {.answer = response.error(),
            .passing = code == ErrorCode::kUnavailable || code == ErrorCode::kDeadlineExceeded};
  }
  return {.answer = ReadBody(request, *response),
          .waited = FindHeader(response->headers, "livy-wait").has_value(),
          .passing = IsPassing(response->status),
          .retry_after = RetryAfter(response->headers)};
}

Result<HttpResponse> Channel::Send(const HttpRequest& request, std::chrono::milliseconds timeout) {
  // A connection may be the embedding program's.
  try {
    return connection_->Send(request, timeout);
  } catch (const std::exception& failure) {
    return Error{ErrorCode::kInternal, fmt::format("The connection threw: {}", failure.what())};
  }
}

Result<HttpResponse> Channel::Change(const HttpRequest& request,
                                     std::chrono::milliseconds timeout) {
  Result<HttpResponse> response = Send(request, timeout);
  if (response) return response;
  Error error = response.error();
  if (!IsUnsent(error)) {
    error.message = fmt::format("It is not known whether {} {} took effect. {}", request.method,
                                request.target, error.message);
  }
  return error;
}

}  // namespace livy::internal
