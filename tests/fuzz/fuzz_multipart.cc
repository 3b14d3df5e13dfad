// Forms with files: parts lie inside the body, one behind the other.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/multipart.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

// The first line is the Content-Type, the rest the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  if (line == input.npos) return 0;
  const std::string_view body = input.substr(line + 1);
  const auto parts = livy::internal::ParseMultipart(input.substr(0, line), body);
  if (!parts) return 0;
  const char* last = body.data();
  for (const livy::internal::FormPart& part : *parts) {
    Require(part.content.data() >= last);
    last = part.content.data() + part.content.size();
    Require(last <= body.data() + body.size());
  }
  return 0;
}
