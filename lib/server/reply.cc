#include "server/reply.h"

#include <utility>

#include <fmt/format.h>

#include "core/json.h"

namespace livy::internal {

HttpResponse JsonReply(int status, std::string json) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json;charset=utf-8"}},
          .body = std::move(json)};
}

HttpResponse MessageReply(int status, std::string_view message) {
  return JsonReply(status, "{\"msg\":" + JsonString(message) + "}");
}

HttpResponse TextReply(int status, std::string_view text) {
  return JsonReply(status, JsonString(text));
}

HttpResponse ForbiddenReply() {
  return JsonReply(403, "{}");
}

HttpResponse EmptyReply(int status) {
  return JsonReply(status, "");
}

HttpResponse EventStreamHead() {
  return {.headers = {{"Content-Type", "text/event-stream"},
                      {"Cache-Control", "no-store"},
                      {"X-Accel-Buffering", "no"}}};  // For nginx in between.
}

int HttpStatus(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kResourceExhausted:
      return 429;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kDeadlineExceeded:
      return 504;
    case ErrorCode::kOutcomeUnknown:
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

HttpResponse ErrorReply(const Error& error) {
  HttpResponse reply = MessageReply(HttpStatus(error.code), error.message);
  if (error.code == ErrorCode::kResourceExhausted || error.code == ErrorCode::kUnavailable) {
    reply.headers.push_back({"Retry-After", "1"});
  }
  return reply;
}

HttpResponse RejectionReply(const Error& error) {
  if (error.code != ErrorCode::kInvalidArgument) return ErrorReply(error);
  return MessageReply(400, "Rejected, Reason: " + error.message);
}

HttpResponse TooManyReply() {
  return MessageReply(400, "Rejected, too many sessions are being created!");
}

HttpResponse DeletionReply(const Result<bool>& removed, int id) {
  if (!removed) return ErrorReply(removed.error());
  return *removed ? MessageReply(200, "deleted")
                  : MessageReply(404, fmt::format("Session {} already stopped.", id));
}

}  // namespace livy::internal
