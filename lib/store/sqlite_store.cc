#include "store/sqlite_store.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "files/private_file.h"
#include "store/tree_keys.h"

namespace livy {
namespace internal {
namespace {

// Bounds how long one caller waits for the others' changes: some ten milliseconds.
constexpr std::size_t kBatchesAtOnceMax = 256;

// "Livy" in the file's header, so that no other program's database is taken for ours.
constexpr int kApplicationId = 0x4c697679;
constexpr int kSchemaVersion = 1;

// Blobs, because they compare by bytes and keep every byte. The keys' own index serves Children()
// without touching the values.
std::string CreateSchema() {
  return fmt::format(
      "BEGIN IMMEDIATE;"
      "CREATE TABLE entry (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL);"
      "PRAGMA application_id = {};"
      "PRAGMA user_version = {};"
      "COMMIT",
      kApplicationId, kSchemaVersion);
}

// Opening a file that this process already has open, and closing it again, would drop SQLite's
// locks on it (POSIX); so a file that exists is left to SQLite alone.
Result<void> CreateFile(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0) {
    close(descriptor);
    return {};
  }
  if (errno == EEXIST) return {};
  return Error{ErrorCode::kUnavailable, fmt::format("The store '{}' cannot be created: {}.",
                                                    file.string(), std::strerror(errno))};
}

Result<int> QueryInt(SqliteDatabase& database, const char* sql) {
  Result<std::optional<std::string>> text = database.Query(sql);
  if (!text) return text.error();
  int number = 0;
  if (*text) std::from_chars((*text)->data(), (*text)->data() + (*text)->size(), number);
  return number;
}

// Makes the tables of a new file; refuses a file of another program, or of a newer one of ours.
Result<void> PrepareSchema(SqliteDatabase& database, const std::filesystem::path& file) {
  const Result<int> application = QueryInt(database, "PRAGMA application_id");
  if (!application) return application.error();
  const Result<int> version = QueryInt(database, "PRAGMA user_version");
  if (!version) return version.error();
  const Result<int> tables = QueryInt(database, "SELECT count(*) FROM sqlite_master");
  if (!tables) return tables.error();

  if (*application == 0 && *tables == 0) {
    return database.Execute(CreateSchema().c_str());
  }
  if (*application != kApplicationId) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("The file '{}' is a database, but not a Livy store.", file.string())};
  }
  if (*version > kSchemaVersion) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("The store '{}' was written by a newer version: it has schema {}, and "
                             "this version knows {}.",
                             file.string(), *version, kSchemaVersion)};
  }
  return {};
}

// EXCLUSIVE keeps the file's locks until it is closed and needs no shared memory file. In WAL mode
// with NORMAL, a commit is one write() without fsync: what was acknowledged survives the death of
// the process at any moment. A power cut, or the death of the whole machine, can lose the last
// transactions, in whole and in order, but does not damage the file.
Result<void> Configure(SqliteDatabase& database, const std::filesystem::path& file) {
  if (Result<void> set = database.Execute("PRAGMA locking_mode = EXCLUSIVE"); !set) return set;
  if (Result<void> prepared = PrepareSchema(database, file); !prepared) return prepared;
  const Result<std::optional<std::string>> mode = database.Query("PRAGMA journal_mode = WAL");
  if (!mode) return mode.error();
  if (*mode != "wal") {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("The store '{}' cannot use a write-ahead log.", file.string())};
  }
  return database.Execute(
      "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864;"
      // A checkpoint is what waits for the disk, and everybody for it: one for each 32 MiB instead
      // of 4.
      "PRAGMA wal_autocheckpoint = 8192;"
      // Takes the lock now rather than at the first change.
      "BEGIN IMMEDIATE; COMMIT");
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::Open(const SqliteStoreOptions& options) {
  const std::filesystem::path& file = options.file;
  if (Result<void> made = CreatePrivateDirectory(file.parent_path()); !made) return made.error();
  // SQLite's own locks come too late for two that find a new file at once: each reads it, and then
  // neither may write for the other's sake.
  Result<StoreLock> lock = StoreLock::Take(file.string() + "-lock", file);
  if (!lock) return lock.error();
  if (Result<void> made = CreateFile(file); !made) return made.error();
  Result<SqliteDatabase> database = SqliteDatabase::Open(file);
  if (!database) return database.error();
  if (Result<void> set = Configure(*database, file); !set) return set.error();
  if (options.pages_max > 0) {
    const std::string limit = fmt::format("PRAGMA max_page_count = {}", options.pages_max);
    if (Result<void> set = database->Execute(limit.c_str()); !set) return set.error();
  }

  Result<SqliteStatement> begin = database->Prepare("BEGIN IMMEDIATE");
  if (!begin) return begin.error();
  Result<SqliteStatement> commit = database->Prepare("COMMIT");
  if (!commit) return commit.error();
  Result<SqliteStatement> put = database->Prepare(
      "INSERT INTO entry (key, value) VALUES (?1, ?2) "
      "ON CONFLICT (key) DO UPDATE SET value = excluded.value");
  if (!put) return put.error();
  Result<SqliteStatement> forget = database->Prepare("DELETE FROM entry WHERE key = ?1");
  if (!forget) return forget.error();
  Result<SqliteStatement> get = database->Prepare("SELECT value FROM entry WHERE key = ?1");
  if (!get) return get.error();
  Result<SqliteStatement> next =
      database->Prepare("SELECT key FROM entry WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT 1");
  if (!next) return next.error();
  Statements statements{.begin = *std::move(begin),
                        .commit = *std::move(commit),
                        .put = *std::move(put),
                        .forget = *std::move(forget),
                        .get = *std::move(get),
                        .next = *std::move(next)};
  return std::unique_ptr<SqliteStore>(
      new SqliteStore(file, *std::move(lock), *std::move(database), std::move(statements)));
}

SqliteStore::SqliteStore(std::filesystem::path file, StoreLock lock, SqliteDatabase database,
                         Statements statements)
    : file_(std::move(file)),
      lock_(std::move(lock)),
      database_(std::move(database)),
      statements_(std::move(statements)),
      commits_([this](const std::vector<PendingBatch*>& batches) { Write(batches); },
               kBatchesAtOnceMax) {}

Result<void> SqliteStore::Apply(const std::vector<StoreChange>& changes) {
  if (Result<void> checked = CheckKeys(changes); !checked) return checked;
  if (changes.empty()) return {};
  return commits_.Submit(changes);
}

Result<std::optional<std::string>> SqliteStore::Get(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  return statements_.get.Bind(1, key).Run();
}

Result<std::vector<std::string>> SqliteStore::Children(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  return ChildNames(key, [this](std::string_view from, std::string_view end) {
    return statements_.next.Bind(1, from).Bind(2, end).Run();
  });
}

void SqliteStore::Write(const std::vector<PendingBatch*>& batches) {
  const std::lock_guard lock(mutex_);
  WriteTogetherOrAlone(batches,
                       [this](const std::vector<PendingBatch*>& all) { return Transact(all); });
}

Result<void> SqliteStore::Transact(const std::vector<PendingBatch*>& batches) {
  if (!database_.IsInPlace()) return GoneError(file_);
  if (const auto begun = statements_.begin.Run(); !begun) return begun.error();
  Result<void> done;
  for (const PendingBatch* batch : batches) {
    done = Change(*batch->changes);
    if (!done) break;
  }
  if (done) {
    if (const auto committed = statements_.commit.Run(); !committed) done = committed.error();
  }
  if (!done && database_.InTransaction()) {
    // The first failure is the one to tell of. One in the rollback itself shows in the next BEGIN.
    (void)database_.Execute("ROLLBACK");
  }
  return done;
}

Result<void> SqliteStore::Change(const std::vector<StoreChange>& changes) {
  for (const StoreChange& change : changes) {
    const Result<std::optional<std::string>> done =
        change.value ? statements_.put.Bind(1, change.key).Bind(2, *change.value).Run()
                     : statements_.forget.Bind(1, change.key).Run();
    if (!done) return done.error();
  }
  return {};
}

}  // namespace internal

Result<std::unique_ptr<Store>> OpenSqliteStore(const std::filesystem::path& file) {
  Result<std::unique_ptr<internal::SqliteStore>> store =
      internal::SqliteStore::Open({.file = file});
  if (!store) return store.error();
  return std::unique_ptr<Store>(*std::move(store));
}

}  // namespace livy
