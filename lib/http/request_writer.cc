#include "http/request_writer.h"

#include "http/field_text.h"

namespace livy::internal {

std::string WriteRequestHead(std::string_view method, std::string_view target,
                             const HttpHeaders& headers, std::size_t body_bytes) {
  std::string head;
  head.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  for (const HttpHeader& header : headers) {
    if (EqualsIgnoringCase(header.name, "content-length")) continue;
    head.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  // Where a body is usual, servers want to be told that there is none.
  const bool expects_body = method == "POST" || method == "PUT" || method == "PATCH";
  if (body_bytes > 0 || expects_body) {
    head.append("Content-Length: ").append(std::to_string(body_bytes)).append("\r\n");
  }
  head += "\r\n";
  return head;
}

}  // namespace livy::internal
