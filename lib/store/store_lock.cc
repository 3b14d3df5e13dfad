#include "store/store_lock.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {

Error FileError(std::string_view what, const std::filesystem::path& path) {
  return {ErrorCode::kUnavailable,
          fmt::format("The store cannot {} '{}': {}.", what, path.string(), std::strerror(errno))};
}

Error GoneError(const std::filesystem::path& store) {
  return {ErrorCode::kUnavailable,
          fmt::format("The store '{}' was removed or moved away while a server had it: nothing can "
                      "be kept there until it is back, or the server is started again.",
                      store.string())};
}

Result<StoreLock> StoreLock::Take(const std::filesystem::path& file,
                                  const std::filesystem::path& store) {
  Descriptor held(open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (held.is_open() && flock(held.get(), LOCK_EX | LOCK_NB) == 0) {
    return StoreLock(std::move(held), file, store);
  }
  // That opening failed is never said in this way.
  if (errno == EWOULDBLOCK) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("The store '{}' is held by another server.", store.string())};
  }
  return FileError("lock", file);
}

Result<void> StoreLock::CheckPlace() const {
  struct stat ours = {};
  struct stat there = {};
  if (fstat(held_.get(), &ours) != 0 || stat(file_.c_str(), &there) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return GoneError(store_);
    return FileError("read", file_);
  }
  if (ours.st_ino != there.st_ino || ours.st_dev != there.st_dev) return GoneError(store_);
  return {};
}

}  // namespace livy::internal
