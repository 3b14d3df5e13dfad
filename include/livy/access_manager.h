// AccessManager: who may do what. Rules in docs/embedding.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <livy/result.h>

namespace livy {

// A user's name; nullopt for a caller that nobody has identified.
using User = std::optional<std::string>;

// To whom a session belongs.
struct Ownership {
  User owner = {};       // Who created it.
  User proxy_user = {};  // As whom it runs.
};

// Asked for every request, from several threads at once; must answer without blocking for long.
class AccessManager {
 public:
  virtual ~AccessManager() = default;

  // Whether `user` may use the server at all.
  virtual bool MayUse(const User& user) const = 0;

  // Whether `user` may see the log and the statements of a session.
  virtual bool MayView(const User& user, const Ownership& session) const = 0;

  // Whether `user` may run statements in a session, cancel them, or end it.
  virtual bool MayModify(const User& user, const Ownership& session) const = 0;

  // As whom a new session of `user` runs if `wanted` was asked for. Fails with kPermissionDenied if
  // `user` may not act for `wanted`.
  virtual Result<User> ProxyUser(const User& user, const User& wanted) const = 0;
};

// Everybody may do everything, and nobody is impersonated: Apache Livy without access control.
std::unique_ptr<AccessManager> MakeOpenAccessManager();

}  // namespace livy
