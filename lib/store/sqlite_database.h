// SqliteDatabase: a connection to SQLite, with its failures as values.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <livy/result.h>

struct sqlite3;
struct sqlite3_stmt;

namespace livy::internal {

// One statement, compiled once and run many times. One thread at a time; must not outlive its
// database.
class SqliteStatement {
 public:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Handle = std::unique_ptr<sqlite3_stmt, Finalize>;

  explicit SqliteStatement(Handle handle) : handle_(std::move(handle)) {}

  // Sets the parameter at `index`, counted from 1, to these bytes, which must stay until Step()
  // has been called for the last time.
  SqliteStatement& Bind(int index, std::string_view bytes);

  // Runs up to the next row, whose first column it returns; nullopt after the last.
  Result<std::optional<std::string>> Step();

  // Runs once, for at most one row, and makes the statement ready to be run again.
  Result<std::optional<std::string>> Run();

 private:
  Handle handle_;
};

// All failures are kUnavailable, with SQLite's own words. One thread at a time.
class SqliteDatabase {
 public:
  // Opens a file that exists. Fails if it cannot be opened.
  static Result<SqliteDatabase> Open(const std::filesystem::path& file);

  // Runs one statement and returns the first column of its first row, if it has rows.
  Result<std::optional<std::string>> Query(const char* sql);

  // Runs statements that have no rows.
  Result<void> Execute(const char* sql);

  Result<SqliteStatement> Prepare(const char* sql);

  // Whether the file is still under the path it was opened by, and its write-ahead log, which must
  // have been begun, beside it. What is written to files without a name is lost.
  bool IsInPlace() const;

  // Some failures end a transaction by themselves.
  bool InTransaction() const;

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };

  explicit SqliteDatabase(sqlite3* connection) : connection_(connection) {}

  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace livy::internal
