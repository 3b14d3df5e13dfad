// Answers in the forms that Apache Livy's clients know.
#pragma once

#include <string>
#include <string_view>

#include <livy/error.h>
#include <livy/http.h>
#include <livy/result.h>

namespace livy::internal {

// A body that is JSON already.
HttpResponse JsonReply(int status, std::string json);

// {"msg":"..."}: errors that were foreseen.
HttpResponse MessageReply(int status, std::string_view message);

// "...": wrong JSON (400), what is not there (404), and what Livy calls internal (500).
HttpResponse TextReply(int status, std::string_view text);

// {}: a session that the caller may not touch (403).
HttpResponse ForbiddenReply();

// No body: unknown paths and methods.
HttpResponse EmptyReply(int status);

// The beginning of a stream of events.
HttpResponse EventStreamHead();

// As many applications run as may. Livy has no 429.
HttpResponse TooManyReply();

// What came of a deletion: whether it was this one that removed the session or batch.
HttpResponse DeletionReply(const Result<bool>& removed, int id);

// The one place where a code becomes a status.
int HttpStatus(ErrorCode code);

HttpResponse ErrorReply(const Error& error);

// As ErrorReply(), with Livy's words around the reason if a session or batch is refused for what
// was asked.
HttpResponse RejectionReply(const Error& error);

}  // namespace livy::internal
