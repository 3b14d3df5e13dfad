// What the status of an answer says about its form.
#pragma once

namespace livy::internal {

// Whether answers of this status never have a body.
constexpr bool IsBodiless(int status) {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace livy::internal
