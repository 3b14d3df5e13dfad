#include "launch/settings_file.h"

#include <chrono>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <utility>
#include <vector>

#include <livy/clock.h>

#include "launch/process.h"

namespace livy::internal {
namespace {

constexpr std::string_view kPrefix = "livy-conf-";
constexpr std::string_view kSuffix = ".properties";

// One without content is just being written, or was when its server died.
constexpr std::chrono::hours kEmptyAge{1};

bool IsSettings(std::string_view name) {
  return name.starts_with(kPrefix) && name.ends_with(kSuffix);
}

bool MayBeBeingWritten(const std::filesystem::path& file, Clock::WallTime now) {
  struct stat status = {};
  if (lstat(file.c_str(), &status) != 0) return true;  // It has gone.
  const Clock::WallTime written{std::chrono::seconds(status.st_mtim.tv_sec)};
  return status.st_size == 0 && now - written < kEmptyAge;
}

std::vector<std::filesystem::path> AllIn(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (IsSettings(entry->path().filename().string())) files.push_back(entry->path());
  }
  return files;
}

}  // namespace

Result<std::shared_ptr<PrivateFile>> WriteSettings(const std::filesystem::path& directory,
                                                   const Properties& settings) {
  Result<PrivateFile> file =
      PrivateFile::CreateHeld(directory, kPrefix, kSuffix, FormatProperties(settings));
  if (!file) return file.error();
  return std::make_shared<PrivateFile>(*std::move(file));
}

std::shared_ptr<PrivateFile> SettingsOf(pid_t process, const std::filesystem::path& directory) {
  const std::string command = CommandLineOf(process);
  for (const std::filesystem::path& file : AllIn(directory)) {
    if (command.find(file.filename().string()) == command.npos) continue;
    Result<PrivateFile> taken = PrivateFile::TakeOver(file);
    if (taken) return std::make_shared<PrivateFile>(*std::move(taken));
  }
  return nullptr;
}

void RemoveLeftSettings(const std::filesystem::path& directory) {
  const std::vector<std::filesystem::path> files = AllIn(directory);
  if (files.empty()) return;
  std::string commands;
  for (const pid_t process : AllProcesses())
    commands += CommandLineOf(process);
  const Clock::WallTime now = MakeSystemClock()->Wall();
  for (const std::filesystem::path& file : files) {
    const bool is_used = commands.find(file.filename().string()) != commands.npos;
    if (is_used || MayBeBeingWritten(file, now)) continue;
    // Goes at once with what takes it over, unless that fails because a server has it.
    const Result<PrivateFile> left = PrivateFile::TakeOver(file);
  }
}

}  // namespace livy::internal
