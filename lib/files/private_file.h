// Files which nobody but their owner may read.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include <livy/result.h>

#include "files/descriptor.h"

namespace livy::internal {

// Creates it, and what is missing above it, with mode 0700. Fails with kUnavailable.
Result<void> CreatePrivateDirectory(const std::filesystem::path& directory);

// Removes what is in `directory` under names that are `unwanted`, with all below it. What cannot be
// removed stays.
void RemoveEntries(const std::filesystem::path& directory,
                   const std::function<bool(const std::string& name)>& unwanted);

// The whole of a file. Fails with kUnavailable.
Result<std::string> ReadFile(const std::filesystem::path& file);

// A file that did not exist before, with mode 0600, and is removed with its object.
class PrivateFile {
 public:
  // Named `prefix`, random letters, `suffix`. Fails with kUnavailable; then nothing is left.
  static Result<PrivateFile> Create(const std::filesystem::path& directory, std::string_view prefix,
                                    std::string_view suffix, std::string_view content);

  // The same, held against TakeOver() as long as the object and our process are there. Nobody finds
  // it with something in it that is not held.
  static Result<PrivateFile> CreateHeld(const std::filesystem::path& directory,
                                        std::string_view prefix, std::string_view suffix,
                                        std::string_view content);

  // A file that is there, held from now on. Fails with kUnavailable if it is held already, or is
  // not there.
  static Result<PrivateFile> TakeOver(const std::filesystem::path& file);
  PrivateFile(PrivateFile&& other) noexcept;
  PrivateFile& operator=(PrivateFile&&) = delete;
  ~PrivateFile();

  const std::filesystem::path& path() const { return path_; }

  // Removes the file now. Harmless when repeated; not at the same time.
  void Remove();

  // The file stays, for others to remove, and is not held any more.
  void Leave();

  // Gives the file another name, which it keeps for good. Replaces a file of that name.
  Result<void> Keep(const std::filesystem::path& name);

 private:
  enum class Holding { kNo, kYes };

  static Result<PrivateFile> Create(std::string name, std::size_t suffix_size,
                                    std::string_view content, Holding holding);

  explicit PrivateFile(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;  // Empty: nothing to remove.
  Descriptor held_ = {};        // With a lock.
};

}  // namespace livy::internal
