#include <cerrno>
#include <fcntl.h>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include <livy/store.h>

#include "files/descriptor.h"
#include "files/private_file.h"
#include "store/commit_queue.h"
#include "store/file_names.h"
#include "store/store_lock.h"
#include "store/tree_keys.h"

namespace livy {
namespace internal {
namespace {

namespace fs = std::filesystem;

// Each change costs a sync of a file, so that few should wait for many.
constexpr std::size_t kBatchesAtOnceMax = 64;

// Names of keys never have a dot in front.
constexpr std::string_view kLock = ".lock";
constexpr std::string_view kJournal = ".journal";
constexpr std::string_view kNew = ".tmp";
constexpr std::string_view kChildren = ".children";

// Words of the journal.
constexpr std::string_view kKeep = "keep";
constexpr std::string_view kForget = "forget";

// What files will have in them, by their paths below the folder; without a value they go.
using Outcome = std::map<std::string, std::optional<std::string>>;

fs::path Added(const fs::path& path, std::string_view suffix) {
  return path.string() + std::string(suffix);
}

// Creates it, and what is missing above it. Adds to `changed` the folders that have got new names,
// which do not last yet.
Result<void> MakeFolder(const fs::path& folder, std::set<fs::path>& changed) {
  std::error_code ignored;
  if (folder.empty() || fs::is_directory(folder, ignored)) return {};
  const fs::path above = folder.parent_path();
  if (Result<void> made = MakeFolder(above, changed); !made) return made;
  changed.insert(above.empty() ? fs::path(".") : above);
  return CreatePrivateDirectory(folder);
}

// Writes a file that is not looked at yet, to the disk itself. Its name does not last yet.
Result<void> WriteNew(const fs::path& path, std::string_view content) {
  const fs::path name = Added(path, kNew);
  const Descriptor file(open(name.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
  if (!file.is_open()) return FileError("create", name);
  while (!content.empty()) {
    const ssize_t count = write(file.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FileError("write", name);
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  if (fdatasync(file.get()) != 0) return FileError("write", name);
  return {};
}

// Makes the names in a folder last.
Result<void> SyncFolder(const fs::path& folder) {
  const Descriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open() || fsync(directory.get()) != 0) return FileError("write", folder);
  return {};
}

Result<void> SyncFolders(const std::set<fs::path>& folders) {
  for (const fs::path& folder : folders) {
    if (Result<void> synced = SyncFolder(folder); !synced) return synced;
  }
  return {};
}

Result<void> Rename(const fs::path& path) {
  if (rename(Added(path, kNew).c_str(), path.c_str()) == 0) return {};
  return FileError("create", path);
}

// Without a new file it was renamed already, before a crash: no journal lasts before its files do.
Result<void> RenameIfNew(const fs::path& path) {
  return access(Added(path, kNew).c_str(), F_OK) == 0 ? Rename(path) : Result<void>();
}

Result<void> Unlink(const fs::path& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return {};
  return FileError("remove", path);
}

// nullopt if there is no such file.
Result<std::optional<std::string>> ReadIfThere(const fs::path& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return FileError("read", path);
  }
  if (!S_ISREG(status.st_mode)) return std::optional<std::string>();
  Result<std::string> content = ReadFile(path);
  if (!content) return content.error();
  return std::optional(*std::move(content));
}

// A change of several files cannot be made at once, so it goes in steps that a crash may come
// between: the new files are written beside the old ones; a journal of the keys appears, which is
// the moment at which the change is made; the files get their names; the journal goes. A journal
// that is found has its last two steps still to be done, and doing them twice does no harm. After a
// power cut a folder has what it had when it was last synced, and perhaps some of what came later;
// so each step lasts before the next one begins.
class FileStore : public Store {
 public:
  FileStore(fs::path folder, StoreLock lock)
      : folder_(std::move(folder)),
        lock_(std::move(lock)),
        commits_([this](const std::vector<PendingBatch*>& batches) { Write(batches); },
                 kBatchesAtOnceMax) {}

  Result<void> FinishJournal() {
    const std::lock_guard lock(mutex_);
    return Finish();
  }

  Result<void> Apply(const std::vector<StoreChange>& changes) override {
    if (Result<void> checked = CheckKeys(changes); !checked) return checked;
    if (changes.empty()) return {};
    return commits_.Submit(changes);
  }

  Result<std::optional<std::string>> Get(std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    if (Result<void> there = CheckReadable(); !there) return there.error();
    return ReadIfThere(folder_ / ValuePath(key));
  }

  Result<std::vector<std::string>> Children(std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    if (Result<void> there = CheckReadable(); !there) return there.error();
    const fs::path folder = folder_ / ChildrenPath(key);
    std::error_code failure;
    std::set<std::string> names;
    fs::directory_iterator entry(folder, failure);
    for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
      if (auto name = NameOfEntry(entry->path().filename().string())) {
        names.insert(*std::move(name));
      }
    }
    if (failure && failure != std::errc::no_such_file_or_directory &&
        failure != std::errc::not_a_directory) {
      return Error{ErrorCode::kUnavailable, fmt::format("The store cannot read '{}': {}.",
                                                        folder.string(), failure.message())};
    }
    return std::vector<std::string>(names.begin(), names.end());
  }

 private:
  // Needs mutex_. In a folder that is gone everything would be unknown.
  Result<void> CheckReadable() const {
    if (!is_unfinished_) return lock_.CheckPlace();
    return Error{ErrorCode::kUnavailable, "The store could not finish its last change."};
  }

  void Write(const std::vector<PendingBatch*>& batches) {
    WriteTogetherOrAlone(batches,
                         [this](const std::vector<PendingBatch*>& all) { return Transact(all); });
  }

  // All of them or none.
  Result<void> Transact(const std::vector<PendingBatch*>& batches) {
    if (Result<void> there = lock_.CheckPlace(); !there) return there;
    {
      const std::lock_guard lock(mutex_);
      if (is_unfinished_) {
        if (Result<void> finished = Finish(); !finished) return finished;
      }
    }
    Outcome outcome;
    for (const PendingBatch* batch : batches) {
      for (const StoreChange& change : *batch->changes)
        outcome.insert_or_assign(ValuePath(change.key), change.value);
    }
    if (Result<void> prepared = Prepare(outcome); !prepared) {
      for (const auto& [path, value] : outcome) {
        // What is left is written over, or removed when the store is opened.
        (void)Unlink(Added(folder_ / path, kNew));
        RemoveEmptyFolders(folder_ / path);
      }
      return prepared;
    }
    const std::lock_guard lock(mutex_);
    if (outcome.size() == 1) return MakeChange(*outcome.begin());
    is_unfinished_ = true;
    if (Result<void> made = Rename(folder_ / kJournal); !made) {
      is_unfinished_ = false;
      return made;
    }
    return Finish();
  }

  // Everything that may fail for want of room.
  Result<void> Prepare(const Outcome& outcome) const {
    const bool is_single = outcome.size() == 1;
    std::string journal;
    std::set<fs::path> changed;
    for (const auto& [path, value] : outcome) {
      if (value) {
        const fs::path file = folder_ / path;
        if (Result<void> made = MakeFolder(file.parent_path(), changed); !made) return made;
        if (Result<void> written = WriteNew(file, *value); !written) return written;
        // A single file's folder is synced when it has its name.
        if (!is_single) changed.insert(file.parent_path());
      }
      journal += fmt::format("{} {}\n", value ? kKeep : kForget, path);
    }
    if (Result<void> synced = SyncFolders(changed); !synced) return synced;
    return is_single ? Result<void>() : WriteNew(folder_ / kJournal, journal);
  }

  // Needs mutex_.
  Result<void> MakeChange(const Outcome::value_type& outcome) const {
    const fs::path file = folder_ / outcome.first;
    const Result<void> made = outcome.second ? Rename(file) : Unlink(file);
    if (!made) return made;
    return SyncFolder(RemoveEmptyFolders(file));
  }

  // Needs mutex_.
  Result<void> Finish() {
    is_unfinished_ = true;
    const Result<std::optional<std::string>> journal = ReadIfThere(folder_ / kJournal);
    if (!journal) return journal.error();
    if (*journal) {
      if (Result<void> made = SyncFolder(folder_); !made) return made;
      if (Result<void> made = MakeChanges(**journal); !made) return made;
      if (Result<void> gone = Unlink(folder_ / kJournal); !gone) return gone;
    }
    // One that came back after a power cut would undo what has changed since.
    if (Result<void> gone = SyncFolder(folder_); !gone) return gone;
    is_unfinished_ = false;
    return {};
  }

  Result<void> MakeChanges(const std::string& journal) const {
    std::istringstream lines(journal);
    std::set<fs::path> files;
    std::string path;
    for (std::string what; lines >> what >> path;) {
      const fs::path file = folder_ / path;
      const Result<void> made = what == kKeep ? RenameIfNew(file) : Unlink(file);
      if (!made) return made;
      files.insert(file);
    }
    // Not before all files are gone: each may be the last one of its folder.
    std::set<fs::path> folders;
    for (const fs::path& file : files)
      folders.insert(RemoveEmptyFolders(file));
    for (const fs::path& folder : folders) {
      // One that a later file has left empty is gone, and the one above it is here too.
      if (access(folder.c_str(), F_OK) != 0) continue;
      if (Result<void> synced = SyncFolder(folder); !synced) return synced;
    }
    return {};
  }

  // Removes the folders that have become empty without this file, but for Livy's own. Returns the
  // lowest that is left.
  fs::path RemoveEmptyFolders(const fs::path& file) const {
    fs::path folder = file.parent_path();
    while (folder.extension() == kChildren && rmdir(folder.c_str()) == 0)
      folder = folder.parent_path();
    while (access(folder.c_str(), F_OK) != 0 && folder != folder_)
      folder = folder.parent_path();  // It was not there before either.
    return folder;
  }

  const fs::path folder_;
  const StoreLock lock_;
  mutable std::mutex mutex_;
  bool is_unfinished_ = false;  // Guarded by mutex_. There is a journal still to be done.
  CommitQueue commits_;
};

// Removes what was being written when an earlier server died.
Result<void> RemoveNewFiles(const fs::path& folder) {
  std::error_code failure;
  fs::recursive_directory_iterator entry(folder, failure);
  for (; !failure && entry != fs::recursive_directory_iterator(); entry.increment(failure)) {
    if (entry->path().extension() != kNew) continue;
    if (Result<void> gone = Unlink(entry->path()); !gone) return gone;
  }
  if (!failure) return {};
  return Error{ErrorCode::kUnavailable,
               fmt::format("The store cannot read '{}': {}.", folder.string(), failure.message())};
}

}  // namespace
}  // namespace internal

Result<std::unique_ptr<Store>> OpenFileStore(const std::filesystem::path& folder) {
  std::set<std::filesystem::path> changed;
  if (Result<void> made = internal::MakeFolder(folder, changed); !made) return made.error();
  if (Result<void> synced = internal::SyncFolders(changed); !synced) return synced.error();
  Result<internal::StoreLock> lock = internal::StoreLock::Take(folder / internal::kLock, folder);
  if (!lock) return lock.error();
  auto store = std::make_unique<internal::FileStore>(folder, *std::move(lock));
  if (Result<void> finished = store->FinishJournal(); !finished) return finished.error();
  if (Result<void> clean = internal::RemoveNewFiles(folder); !clean) return clean.error();
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace livy
