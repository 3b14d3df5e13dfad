// Authenticator: who sent a request.
#pragma once

#include <livy/access_manager.h>
#include <livy/http.h>
#include <livy/result.h>

namespace livy {

// Called for every request before anything else is done with it, from several threads at once.
class Authenticator {
 public:
  virtual ~Authenticator() = default;

  // The user who sent `request`; nullopt lets the request pass without a name. Fails with
  // kUnauthenticated (status 401) or kPermissionDenied (403).
  virtual Result<User> Authenticate(const HttpRequest& request) const = 0;
};

}  // namespace livy
