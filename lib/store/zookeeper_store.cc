#include <algorithm>
#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <random>
#include <utility>
#include <zookeeper/zookeeper.h>

#include <fmt/format.h>

#include <livy/store.h>

#include "store/commit_queue.h"
#include "store/escaped_names.h"
#include "store/tree_keys.h"
#include "store/tree_plan.h"
#include "store/zookeeper_client.h"

namespace livy {
namespace internal {
namespace {

using Attempts = ZooKeeperClient::Attempts;

// Bounds how long one caller waits for the others' changes.
constexpr std::size_t kBatchesAtOnceMax = 64;
// How often the nodes may be found changed by somebody else between looking and writing.
constexpr int kConflictsMax = 20;
// Names of keys never have a dot in front.
constexpr std::string_view kOwner = ".owner";
// What a request says of a node beside its path and data, and then some.
constexpr std::size_t kNodeBytes = 64;

// A node that is there only for those below it has no data, with Apache Livy and here. So that an
// empty value is another thing, it is kept as one zero byte, and so are zero bytes in front of
// values; Livy's values, which are JSON, stay as they are.
std::string DataOf(const std::string& value) {
  if (!value.empty() && value.front() != '\0') return value;
  std::string data(1, '\0');
  return data += value;
}
std::optional<std::string> ValueOf(std::string data) {
  if (data.empty()) return std::nullopt;
  if (data.front() == '\0') data.erase(0, 1);
  return data;
}

// At most what the key adds to a request: its nodes may all have to be created.
std::size_t RequestBytes(const StoreChange& change) {
  const auto depth = std::ranges::count(change.key, '/') + 1;
  // Escaping may treble a name.
  return (3 * change.key.size() + kNodeBytes) * static_cast<std::size_t>(depth) +
         (change.value ? change.value->size() : 0);
}

std::size_t RequestBytes(const std::vector<StoreChange>& changes) {
  std::size_t bytes = 0;
  for (const StoreChange& change : changes)
    bytes += RequestBytes(change);
  return bytes;
}

// One that no other store has.
std::string NewName() {
  std::random_device random;
  std::uniform_int_distribution<std::uint64_t> bits;
  return fmt::format("{:016x}", bits(random));
}

// Operations with the texts that they point to.
class Transaction {
 public:
  explicit Transaction(ZooKeeperAccess access)
      : acl_(access == ZooKeeperAccess::kOpen ? &ZOO_OPEN_ACL_UNSAFE : &ZOO_CREATOR_ALL_ACL) {}

  void Create(std::string path, const std::string* value) {
    const std::string& data = Keep(value == nullptr ? "" : DataOf(*value));
    zoo_create_op_init(&Next(), Keep(std::move(path)).c_str(), data.data(),
                       static_cast<int>(data.size()), acl_, ZOO_PERSISTENT, nullptr, 0);
  }
  void Set(std::string path, const std::string* value) {
    const std::string& data = Keep(value == nullptr ? "" : DataOf(*value));
    zoo_set_op_init(&Next(), Keep(std::move(path)).c_str(), data.data(),
                    static_cast<int>(data.size()), -1, nullptr);
  }
  // Fails if somebody else has given it another value than that of `version`.
  void Delete(std::string path, int version) {
    zoo_delete_op_init(&Next(), Keep(std::move(path)).c_str(), version);
  }

  // Fails if it has another version.
  void Check(std::string path, int version) {
    zoo_check_op_init(&Next(), Keep(std::move(path)).c_str(), version);
  }

  const std::vector<zoo_op_t>& operations() const { return operations_; }

 private:
  const std::string& Keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  zoo_op_t& Next() { return operations_.emplace_back(); }

  const ACL_vector* const acl_;
  std::list<std::string> texts_;  // Where they are they stay.
  std::vector<zoo_op_t> operations_;
};

class ZooKeeperStore : public Store {
 public:
  ZooKeeperStore(const ZooKeeperStoreOptions& options, LogSink& log)
      : options_(options),
        root_(fmt::format("/{}", options.prefix)),
        me_(NewName()),
        client_(options, log),
        commits_([this](const std::vector<PendingBatch*>& batches) { Write(batches); },
                 kBatchesAtOnceMax) {}

  Result<void> Connect() {
    if (Result<void> connected = client_.Connect(); !connected) return connected;
    Attempts attempts = client_.Begin();
    return CreateRoot(attempts);
  }

  Result<void> Apply(const std::vector<StoreChange>& changes) override {
    if (Result<void> checked = CheckKeys(changes); !checked) return checked;
    if (changes.empty()) return {};
    if (const std::size_t bytes = RequestBytes(changes); bytes > options_.change_bytes_max) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("A change of '{}' needs {} bytes, and the store in ZooKeeper takes "
                               "{} at once.",
                               changes.front().key, bytes, options_.change_bytes_max)};
    }
    return commits_.Submit(changes);
  }

  Result<std::optional<std::string>> Get(std::string_view key) const override {
    if (!IsKey(key)) return std::optional<std::string>();
    Attempts attempts = client_.Begin();
    Result<std::vector<ZooKeeperAnswer>> answers =
        client_.Read(ZooKeeperRead::kData, {PathOf(key)}, attempts);
    if (!answers) return answers.error();
    return ValueOf(std::move(answers->front().data));
  }

  Result<std::vector<std::string>> Children(std::string_view key) const override {
    if (!IsKey(key)) return std::vector<std::string>();
    Attempts attempts = client_.Begin();
    const Result<std::vector<ZooKeeperAnswer>> answers =
        client_.Read(ZooKeeperRead::kNames, {PathOf(key)}, attempts);
    if (!answers) return answers.error();
    std::vector<std::string> names;
    for (const std::string& entry : answers->front().names) {
      if (auto name = UnescapedName(entry)) names.push_back(*std::move(name));
    }
    std::ranges::sort(names);
    return names;
  }

 private:
  std::string PathOf(std::string_view key) const {
    std::string path = root_;
    for (std::size_t begin = 0, end = 0; end != key.npos; begin = end + 1) {
      end = key.find('/', begin);
      path += '/';
      path += EscapedName(key.substr(begin, end == key.npos ? end : end - begin));
    }
    return path;
  }

  std::string OwnerPath() const { return fmt::format("{}/{}", root_, kOwner); }

  // The nodes that everything lies below.
  Result<void> CreateRoot(Attempts& attempts) {
    for (std::size_t end = 0; end != root_.npos;) {
      end = root_.find('/', end + 1);
      Transaction creation(options_.access);
      creation.Create(root_.substr(0, end), nullptr);
      int code = client_.Write(creation.operations(), attempts);
      while (client_.MayTryAgain(code, attempts))
        code = client_.Write(creation.operations(), attempts);
      if (code != ZOK && code != ZNODEEXISTS) return client_.ErrorOf(code);
    }
    return {};
  }

  // As many batches in a transaction as ZooKeeper takes.
  void Write(const std::vector<PendingBatch*>& batches) {
    for (std::size_t begin = 0, end = 0; begin < batches.size(); begin = end) {
      std::size_t bytes = 0;
      Outcome outcome;
      do {
        bytes += RequestBytes(*batches[end]->changes);
        AddOutcome(*batches[end]->changes, outcome);
        ++end;
      } while (end < batches.size() &&
               bytes + RequestBytes(*batches[end]->changes) <= options_.change_bytes_max);
      const Result<void> written = Transact(outcome);
      for (std::size_t index = begin; index < end; ++index)
        batches[index]->result = written;
    }
  }

  // All of them or none. A transaction whose answer was lost is looked for; requests of one session
  // are never made out of their order, so what is not there then does not come later.
  Result<void> Transact(const Outcome& outcome) {
    Attempts attempts = client_.Begin();
    if (epoch_ < 0) {
      if (Result<void> mine = Claim(attempts); !mine) return mine;
    }
    bool is_unknown = false;
    for (int conflicts = 0; conflicts < kConflictsMax;) {
      if (is_unknown) {
        const Result<bool> made = IsMade(outcome, attempts);
        if (!made) return Unknown(made.error());
        if (*made) return {};
      }
      const Result<Transaction> transaction = Plan(outcome, attempts);
      if (!transaction) return is_unknown ? Unknown(transaction.error()) : transaction.error();
      const int code = client_.Write(transaction->operations(), attempts);
      switch (code) {
        case ZOK:
          return {};
        case ZNONODE:
        case ZBADVERSION:
          if (Result<void> mine = Claim(attempts); !mine) return mine;
          [[fallthrough]];
        case ZNODEEXISTS:
        case ZNOTEMPTY:
          ++conflicts;
          break;
        default:
          is_unknown = true;
          if (!client_.MayTryAgain(code, attempts)) return Unknown(client_.ErrorOf(code));
      }
    }
    return Error{
        ErrorCode::kUnavailable,
        fmt::format("Somebody else keeps changing the store at '/{}' of ZooKeeper at '{}'.",
                    options_.prefix, options_.hosts)};
  }

  // Whoever began to write last owns the tree: it has put its name into a node, whose version is
  // checked by each transaction. So a store that another one has followed changes nothing any
  // more, not even if it was long away. Nor does one whose node somebody has removed, with all
  // else: what depends on something that is gone would be there without it, for the next server.
  Result<void> Claim(Attempts& attempts) {
    const std::string path = OwnerPath();
    while (true) {
      Result<std::vector<ZooKeeperAnswer>> owner =
          client_.Read(ZooKeeperRead::kData, {path}, attempts);
      if (!owner) return owner.error();
      const ZooKeeperAnswer& node = owner->front();
      const bool is_there = node.code == ZOK;
      if (is_there && node.data == me_) {
        epoch_ = node.version;
        created_ = node.created;
        return {};
      }
      if (epoch_ >= 0) return is_there ? TakenOver() : Gone();
      Transaction claim(options_.access);
      is_there ? claim.Set(path, &me_) : claim.Create(path, &me_);
      int code = client_.Write(claim.operations(), attempts);
      if (code == ZNONODE) {
        if (Result<void> made = CreateRoot(attempts); !made) return made;
      } else if (code != ZOK && code != ZNODEEXISTS && !client_.MayTryAgain(code, attempts)) {
        return client_.ErrorOf(code);
      }
    }
  }

  Error Gone() const {
    return {ErrorCode::kUnavailable,
            fmt::format("What was stored at '/{}' of ZooKeeper at '{}' is gone, because somebody "
                        "has removed it: start the server again.",
                        options_.prefix, options_.hosts)};
  }

  Error TakenOver() const {
    return {ErrorCode::kPermissionDenied,
            fmt::format("Another server has taken over the store at '/{}' of ZooKeeper at '{}'.",
                        options_.prefix, options_.hosts)};
  }

  static Error Unknown(Error error) {
    error.message += " It is not known whether the last change was made.";
    return error;
  }

  Result<bool> IsMade(const Outcome& outcome, Attempts& attempts) {
    std::vector<std::string> paths;
    for (const auto& [key, value] : outcome)
      paths.push_back(PathOf(key));
    Result<std::vector<ZooKeeperAnswer>> answers =
        client_.Read(ZooKeeperRead::kData, paths, attempts);
    if (!answers) return answers.error();
    auto answer = answers->begin();
    for (const auto& [key, value] : outcome) {
      if ((answer++)->data != (value == nullptr ? "" : DataOf(*value))) return false;
    }
    return true;
  }

  Result<Transaction> Plan(const Outcome& outcome, Attempts& attempts) {
    const std::set<std::string> keys = KeysConcerned(outcome);
    std::vector<std::string> paths;
    for (const std::string& key : keys)
      paths.push_back(PathOf(key));
    paths.push_back(OwnerPath());
    const Result<std::vector<ZooKeeperAnswer>> answers =
        client_.Read(ZooKeeperRead::kStat, paths, attempts);
    if (!answers) return answers.error();
    // Versions begin anew where ours was removed: that of another's may be the same.
    const ZooKeeperAnswer& owner = answers->back();
    if (owner.created != created_) return owner.code == ZOK ? TakenOver() : Gone();
    std::map<std::string, NodeFacts> facts;
    std::map<std::string, int> versions;
    auto answer = answers->begin();
    for (const std::string& key : keys) {
      facts[key] = {.exists = answer->code == ZOK,
                    .has_value = answer->data_bytes > 0,
                    .children = answer->children};
      versions[key] = (answer++)->version;
    }
    Transaction transaction(options_.access);
    transaction.Check(OwnerPath(), epoch_);
    using enum NodeStep::Kind;
    for (const NodeStep& step : PlanSteps(outcome, facts)) {
      std::string path = PathOf(step.key);
      if (step.kind == kAppear) transaction.Create(std::move(path), step.value);
      if (step.kind == kChange) transaction.Set(std::move(path), step.value);
      if (step.kind == kVanish) transaction.Delete(std::move(path), versions[step.key]);
    }
    return transaction;
  }

  const ZooKeeperStoreOptions options_;
  const std::string root_;
  const std::string me_;  // In the owner's node.
  // The owner's node's version; -1: not ours yet. Of the thread that writes, as the next one.
  int epoch_ = -1;
  std::int64_t created_ = 0;  // The owner's node, when it became ours.
  mutable ZooKeeperClient client_;
  CommitQueue commits_;
};

bool IsPrefix(std::string_view prefix) {
  if (!IsKey(prefix) || prefix == "zookeeper" || prefix.starts_with("zookeeper/")) return false;
  const std::string slashed = fmt::format("/{}/", prefix);
  return std::ranges::all_of(prefix, [](char c) { return c > ' ' && c <= '~'; }) &&
         slashed.find("/./") == slashed.npos && slashed.find("/../") == slashed.npos;
}

Result<void> Check(const ZooKeeperStoreOptions& options) {
  const auto invalid = [](std::string what) {
    return Error{ErrorCode::kInvalidArgument, std::move(what)};
  };
  if (options.hosts.empty()) return invalid("The store in ZooKeeper needs its hosts.");
  if (!IsPrefix(options.prefix)) {
    return invalid(
        fmt::format("'{}' cannot be a node of ZooKeeper for the store.", options.prefix));
  }
  if (options.access == ZooKeeperAccess::kCreatorOnly && options.credentials.empty() &&
      options.certificate_file.empty()) {
    return invalid("Nodes of ZooKeeper for their creator only need credentials.");
  }
#ifndef LIVY_ZOOKEEPER_TLS
  if (!options.ca_file.empty()) {
    return invalid("The library of ZooKeeper in this build has no TLS.");
  }
#endif
  if (options.ca_file.empty() && !(options.certificate_file.empty() && options.key_file.empty())) {
    return invalid("A certificate for ZooKeeper needs the file of its authorities, too.");
  }
  return {};
}

}  // namespace
}  // namespace internal

Result<std::unique_ptr<Store>> OpenZooKeeperStore(const ZooKeeperStoreOptions& options,
                                                  LogSink& log) {
  if (Result<void> checked = internal::Check(options); !checked) return checked.error();
  auto store = std::make_unique<internal::ZooKeeperStore>(options, log);
  if (Result<void> connected = store->Connect(); !connected) return connected.error();
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace livy
