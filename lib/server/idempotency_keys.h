// IdempotencyKeys: which requests that create something have been here before.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <livy/access_manager.h>
#include <livy/clock.h>
#include <livy/http.h>
#include <livy/log.h>
#include <livy/result.h>
#include <livy/store.h>

namespace livy::internal {

struct IdempotencyOptions {
  int keys_max = 10000;  // Of one user; beyond it the oldest are forgotten.
  std::chrono::milliseconds retain = std::chrono::hours(24);
};

// A request that may come more than once.
struct KeyedRequest {
  User user = {};
  std::string key = {};      // As the client chose it.
  std::string content = {};  // Everything that makes the request what it is.
};

// What is stored in the same transaction as an object that has got this id.
using StoredAlong = std::function<std::vector<StoreChange>(int id)>;

// Remembers which object a user's request with a key has created, in the store from the moment on
// from which the object itself is there. Safe to use from several threads.
class IdempotencyKeys {
 public:
  // Everything that is passed by reference outlives this.
  IdempotencyKeys(IdempotencyOptions options, Store& store, Clock& clock, LogSink& log);

  // Takes from the store what an earlier server has left. To be called once, before anything else.
  // Fails with kUnavailable if the store cannot be read; damaged records are logged and left out.
  Result<void> Load();

  // What is known of a request when it comes.
  struct Answer {
    enum class Kind {
      kNew,      // Nobody was here with this key: create, store ChangesFor(), and Settle().
      kCreated,  // `id` is what the request has created.
      kWaits,    // It is just being worked on; `again` will be called.
      kMisused,  // Another request of the user has the key.
    };
    Kind kind = Kind::kNew;
    int id = 0;
    std::string name = {};  // Of the key, for ChangesFor() and Settle().
  };

  // What is done with a request that waits: nullptr: it is worth asking again; else what the one
  // that it waited for got, and would get again.
  using Again = std::function<void(const HttpResponse* refusal)>;

  // `again` is called once if the answer is kWaits.
  Answer Begin(const KeyedRequest& request, Again again);

  // What is to be stored together with the object that the request creates.
  std::vector<StoreChange> ChangesFor(const std::string& name, int id);

  // The request has created that object, which is stored; nullopt: nothing. With `refusal` it is of
  // no use to try for those that wait.
  void Settle(const std::string& name, std::optional<int> id, const HttpResponse* refusal);

 private:
  struct Entry {
    std::string user = {};
    std::string digest = {};     // Of the content.
    std::optional<int> id = {};  // Unset while the request is being worked on.
    Clock::WallTime at = {};
    std::vector<Again> waiting = {};
  };
  struct Aged {
    Clock::WallTime at = {};
    std::string name = {};
  };

  bool IsOld(Clock::WallTime at) const;
  // Both are called with mutex_ held.
  void Remember(const std::string& name, Entry entry);
  void ForgetOld(const std::string& user, std::vector<StoreChange>& changes);

  const IdempotencyOptions options_;
  Store& store_;
  Clock& clock_;
  LogSink& log_;

  std::mutex mutex_;
  std::map<std::string, Entry> entries_;          // Guarded by mutex_. By the name of the key.
  std::map<std::string, std::deque<Aged>> ages_;  // Guarded by mutex_. By user, oldest first.
};

}  // namespace livy::internal
