// Reading of one request by cpp-httplib, which is named in body_reader.cc and http_connection.cc
// only.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/request_head.h"

namespace livy::internal {

// Lets cpp-httplib process requests that have arrived whole. Safe to use from several threads.
//
// It is shown the framing of a request and its body, in memory, and none of the headers: those it
// would act upon in ways that differ from version to version (it decodes percent escapes in their
// values, buffers forms, splits multipart bodies, refuses methods). Nothing it answers is sent.
class BodyReader {
 public:
  explicit BodyReader(std::size_t body_bytes_max);
  ~BodyReader();
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;

  // `encoded` is the body as received: `head.content_length` bytes, or chunks up to and without
  // the last, empty one. nullopt if cpp-httplib does not accept it.
  std::optional<std::string> Read(const RequestHead& head, std::string_view encoded) const;

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace livy::internal
