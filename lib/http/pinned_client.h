// PinnedClient: a TLS client that trusts one certificate, as a driver does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <livy/http.h>
#include <livy/result.h>

namespace livy::internal {

// One keep-alive connection, for drivers that tests and measurements play. One thread at a time,
// but for Shutdown(). Nothing here gives up by time: whoever needs that calls Shutdown().
class PinnedClient {
 public:
  virtual ~PinnedClient() = default;

  // `fingerprint` is the SHA-256 of the server's certificate in lower-case hexadecimal. Fails with
  // kUnavailable if there is no connection; with kPermissionDenied if the certificate is another.
  static Result<std::unique_ptr<PinnedClient>> Connect(const std::string& host, int port,
                                                       const std::string& fingerprint);

  // Blocks for the answer, of any status. Fails with kUnavailable if the connection breaks.
  virtual Result<HttpResponse> Send(const HttpRequest& request) = 0;

  // Calls `line` for each line of the answer's body, without its end, as it arrives. Returns when
  // `line` returns false, after which the connection cannot be used, or at the body's end. Fails
  // with kUnavailable if the connection breaks or the status is not 200, which the message names.
  virtual Result<void> ReadLines(const HttpRequest& request,
                                 const std::function<bool(std::string_view line)>& line) = 0;

  // From any thread: a call that blocks fails, and so do later ones.
  virtual void Shutdown() = 0;
};

}  // namespace livy::internal
