// The driver program's jar, which is part of the library.
#pragma once

#include <filesystem>
#include <string_view>

#include <livy/result.h>

namespace livy::internal {

// The jar's bytes; empty if the library was built without the driver program.
std::string_view EmbeddedDriverJar();

// Makes sure that the jar is a file in `directory`, named after its content, and returns its path:
// one that is there already and has the same content is used again. The file stays. Fails with
// kUnavailable.
Result<std::filesystem::path> InstallDriverJar(std::string_view jar,
                                               const std::filesystem::path& directory);

// The file named by the environment variable LIVY_DRIVER_JAR, for tests of another driver program;
// else the embedded jar, installed. Fails with kInvalidArgument if there is neither.
Result<std::filesystem::path> ProvideDriverJar(const std::filesystem::path& directory);

}  // namespace livy::internal
