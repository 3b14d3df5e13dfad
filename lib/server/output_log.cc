#include "server/output_log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "core/number.h"
#include "files/descriptor.h"
#include "files/private_file.h"

namespace livy::internal {
namespace {

Error FileError(std::string_view what, const std::filesystem::path& file) {
  return Error{ErrorCode::kUnavailable, fmt::format("The output cannot be {} '{}': {}.", what,
                                                    file.string(), std::strerror(errno))};
}

// Bytes at the end that are the beginning of a character only.
std::size_t OpenBytes(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto c = static_cast<unsigned char>(text[text.size() - back]);
    if ((c & 0xC0) == 0x80) continue;
    const std::size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

// A part that does not go to the end stops behind a line, or else between characters.
std::string_view CutPart(std::string_view text, bool is_last) {
  const std::size_t line = text.rfind('\n');
  if (!is_last && line != text.npos) return text.substr(0, line + 1);
  const std::size_t open = OpenBytes(text);
  return open < text.size() ? text.substr(0, text.size() - open) : text;
}

}  // namespace

OutputLog::OutputLog(std::filesystem::path folder, std::size_t bytes_max)
    : folder_(std::move(folder)), piece_bytes_max_(bytes_max / 2) {
  std::error_code failure;
  if (!keeps()) return;
  std::filesystem::directory_iterator file(folder_, failure);
  for (; !failure && file != std::filesystem::directory_iterator(); file.increment(failure)) {
    const auto begin = ParseNumber<std::int64_t>(file->path().filename().string());
    if (!begin || *begin < 0) continue;
    std::error_code ignored;
    pieces_[*begin] = std::filesystem::file_size(file->path(), ignored);
  }
}

std::int64_t OutputLog::EndOfPieces() const {
  if (pieces_.empty()) return 0;
  const auto& [begin, size] = *pieces_.rbegin();
  return begin + static_cast<std::int64_t>(size);
}

std::int64_t OutputLog::end() const {
  const std::lock_guard lock(mutex_);
  return EndOfPieces();
}

Result<void> OutputLog::Append(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (!keeps() || is_closed_) return {};
  const bool was_whole = missing_ == 0;
  Result<void> written;
  if (!was_whole) {
    written = AppendToPieces(
        fmt::format("\n{} bytes are missing here: they could not be written.\n", missing_));
    if (written) missing_ = 0;
  }
  const std::int64_t before = EndOfPieces();
  if (written) written = AppendToPieces(bytes);
  if (written) return {};
  missing_ += bytes.size() - static_cast<std::size_t>(EndOfPieces() - before);
  return was_whole ? written : Result<void>();
}

Result<void> OutputLog::AppendToPieces(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t used = pieces_.empty() ? piece_bytes_max_ : pieces_.rbegin()->second;
    if (used >= piece_bytes_max_) {
      pieces_.emplace(EndOfPieces(), 0);
      std::error_code ignored;
      if (pieces_.size() > 2) {
        std::filesystem::remove(folder_ / std::to_string(pieces_.begin()->first), ignored);
        pieces_.erase(pieces_.begin());
      }
    }
    const std::size_t room = piece_bytes_max_ - pieces_.rbegin()->second;
    if (const Result<void> written = AppendToPiece(bytes.substr(0, room)); !written) return written;
    bytes.remove_prefix(std::min(room, bytes.size()));
  }
  return {};
}

// Opened each time: thousands of applications would hold as many descriptors.
Result<void> OutputLog::AppendToPiece(std::string_view bytes) {
  auto& [begin, size] = *pieces_.rbegin();
  const std::filesystem::path path = folder_ / std::to_string(begin);
  if (const Result<void> made = CreatePrivateDirectory(folder_); !made) return made;
  const Descriptor file(
      open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return FileError("written to", path);
  while (!bytes.empty()) {
    const ssize_t count = write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FileError("written to", path);
    size += static_cast<std::size_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<OutputPage> OutputLog::Read(std::int64_t offset, std::size_t bytes_max) const {
  const std::lock_guard lock(mutex_);
  OutputPage page = {.end = EndOfPieces()};
  if (offset < 0) offset = std::max<std::int64_t>(0, page.end + offset);
  const std::int64_t first = pieces_.empty() ? 0 : pieces_.begin()->first;
  page.offset = std::clamp(offset, first, page.end);
  Result<std::string> text = ReadPieces(page.offset, bytes_max);
  if (!text) return text.error();
  const bool is_last = page.offset + static_cast<std::int64_t>(text->size()) == page.end;
  page.text = CutPart(*text, is_last);
  page.next = page.offset + static_cast<std::int64_t>(page.text.size());
  return page;
}

Result<std::string> OutputLog::ReadPieces(std::int64_t offset, std::size_t bytes_max) const {
  std::string text;
  for (const auto& [begin, size] : pieces_) {
    const std::int64_t end = begin + static_cast<std::int64_t>(size);
    if (offset >= end || text.size() >= bytes_max) continue;
    const std::filesystem::path path = folder_ / std::to_string(begin);
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file.is_open()) return FileError("read from", path);
    const std::size_t old_size = text.size();
    const auto left = static_cast<std::size_t>(end - offset);
    text.resize(old_size + std::min(bytes_max - old_size, left));
    const ssize_t count =
        pread(file.get(), text.data() + old_size, text.size() - old_size, offset - begin);
    if (count < 0) return FileError("read from", path);
    text.resize(old_size + static_cast<std::size_t>(count));
    offset += count;
  }
  return text;
}

void OutputLog::Remove() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  std::error_code ignored;
  if (!pieces_.empty()) std::filesystem::remove_all(folder_, ignored);
  pieces_.clear();
}

}  // namespace livy::internal
