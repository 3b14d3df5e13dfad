#include "server/uploads.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "files/private_file.h"

namespace livy::internal {
namespace {

constexpr std::size_t kNameBytesMax = 200;  // Leaves room for what a copy may add to it.

bool IsFileName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && name != "." && name != ".." &&
         std::ranges::none_of(name, [](char c) {
           return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

}  // namespace

Uploads::~Uploads() {
  std::error_code ignored;
  if (!sizes_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Result<void> Uploads::Keep(const std::string& name, std::string_view content) {
  if (!IsFileName(name)) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' is not a file name.", name)};
  }
  const Result<std::optional<std::size_t>> before = Reserve(name, content.size());
  if (!before) return before.error();
  Result<void> written = Write(name, content);
  if (!written) Restore(name, *before);
  return written;
}

Result<void> Uploads::Write(const std::string& name, std::string_view content) const {
  if (const Result<void> made = CreatePrivateDirectory(folder_); !made) return made;
  // Under another name at first, so that no driver reads half a file.
  Result<PrivateFile> file = PrivateFile::Create(folder_, ".", ".upload", content);
  if (!file) return file.error();
  return file->Keep(folder_ / name);
}

void Uploads::Restore(const std::string& name, std::optional<std::size_t> bytes) {
  const std::lock_guard lock(mutex_);
  bytes ? void(sizes_[name] = *bytes) : void(sizes_.erase(name));
}

Result<std::optional<std::size_t>> Uploads::Reserve(const std::string& name, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  std::size_t others = 0;
  for (const auto& [other, size] : sizes_) {
    if (other != name) others += size;
  }
  if (bytes > bytes_max_ || others > bytes_max_ - bytes) {
    return Error{ErrorCode::kResourceExhausted,
                 fmt::format("The session's uploaded files would exceed {} bytes.", bytes_max_)};
  }
  const auto found = sizes_.find(name);
  const auto before = found == sizes_.end() ? std::nullopt : std::optional(found->second);
  sizes_[name] = bytes;
  return before;
}

Result<std::string> Uploads::Read(std::string_view name) const {
  {
    const std::lock_guard lock(mutex_);
    if (!sizes_.contains(name)) {
      return Error{ErrorCode::kNotFound, fmt::format("There is no uploaded file '{}'.", name)};
    }
  }
  return ReadFile(folder_ / name);
}

}  // namespace livy::internal
