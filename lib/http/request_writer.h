// The bytes of a request.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <livy/http.h>

namespace livy::internal {

// The request's head, up to the body of that size. Its length is told by this function alone: a
// Content-Length among the headers is left out. The texts are as HTTP wants them, and there is a
// Host.
std::string WriteRequestHead(std::string_view method, std::string_view target,
                             const HttpHeaders& headers, std::size_t body_bytes);

}  // namespace livy::internal
