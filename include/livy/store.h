// Store: where the server keeps what must outlive it.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <livy/log.h>
#include <livy/result.h>

namespace livy {

// One change to a store: a value to keep under a key, or, without a value, a key to forget.
struct StoreChange {
  std::string key = {};
  std::optional<std::string> value = {};
};

// A tree of texts under keys such as "v1/interactive/7". A key is one or more non-empty names
// separated by '/'; it may have a value, children, or both.
//
// The server calls a store from several threads at once, and never with a lock of its own held, so
// an implementation may block. testing::CheckStoreContract tries whether one keeps these promises.
class Store {
 public:
  virtual ~Store() = default;

  // Makes all `changes`, in order, or none. When this returns success, every later Get() by this
  // process or, for a durable store, by a later one sees them. Forgetting an unknown key succeeds.
  // Fails with kInvalidArgument if a key is malformed; with kUnavailable if the store cannot be
  // reached or is full; with kPermissionDenied if another server has taken the store over, be it
  // that nothing is to be changed. The server then leaves alone what has become the other's.
  virtual Result<void> Apply(const std::vector<StoreChange>& changes) = 0;

  // The value under `key`; nullopt if there is none, which is not an error.
  virtual Result<std::optional<std::string>> Get(std::string_view key) const = 0;

  // The names directly under `key`, in ascending order of their bytes; empty if there are none.
  virtual Result<std::vector<std::string>> Children(std::string_view key) const = 0;
};

// Forgets everything when it is destroyed. Safe to use from several threads.
std::unique_ptr<Store> MakeMemoryStore();

// Keeps everything in one SQLite database, which is created, with its directory, if it is missing,
// readable by its owner only. What Apply() acknowledged survives the death of the process at any
// moment. If the file or its log is removed or moved away meanwhile, changes fail with
// kUnavailable. Fails with kUnavailable if the file cannot be opened, is not such a database, or is
// held by another store, in this process or another. Safe to use from several threads.
Result<std::unique_ptr<Store>> OpenSqliteStore(const std::filesystem::path& file);

// Keeps each value in a file of its own, in the layout of Apache Livy's file system store: so a
// folder of Livy's can be taken over, and looked at by hand. The folder is created if it is
// missing; all files are readable by their owner only. What Apply() acknowledged survives the death
// of the process, and of the machine, at any moment. Each change is written to the disk itself:
// slower by far than SQLite. If the folder is removed or moved away meanwhile, everything fails
// with kUnavailable. Fails with kUnavailable if the folder cannot be used or another store holds
// it, in this process or another. Safe to use from several threads.
Result<std::unique_ptr<Store>> OpenFileStore(const std::filesystem::path& folder);

// Who may read and change the nodes that a store creates in ZooKeeper. Those that are there already
// stay as they are.
enum class ZooKeeperAccess {
  kOpen,         // Everybody who reaches ZooKeeper, as with Apache Livy.
  kCreatorOnly,  // Who has the same credentials.
};

struct ZooKeeperStoreOptions {
  std::string hosts = {};        // "a:2181,b:2181", with "/folder" after them to stay below a node.
  std::string prefix = "livy";   // The node that everything lies below, created if it is missing.
  std::string credentials = {};  // "user:password" for ZooKeeper's scheme digest; empty: none.
  ZooKeeperAccess access = ZooKeeperAccess::kOpen;
  // PEM files for TLS; without `ca_file` there is none. The ZooKeeper library must have TLS, which
  // that of Debian has not.
  std::filesystem::path ca_file = {};
  std::filesystem::path certificate_file = {};
  std::filesystem::path key_file = {};
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(15);
  std::chrono::milliseconds session_timeout = std::chrono::seconds(60);
  std::chrono::milliseconds request_timeout = std::chrono::seconds(15);  // With all retries.
  int retries_max = 5;  // After a connection broke.
  std::chrono::milliseconds retry_pause = std::chrono::milliseconds(100);
  // Keys and values of one Apply(). ZooKeeper itself takes 1048575 bytes (its jute.maxbuffer).
  std::size_t change_bytes_max = 1'000'000;
};

// Keeps everything in ZooKeeper, in the layout of Apache Livy's ZooKeeper store: the value of
// "v1/batch/3" is the data of the node /livy/v1/batch/3. What Apply() acknowledged is as durable as
// the ensemble makes it. Each Apply() is one transaction of ZooKeeper; changes made at the same
// time share one. Apply() fails with kInvalidArgument if the changes are larger than
// `change_bytes_max`, and with kUnavailable after `request_timeout` at the latest; if a connection
// broke then, the changes may have been made nevertheless, as a whole, and can be repeated. Of
// several stores with one prefix, the last that began to change it goes on; Apply() of the others
// fails with kPermissionDenied. If somebody removes the tree, Apply() of who has changed it fails
// with kUnavailable: a store that is opened then begins anew. What happens to the connection is
// told to `log`, which must outlive the store.
//
// Fails with kInvalidArgument if an option is wrong or the library was built without ZooKeeper;
// with kUnavailable if it cannot be reached within `connect_timeout`. Safe to use from several
// threads.
Result<std::unique_ptr<Store>> OpenZooKeeperStore(const ZooKeeperStoreOptions& options,
                                                  LogSink& log);

enum class RedisSecurity { kPlain, kTls };

struct RedisStoreOptions {
  std::string host = "127.0.0.1";
  int port = 6379;
  std::filesystem::path unix_socket = {};  // Goes before host and port.
  std::string user = {};                   // Of Redis's access lists; empty: "default".
  std::string password = {};               // Empty: none.
  int database = 0;
  std::string prefix = "livy";  // Of all names of the store: "livy:v:...", "livy:c:...".
  RedisSecurity security = RedisSecurity::kPlain;
  // PEM files. Without `ca_file` the system's authorities count; the other two are for servers that
  // ask clients for a certificate.
  std::filesystem::path ca_file = {};
  std::filesystem::path certificate_file = {};
  std::filesystem::path key_file = {};
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
  std::chrono::milliseconds request_timeout = std::chrono::seconds(15);  // With all retries.
  std::chrono::milliseconds retry_pause = std::chrono::milliseconds(100);
};

// Keeps everything in Redis 6 or newer. What Apply() acknowledged is as durable as Redis makes it:
// it survives the death of Redis only with `appendonly yes`, at any moment only with `appendfsync
// always`; without the first a warning goes to `log`, which must outlive the store. Each Apply() is
// one transaction; changes made at the same time share one. Apply() fails with kUnavailable after
// `request_timeout` at the latest; if a connection broke then, the changes may have been made
// nevertheless, as a whole, and can be repeated. Of several stores with one prefix, the last that
// began to change it goes on; Apply() of the others fails with kPermissionDenied. If Redis loses
// what is in it, Apply() of who has changed it fails with kUnavailable: a store that is opened then
// begins anew.
//
// Fails with kInvalidArgument if an option is wrong or the library was built without Redis; with
// kUnavailable if it cannot be reached within `connect_timeout`, or refuses the password. Safe to
// use from several threads.
Result<std::unique_ptr<Store>> OpenRedisStore(const RedisStoreOptions& options, LogSink& log);

}  // namespace livy
