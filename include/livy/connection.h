// Connection: the client's way to a server.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <livy/http.h>
#include <livy/result.h>

namespace livy {

// Safe to use from several threads; requests of several threads may travel side by side.
class Connection {
 public:
  virtual ~Connection() = default;

  // Sends `request` and blocks for its answer, `timeout` at most. Any status that arrives is a
  // success of this call. Fails with kUnavailable if there is no connection or it breaks, and with
  // kDeadlineExceeded at the timeout; in both cases the server may have acted on the request,
  // unless the message starts with "Cannot connect to": then nothing was sent. Fails with
  // kInvalidArgument, and sends nothing, if method, target or a header contains what none may, or
  // if there is a Transfer-Encoding; with kResourceExhausted if the answer is larger than the
  // implementation takes.
  virtual Result<HttpResponse> Send(const HttpRequest& request,
                                    std::chrono::milliseconds timeout) = 0;
};

struct HttpConnectionOptions {
  std::string url = "http://127.0.0.1:8998";  // http or https, host, port; a path is a prefix.
  std::string ca_file = {};                   // PEM; empty: the system's authorities.
  std::string certificate_file = {};          // PEM, shown to servers that ask; and its key.
  std::string key_file = {};
  HttpHeaders headers = {};  // Sent with every request, such as Authorization.
  int connections_max = 8;   // Open at once; further requests wait for one.
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);  // With TLS's handshake.
  std::size_t response_bytes_max = 256 << 20;      // After decoding; beyond it: kResourceExhausted.
  std::size_t response_header_bytes_max = 131072;  // Beyond it: kResourceExhausted.
  int response_headers_max = 200;                  // Beyond it: kResourceExhausted.
};

// Keeps connections alive between requests. Fails with kInvalidArgument if the URL, a header or one
// of the files cannot be used. Does not connect yet.
//
// Looking up the name of the host is the system's, which no timeout here bounds: give an address
// where the name service may hang. The files are read now. A certificate must be for the URL's
// host; for an address, that is one of its IP addresses, whatever its common name.
//
// An idle connection that the server has closed is replaced, and no request fails for it; GET and
// HEAD are sent again also if it closes while they are on their way. Headers of answers are as
// sent, and an answer that breaks the rules of HTTP/1.1 is kUnavailable.
Result<std::shared_ptr<Connection>> MakeHttpConnection(const HttpConnectionOptions& options);

}  // namespace livy
