#include "store/sqlite_database.h"

#include <sqlite3.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {
namespace {

Error FailureOf(sqlite3* connection) {
  const int code = sqlite3_extended_errcode(connection);
  const char* file = sqlite3_db_filename(connection, "main");
  const char* name = file == nullptr ? "" : file;
  if ((code & 0xff) == SQLITE_BUSY) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("The store '{}' is held by another server.", name)};
  }
  return Error{ErrorCode::kUnavailable, fmt::format("The store '{}' failed: {} (SQLite code {}).",
                                                    name, sqlite3_errmsg(connection), code)};
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

SqliteStatement& SqliteStatement::Bind(int index, std::string_view bytes) {
  // A null pointer would bind NULL. Bytes beyond SQLite's limit (1 GB) do bind NULL, which the
  // columns refuse, so that the statement fails.
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  sqlite3_bind_blob64(handle_.get(), index, data, bytes.size(), SQLITE_STATIC);
  return *this;
}

Result<std::optional<std::string>> SqliteStatement::Step() {
  switch (sqlite3_step(handle_.get())) {
    case SQLITE_ROW: {
      const void* bytes = sqlite3_column_blob(handle_.get(), 0);
      const int size = sqlite3_column_bytes(handle_.get(), 0);
      if (bytes == nullptr) return std::optional<std::string>("");  // Of length zero.
      return std::optional(
          std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size)));
    }
    case SQLITE_DONE:
      return std::optional<std::string>();
    default:
      return FailureOf(sqlite3_db_handle(handle_.get()));
  }
}

Result<std::optional<std::string>> SqliteStatement::Run() {
  Result<std::optional<std::string>> result = Step();
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
  return result;
}

void SqliteDatabase::Close::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

Result<SqliteDatabase> SqliteDatabase::Open(const std::filesystem::path& file) {
  sqlite3* connection = nullptr;
  // NOMUTEX: the callers have a lock of their own. Not CREATE: the file must have our mode.
  const int code = sqlite3_open_v2(file.c_str(), &connection,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  SqliteDatabase database(connection);
  if (code != SQLITE_OK) {
    return Error{ErrorCode::kUnavailable, fmt::format("The store '{}' cannot be opened: {}.",
                                                      file.string(), sqlite3_errstr(code))};
  }
  sqlite3_extended_result_codes(connection, 1);
  return database;
}

Result<std::optional<std::string>> SqliteDatabase::Query(const char* sql) {
  Result<SqliteStatement> statement = Prepare(sql);
  if (!statement) return statement.error();
  return statement->Step();
}

Result<void> SqliteDatabase::Execute(const char* sql) {
  if (sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return FailureOf(connection_.get());
}

Result<SqliteStatement> SqliteDatabase::Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(connection_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                         nullptr) != SQLITE_OK) {
    return FailureOf(connection_.get());
  }
  return SqliteStatement(SqliteStatement::Handle(statement));
}

bool SqliteDatabase::IsInPlace() const {
  int has_moved = 0;
  const int asked =
      sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
  // SQLite does not know it of its log.
  const char* log = sqlite3_filename_wal(sqlite3_db_filename(connection_.get(), "main"));
  return asked == SQLITE_OK && has_moved == 0 && access(log, F_OK) == 0;
}

bool SqliteDatabase::InTransaction() const {
  return sqlite3_get_autocommit(connection_.get()) == 0;
}

}  // namespace livy::internal
