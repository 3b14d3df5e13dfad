// Uploads: the files that clients have sent for one session.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <livy/result.h>

namespace livy::internal {

// A folder, made with the first file, readable by this user only, and removed with this object.
// Safe to use from several threads.
class Uploads {
 public:
  // `bytes_max` bounds all files together.
  Uploads(std::filesystem::path folder, std::size_t bytes_max)
      : folder_(std::move(folder)), bytes_max_(bytes_max) {}
  ~Uploads();

  Uploads(const Uploads&) = delete;
  Uploads& operator=(const Uploads&) = delete;

  // Replaces what has that name. Fails with kInvalidArgument if `name` cannot be a file's; with
  // kResourceExhausted if the files became too large; with kUnavailable if the disk fails.
  Result<void> Keep(const std::string& name, std::string_view content);

  // Fails with kNotFound if there is none.
  Result<std::string> Read(std::string_view name) const;

 private:
  // Counts the file before it is written. Gives what its name had before, for Restore().
  Result<std::optional<std::size_t>> Reserve(const std::string& name, std::size_t bytes);
  void Restore(const std::string& name, std::optional<std::size_t> bytes);
  Result<void> Write(const std::string& name, std::string_view content) const;

  const std::filesystem::path folder_;
  const std::size_t bytes_max_;

  mutable std::mutex mutex_;
  std::map<std::string, std::size_t, std::less<>> sizes_;  // Guarded by mutex_. By name.
};

}  // namespace livy::internal
