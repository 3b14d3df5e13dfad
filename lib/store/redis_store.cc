#include <memory>
#include <mutex>
#include <random>
#include <utility>

#include <fmt/format.h>

#include <livy/store.h>

#include "store/commit_queue.h"
#include "store/redis_client.h"
#include "store/tree_keys.h"
#include "store/tree_plan.h"

namespace livy {
namespace internal {
namespace {

using Type = RedisReply::Type;

// Bounds how long one caller waits for the others' changes.
constexpr std::size_t kBatchesAtOnceMax = 256;
// How often somebody else may have written between looking and writing.
constexpr int kConflictsMax = 20;

std::string RandomId() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

// A key's value is at "PREFIX:v:KEY"; the names below it are a sorted set at "PREFIX:c:KEY", all
// with the score 0, which Redis orders by their bytes.
//
// "PREFIX:writer" has the last transaction's id: that of its store, and a number. Each transaction
// watches it before it looks at anything, and sets it. So one whose answer was lost is found by its
// id; and if it is not there when the next transaction is made, it does not come later, because
// Redis refuses it then. For the same reason a store cannot undo what another one has begun: who
// finds another's id gives up. So does who finds none any more.
class RedisStore : public Store {
 public:
  RedisStore(const RedisStoreOptions& options, LogSink& log)
      : options_(options),
        log_(log),
        writer_(options_, *clock_, log),
        reader_(options_, *clock_, log),
        commits_([this](const std::vector<PendingBatch*>& batches) { Write(batches); },
                 kBatchesAtOnceMax) {}

  Result<void> Connect() {
    const Clock::TimePoint deadline = clock_->Now() + options_.connect_timeout;
    const RedisClient::Answer asked = writer_.Send({{"INFO", "persistence"}}, deadline);
    if (!asked.is_answered) return asked.failure;
    const RedisReply& reply = asked.replies.front();
    // Who may not ask for this may still use the store; who has not said who they are may not.
    if (reply.type == Type::kError && reply.text.starts_with("NOAUTH")) {
      return writer_.ErrorOf(reply.text);
    }
    if (reply.text.find("aof_enabled:0") != std::string::npos) {
      log_.Write(
          LogLevel::kWarning, "store",
          "Redis keeps no append-only file (appendonly yes): what is stored does not survive "
          "its death");
    }
    return {};
  }

  Result<void> Apply(const std::vector<StoreChange>& changes) override {
    if (Result<void> checked = CheckKeys(changes); !checked) return checked;
    if (changes.empty()) return {};
    return commits_.Submit(changes);
  }

  Result<std::optional<std::string>> Get(std::string_view key) const override {
    Result<RedisReply> reply = Ask({"GET", ValueName(key)});
    if (!reply) return reply.error();
    if (reply->type == Type::kNothing) return std::optional<std::string>();
    return std::optional(std::move(reply->text));
  }

  Result<std::vector<std::string>> Children(std::string_view key) const override {
    Result<RedisReply> reply = Ask({"ZRANGEBYLEX", ChildrenName(key), "-", "+"});
    if (!reply) return reply.error();
    std::vector<std::string> names;
    for (RedisReply& name : reply->list)
      names.push_back(std::move(name.text));
    return names;
  }

 private:
  enum class Step { kMade, kAgain, kLost };

  std::string ValueName(std::string_view key) const {
    return fmt::format("{}:v:{}", options_.prefix, key);
  }
  std::string ChildrenName(std::string_view key) const {
    return fmt::format("{}:c:{}", options_.prefix, key);
  }
  std::string WriterName() const { return fmt::format("{}:writer", options_.prefix); }

  // Reads are repeated until the time is up. They share a connection, one at a time: a server reads
  // when it starts, and seldom after that.
  Result<RedisReply> Ask(const RedisCommand& command) const {
    const Clock::TimePoint deadline = clock_->Now() + options_.request_timeout;
    const std::lock_guard lock(reading_);
    while (true) {
      RedisClient::Answer outcome = reader_.Send({command}, deadline);
      const bool is_passing = outcome.is_answered && IsPassing(outcome.replies.front());
      if (outcome.is_answered && !is_passing) {
        RedisReply& reply = outcome.replies.front();
        if (reply.type == Type::kError) return reader_.ErrorOf(reply.text);
        return std::move(reply);
      }
      const Error failure =
          is_passing ? reader_.ErrorOf(outcome.replies.front().text) : outcome.failure;
      if (!MayTryAgain(deadline)) return failure;
    }
  }

  // After the pause, if there is time for it.
  bool MayTryAgain(Clock::TimePoint deadline) const {
    if (clock_->Now() + options_.retry_pause >= deadline) return false;
    clock_->Sleep(options_.retry_pause);
    return true;
  }

  void Write(const std::vector<PendingBatch*>& batches) {
    Outcome outcome;
    for (const PendingBatch* batch : batches)
      AddOutcome(*batch->changes, outcome);
    const Result<void> written = Transact(outcome);
    for (PendingBatch* batch : batches)
      batch->result = written;
  }

  // All of them or none.
  Result<void> Transact(const Outcome& outcome) {
    const std::string id = fmt::format("{}:{}", id_, ++transactions_);
    const Clock::TimePoint deadline = clock_->Now() + options_.request_timeout;
    bool is_unknown = false;
    for (int conflicts = 0; conflicts < kConflictsMax; ++conflicts) {
      Error failure;
      const Result<Step> step = Try(outcome, id, deadline, failure);
      if (!step) return step.error();
      if (*step == Step::kMade) return {};
      if (*step == Step::kAgain) continue;
      is_unknown = true;
      conflicts = 0;
      if (!MayTryAgain(deadline)) {
        failure.message += " It is not known whether the last change was made.";
        return failure;
      }
    }
    return writer_.ErrorOf(is_unknown ? "it was not reached in time"
                                      : "somebody else keeps changing the store");
  }

  Result<Step> Try(const Outcome& outcome, const std::string& id, Clock::TimePoint deadline,
                   Error& failure) {
    std::vector<RedisCommand> questions = {{"WATCH", WriterName()}, {"GET", WriterName()}};
    const std::set<std::string> keys = KeysConcerned(outcome);
    for (const std::string& key : keys) {
      questions.push_back({"EXISTS", ValueName(key)});
      questions.push_back({"ZCARD", ChildrenName(key)});
    }
    const RedisClient::Answer asked = writer_.Send(questions, deadline);
    if (Result<Step> step = StepAfter(asked, failure); !step || *step != Step::kMade) return step;

    const std::string& last_id = asked.replies[1].text;
    if (last_id == id) {
      has_written_ = true;
      return Step::kMade;
    }
    if (has_written_ && !last_id.empty() && !last_id.starts_with(id_)) {
      return Error{ErrorCode::kPermissionDenied,
                   writer_.ErrorOf("another server has taken this store over").message};
    }
    if (has_written_ && last_id.empty()) {
      // What depends on something that is gone would be there without it, for the next server.
      return writer_.ErrorOf(
          "what was stored is gone, because Redis was emptied or died without an append-only "
          "file; start the server again");
    }
    std::map<std::string, NodeFacts> facts;
    std::size_t at = 2;
    for (const std::string& key : keys) {
      const bool has_value = asked.replies[at++].number > 0;
      const auto children = static_cast<std::size_t>(asked.replies[at++].number);
      facts[key] = {
          .exists = has_value || children > 0, .has_value = has_value, .children = children};
    }
    return Make(PlanSteps(outcome, facts), id, deadline, failure);
  }

  Result<Step> Make(const std::vector<NodeStep>& steps, const std::string& id,
                    Clock::TimePoint deadline, Error& failure) {
    std::vector<RedisCommand> commands = {{"MULTI"}};
    for (const NodeStep& step : steps)
      AddCommands(step, commands);
    commands.push_back({"SET", WriterName(), id});
    commands.push_back({"EXEC"});
    const RedisClient::Answer made = writer_.Send(commands, deadline);
    if (Result<Step> step = StepAfter(made, failure); !step || *step != Step::kMade) return step;
    // Nothing: somebody has written since we looked.
    if (made.replies.back().type == Type::kNothing) return Step::kAgain;
    has_written_ = true;
    return Step::kMade;
  }

  // kMade if there are answers without an error.
  Result<Step> StepAfter(const RedisClient::Answer& outcome, Error& failure) const {
    if (!outcome.is_answered) {
      failure = outcome.failure;
      return Step::kLost;
    }
    for (const RedisReply& reply : outcome.replies) {
      if (reply.type != Type::kError) continue;
      // Redis makes no transaction of which it has refused a part, such as when it is full.
      failure = writer_.ErrorOf(reply.text);
      if (IsPassing(reply)) return Step::kLost;
      return failure;
    }
    return Step::kMade;
  }

  void AddCommands(const NodeStep& step, std::vector<RedisCommand>& commands) const {
    using enum NodeStep::Kind;
    const std::size_t slash = step.key.rfind('/');
    if (slash != step.key.npos && step.kind != kChange) {
      const std::string parent = ChildrenName(std::string_view(step.key).substr(0, slash));
      const std::string name = step.key.substr(slash + 1);
      commands.push_back(step.kind == kAppear ? RedisCommand{"ZADD", parent, "0", name}
                                              : RedisCommand{"ZREM", parent, name});
    }
    if (step.value != nullptr) {
      commands.push_back({"SET", ValueName(step.key), *step.value});
    } else if (step.kind != kAppear) {
      commands.push_back({"DEL", ValueName(step.key)});
    }
  }

  const RedisStoreOptions options_;
  LogSink& log_;
  const std::unique_ptr<Clock> clock_ = MakeSystemClock();
  const std::string id_ = RandomId();
  // Of whoever writes for all.
  RedisClient writer_;
  std::uint64_t transactions_ = 0;
  bool has_written_ = false;
  mutable std::mutex reading_;
  mutable RedisClient reader_;  // Guarded by reading_.
  CommitQueue commits_;
};

Result<void> Check(const RedisStoreOptions& options) {
  const auto invalid = [](std::string what) {
    return Error{ErrorCode::kInvalidArgument, std::move(what)};
  };
  if (options.host.empty() && options.unix_socket.empty()) {
    return invalid("The store in Redis needs a host or a socket.");
  }
  if (options.port < 1 || options.port > 65535) {
    return invalid(fmt::format("{} is no port of Redis.", options.port));
  }
  if (options.database < 0) {
    return invalid(fmt::format("{} is no database of Redis.", options.database));
  }
  if (options.prefix.empty()) return invalid("The store in Redis needs a prefix.");
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return invalid("A certificate for Redis and its key go together.");
  }
  if (options.security == RedisSecurity::kPlain &&
      !(options.ca_file.empty() && options.certificate_file.empty())) {
    return invalid("There are certificates for Redis, but no TLS.");
  }
  return {};
}

}  // namespace
}  // namespace internal

Result<std::unique_ptr<Store>> OpenRedisStore(const RedisStoreOptions& options, LogSink& log) {
  if (Result<void> checked = internal::Check(options); !checked) return checked.error();
  auto store = std::make_unique<internal::RedisStore>(options, log);
  if (Result<void> connected = store->Connect(); !connected) return connected.error();
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace livy
