// StoreLock: by which one server at a time has what lies in files.
#pragma once

#include <filesystem>
#include <utility>

#include <livy/result.h>

#include "files/descriptor.h"

namespace livy::internal {

// Held as long as the object is there, and no longer than the process.
class StoreLock {
 public:
  // Creates `file`, in a folder that is there, if it is missing. Fails with kUnavailable if it
  // cannot be used, or if another server, in this process or another, holds `store`.
  static Result<StoreLock> Take(const std::filesystem::path& file,
                                const std::filesystem::path& store);

 private:
  explicit StoreLock(Descriptor held) : held_(std::move(held)) {}

  Descriptor held_;
};

}  // namespace livy::internal
