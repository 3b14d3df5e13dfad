#include "launch/driver_jar.h"

namespace livy::internal {

std::string_view EmbeddedDriverJar() {
  return {};
}

}  // namespace livy::internal
