#include "files/private_file.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {
namespace {

Error FileError(std::string_view what, const std::filesystem::path& path) {
  return Error{ErrorCode::kUnavailable,
               fmt::format("Cannot {} '{}': {}.", what, path.string(), std::strerror(errno))};
}

bool WriteAll(const Descriptor& file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = write(file.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// For mkostemps(). Absolute, because the program that is to read the file may run elsewhere.
std::string NamePattern(const std::filesystem::path& directory, std::string_view prefix,
                        std::string_view suffix) {
  std::error_code ignored;
  return fmt::format("{}/{}XXXXXX{}", std::filesystem::absolute(directory, ignored).string(),
                     prefix, suffix);
}

}  // namespace

Result<void> CreatePrivateDirectory(const std::filesystem::path& directory) {
  std::error_code ignored;
  if (directory.empty() || std::filesystem::is_directory(directory, ignored)) return {};
  if (Result<void> above = CreatePrivateDirectory(directory.parent_path()); !above) return above;
  if (mkdir(directory.c_str(), 0700) == 0) return {};
  if (errno == EEXIST && std::filesystem::is_directory(directory, ignored)) return {};
  return FileError("create the directory", directory);
}

void RemoveEntries(const std::filesystem::path& directory,
                   const std::function<bool(const std::string& name)>& unwanted) {
  std::error_code failure;
  std::filesystem::directory_iterator entry(directory, failure);
  for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
    std::error_code ignored;
    if (unwanted(entry->path().filename().string()))
      std::filesystem::remove_all(entry->path(), ignored);
  }
}

Result<std::string> ReadFile(const std::filesystem::path& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return FileError("read", path);
  std::string content;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t count = read(file.get(), buffer.data(), buffer.size());
    if (count == 0) return content;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FileError("read", path);
    content.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

Result<PrivateFile> PrivateFile::Create(const std::filesystem::path& directory,
                                        std::string_view prefix, std::string_view suffix,
                                        std::string_view content) {
  return Create(NamePattern(directory, prefix, suffix), suffix.size(), content, Holding::kNo);
}

Result<PrivateFile> PrivateFile::CreateHeld(const std::filesystem::path& directory,
                                            std::string_view prefix, std::string_view suffix,
                                            std::string_view content) {
  return Create(NamePattern(directory, prefix, suffix), suffix.size(), content, Holding::kYes);
}

Result<PrivateFile> PrivateFile::Create(std::string name, std::size_t suffix_size,
                                        std::string_view content, Holding holding) {
  // Creates with O_EXCL and mode 0600, whatever the umask.
  Descriptor file(mkostemps(name.data(), static_cast<int>(suffix_size), O_CLOEXEC));
  if (!file.is_open()) return FileError("create", name);
  PrivateFile created{std::filesystem::path(name)};
  // Before there is anything in it. Where locks are not to be had, nobody can take it over either.
  if (holding == Holding::kYes) flock(file.get(), LOCK_EX);
  if (!WriteAll(file, content)) return FileError("write", created.path());
  if (holding == Holding::kYes) created.held_ = std::move(file);
  return created;
}

Result<PrivateFile> PrivateFile::TakeOver(const std::filesystem::path& path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.is_open() || flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return FileError("take over", path);
  PrivateFile taken{path};
  taken.held_ = std::move(file);
  return taken;
}

PrivateFile::PrivateFile(PrivateFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), held_(std::move(other.held_)) {}

PrivateFile::~PrivateFile() {
  Remove();
}

void PrivateFile::Remove() {
  if (!path_.empty()) unlink(path_.c_str());
  path_.clear();
  held_.Close();
}

void PrivateFile::Leave() {
  path_.clear();
  held_.Close();
}

Result<void> PrivateFile::Keep(const std::filesystem::path& name) {
  if (rename(path_.c_str(), name.c_str()) != 0) return FileError("create", name);
  path_.clear();
  return {};
}

}  // namespace livy::internal
