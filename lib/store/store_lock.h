// StoreLock: by which one server at a time has what lies in files.
#pragma once

#include <filesystem>
#include <string_view>
#include <utility>

#include <livy/result.h>

#include "files/descriptor.h"

namespace livy::internal {

// What could not be done with a file, by errno.
Error FileError(std::string_view what, const std::filesystem::path& path);

// What a server is told whose `store` is not in its place any more.
Error GoneError(const std::filesystem::path& store);

// Held as long as the object is there, and no longer than the process. Safe to use from several
// threads.
class StoreLock {
 public:
  // Creates `file`, in a folder that is there, if it is missing. Fails with kUnavailable if it
  // cannot be used, or if another server, in this process or another, holds `store`.
  static Result<StoreLock> Take(const std::filesystem::path& file,
                                const std::filesystem::path& store);

  // Fails with GoneError() if the file is not in its place: what lies there now, another may hold.
  Result<void> CheckPlace() const;

 private:
  StoreLock(Descriptor held, std::filesystem::path file, std::filesystem::path store)
      : held_(std::move(held)), file_(std::move(file)), store_(std::move(store)) {}

  Descriptor held_;
  std::filesystem::path file_;
  std::filesystem::path store_;
};

}  // namespace livy::internal
