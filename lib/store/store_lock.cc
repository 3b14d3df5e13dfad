#include "store/store_lock.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {

Result<StoreLock> StoreLock::Take(const std::filesystem::path& file,
                                  const std::filesystem::path& store) {
  Descriptor held(open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (held.is_open() && flock(held.get(), LOCK_EX | LOCK_NB) == 0) {
    return StoreLock(std::move(held));
  }
  // That opening failed is never said in this way.
  if (errno == EWOULDBLOCK) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("The store '{}' is held by another server.", store.string())};
  }
  return Error{ErrorCode::kUnavailable,
               fmt::format("The store cannot lock '{}': {}.", file.string(), std::strerror(errno))};
}

}  // namespace livy::internal
