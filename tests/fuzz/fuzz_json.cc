// JSON texts, and strings written as JSON: what is written can be read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using livy::internal::JsonString;
  using livy::internal::JsonValue;
  using livy::internal::ParseJson;

  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const livy::Result<JsonValue> value = ParseJson(input, {.depth_max = 16});
  if (!value && value.error().message.empty()) std::abort();
  const livy::Result<JsonValue> raw = ParseJson(input, {.depth_max = 16, .raw_member = "output"});
  if (value.has_value() != raw.has_value()) std::abort();

  const livy::Result<JsonValue> text = ParseJson(JsonString(input));
  if (!text || text->AsString() == nullptr) std::abort();
  // Valid UTF-8 comes back as it was; the rest is replaced, once and for all.
  if (JsonString(*text->AsString()) != JsonString(input)) std::abort();
  return 0;
}
