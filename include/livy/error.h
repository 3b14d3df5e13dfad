// Error: why a call failed, as a code to act on and a sentence to read.
#pragma once

#include <string>
#include <string_view>

namespace livy {

// What the caller can do about a failure. Each code has one HTTP status (docs/rest.md).
enum class ErrorCode {
  kInvalidArgument,    // The request is wrong; repeating it will not help.
  kUnauthenticated,    // Say who you are.
  kPermissionDenied,   // You may not do this.
  kNotFound,           // There is no such session, statement or file.
  kResourceExhausted,  // A limit is reached; try again later.
  kUnavailable,        // The other side cannot answer now, or has ended.
  kDeadlineExceeded,   // Not finished in the time given; it may still finish.
  kOutcomeUnknown,     // It was done, or not: look before you repeat it.
  kInternal,           // A defect, or a failure that nobody expected.
};

// The code's name, such as "not found", for messages.
std::string_view ToString(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message = {};  // One sentence for a person. Never parse it.

  bool operator==(const Error&) const = default;
};

}  // namespace livy
