// Files from which spark-submit reads settings, secrets among them.
#pragma once

#include <filesystem>
#include <memory>
#include <sys/types.h>

#include <livy/result.h>

#include "files/private_file.h"
#include "launch/properties.h"

namespace livy::internal {

// A new file in `directory`, which goes with the object. Fails with kUnavailable.
Result<std::shared_ptr<PrivateFile>> WriteSettings(const std::filesystem::path& directory,
                                                   const Properties& settings);

// That of a process that an earlier server has started; null if it has none in `directory`, or
// another server has it.
std::shared_ptr<PrivateFile> SettingsOf(pid_t process, const std::filesystem::path& directory);

// Removes those that a killed server has left. What another server has, which may use the same
// directory, stays, and what a process was started with.
void RemoveLeftSettings(const std::filesystem::path& directory);

}  // namespace livy::internal
