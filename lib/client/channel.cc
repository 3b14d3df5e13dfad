#include "client/channel.h"

#include <charconv>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "client/answer_error.h"
#include "core/wire_client.h"

namespace livy::internal {
namespace {

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

// 0 if the server does not say, or says a date, which Apache Livy and its kin do not.
std::chrono::seconds RetryAfter(const HttpHeaders& headers) {
  const std::string_view text = FindHeader(headers, "retry-after").value_or("");
  unsigned pause = 0;
  std::from_chars(text.data(), text.data() + text.size(), pause);
  return std::chrono::seconds(pause);
}

}  // namespace

Channel::Channel(std::shared_ptr<Connection> connection, std::shared_ptr<Clock> clock,
                 std::chrono::milliseconds request_timeout)
    : connection_(std::move(connection)),
      clock_(std::move(clock)),
      request_timeout_(request_timeout) {}

Result<JsonValue> Channel::Get(std::string target) {
  const HttpRequest request = Question(std::move(target));
  const Result<HttpResponse> response = Send(request, request_timeout_);
  if (!response) return response.error();
  return ReadBody(request, *response);
}

Result<JsonValue> Channel::Post(std::string target, std::string body) {
  const HttpRequest request = Order("POST", std::move(target), std::move(body));
  const Result<HttpResponse> response = Change(request, request_timeout_);
  if (!response) return response.error();
  return ReadBody(request, *response);
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
