// What a server's refusal means.
#pragma once

#include <livy/error.h>
#include <livy/http.h>

namespace livy::internal {

// The error in an answer whose status is not a success. The message is the server's own words, in
// whichever of its shapes they came: {"msg": ...}, a bare JSON string, an error page in JSON or in
// HTML; without words, what was asked and the status. Stack traces are cut off.
//
// Statuses alone do not tell enough: Apache Livy answers 400 when it has too many sessions and 500
// when a session is not ready, so some texts, which it has not changed in years, are looked for.
Error AnswerError(const HttpRequest& request, const HttpResponse& response);

// Whether the same question may well be answered a moment later: the server is overloaded or
// restarting.
bool IsPassing(int status);

}  // namespace livy::internal
