// OutputLog: what one application has written, in files that outlive the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include <livy/output.h>
#include <livy/result.h>

namespace livy::internal {

// The files are pieces of it, named by the place where they begin. There are two at most: when the
// newer is half as large as all may be, the older goes. Safe to use from several threads; its lock
// is held while files are read and written.
class OutputLog {
 public:
  // The folder and its files are made when there is something to keep, for their owner alone; what
  // an earlier server has left there is found. Keeps nothing if the path is empty, or `bytes_max`
  // is 0.
  OutputLog(std::filesystem::path folder, std::size_t bytes_max);

  bool keeps() const { return !folder_.empty() && piece_bytes_max_ > 0; }

  // Fails with kUnavailable if it cannot be written; what comes then is dropped without a word
  // until it can, and a line in its place says how much it was. Nothing says so if it never can.
  Result<void> Append(std::string_view bytes);

  // From `offset` on, at most `bytes_max`; a negative offset counts from the end. Does not set
  // `ended`. Fails with kUnavailable if the files cannot be read.
  Result<OutputPage> Read(std::int64_t offset, std::size_t bytes_max) const;

  // Where what is written next will begin.
  std::int64_t end() const;

  // Removes all. Nothing is kept from then on.
  void Remove();

 private:
  // The following are called with mutex_ held.
  Result<void> AppendToPieces(std::string_view bytes);
  Result<void> AppendToPiece(std::string_view bytes);
  Result<std::string> ReadPieces(std::int64_t offset, std::size_t bytes_max) const;
  std::int64_t EndOfPieces() const;

  const std::filesystem::path folder_;
  const std::size_t piece_bytes_max_;
  mutable std::mutex mutex_;
  std::map<std::int64_t, std::size_t> pieces_;  // Guarded by mutex_. Beginnings and lengths.
  std::size_t missing_ = 0;                     // Guarded by mutex_. Not written since the last.
  bool is_closed_ = false;                      // Guarded by mutex_.
};

}  // namespace livy::internal
