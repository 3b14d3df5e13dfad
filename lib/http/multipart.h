// Bodies of the type multipart/form-data, as browsers and curl -F send files: RFC 7578.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <livy/result.h>

namespace livy::internal {

struct FormPart {
  std::string name = {};
  std::optional<std::string> file_name = {};  // As sent, which may be a path.
  std::string_view content = {};              // Into the body.
};

// The parts of `body`, by the boundary that `content_type` names. Fails with kInvalidArgument if
// either is malformed or there are more than 100 parts.
Result<std::vector<FormPart>> ParseMultipart(std::string_view content_type, std::string_view body);

}  // namespace livy::internal
