#include "launch/driver_jar.h"

#include <cstdint>
#include <cstdlib>
#include <system_error>

#include <fmt/format.h>

#include "files/private_file.h"

namespace livy::internal {
namespace {

// FNV-1a. It only makes a name; whether the content is the same is found out by comparing it.
std::uint64_t Hash(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3;
  }
  return hash;
}

}  // namespace

Result<std::filesystem::path> InstallDriverJar(std::string_view jar,
                                               const std::filesystem::path& directory) {
  if (Result<void> made = CreatePrivateDirectory(directory); !made) return made.error();
  std::error_code ignored;
  const std::string digits = fmt::format("{:016x}", Hash(jar));
  const std::filesystem::path file = std::filesystem::absolute(directory, ignored) /
                                     fmt::format("livy-driver-{}.jar", digits.substr(0, 12));
  if (std::filesystem::file_size(file, ignored) == jar.size()) {
    const Result<std::string> present = ReadFile(file);
    if (present && *present == jar) return file;
  }
  // A driver that is just being started must see the old content or the new, whole.
  Result<PrivateFile> written = PrivateFile::Create(directory, "livy-driver-", ".tmp", jar);
  if (!written) return written.error();
  if (Result<void> kept = written->Keep(file); !kept) return kept.error();
  return file;
}

Result<std::filesystem::path> ProvideDriverJar(const std::filesystem::path& directory) {
  const char* named = std::getenv("LIVY_DRIVER_JAR");
  if (named != nullptr && *named != '\0') {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(named, ignored))
      return std::filesystem::absolute(named, ignored);
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("LIVY_DRIVER_JAR is '{}', which is not a file.", named)};
  }
  if (EmbeddedDriverJar().empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "This library was built without the driver program: set LIVY_DRIVER_JAR."};
  }
  return InstallDriverJar(EmbeddedDriverJar(), directory);
}

}  // namespace livy::internal
