// HTTP messages as plain values, free of any HTTP library.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace livy {

struct HttpHeader {
  std::string name = {};  // In any case; looked up without regard to it.
  std::string value = {};

  bool operator==(const HttpHeader&) const = default;
};

using HttpHeaders = std::vector<HttpHeader>;

// The value of the first header of that name.
std::optional<std::string_view> FindHeader(const HttpHeaders& headers, std::string_view name);

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // As sent: path and query, percent-encoded.
  HttpHeaders headers = {};
  std::string body = {};
  std::string peer = {};  // The client's address such as "127.0.0.1"; set by servers only.
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers = {};
  std::string body = {};
};

}  // namespace livy
