#include "store/zookeeper_client.h"

#include <algorithm>
#include <condition_variable>
#include <utility>
#include <zookeeper/zookeeper.h>

#include <fmt/format.h>

namespace livy::internal {

// Requests that one caller waits for. The library's thread answers them, maybe after the caller has
// given up, so it is shared with the tickets.
struct ZooKeeperClient::Exchange {
  explicit Exchange(std::size_t count) : answers(count), open(count) {
    for (ZooKeeperAnswer& answer : answers)
      answer.code = ZOPERATIONTIMEOUT;
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ZooKeeperAnswer> answers;  // Guarded by mutex.
  std::size_t open;                      // Guarded by mutex.
  std::vector<zoo_op_result_t> results;  // The library's, while a transaction is under way.
};

// One request, for the library to hand back. It is called for each that it has taken, once.
struct ZooKeeperClient::Ticket {
  std::shared_ptr<Exchange> exchange;
  std::size_t index = 0;

  static void Answer(const void* data, ZooKeeperAnswer answer) {
    const std::unique_ptr<const Ticket> ticket(static_cast<const Ticket*>(data));
    Exchange& exchange = *ticket->exchange;
    const std::lock_guard lock(exchange.mutex);
    exchange.answers[ticket->index] = std::move(answer);
    --exchange.open;
    exchange.changed.notify_all();
  }
  static ZooKeeperAnswer Of(int code, const Stat* stat) {
    ZooKeeperAnswer answer = {.code = code};
    if (code == ZOK && stat != nullptr) {
      answer.data_bytes = static_cast<std::size_t>(std::max(0, stat->dataLength));
      answer.children = static_cast<std::size_t>(std::max(0, stat->numChildren));
      answer.version = stat->version;
      answer.created = stat->czxid;
    }
    return answer;
  }

  static void OnStat(int code, const Stat* stat, const void* data) { Answer(data, Of(code, stat)); }
  static void OnData(int code, const char* value, int size, const Stat* stat, const void* data) {
    ZooKeeperAnswer answer = Of(code, stat);
    if (code == ZOK && size > 0) answer.data.assign(value, static_cast<std::size_t>(size));
    Answer(data, std::move(answer));
  }
  static void OnNames(int code, const String_vector* names, const void* data) {
    ZooKeeperAnswer answer = {.code = code};
    if (code == ZOK && names != nullptr)
      answer.names.assign(names->data, names->data + names->count);
    Answer(data, std::move(answer));
  }
  static void OnDone(int code, const void* data) { Answer(data, {.code = code}); }
};

namespace {

bool IsBroken(int code) {
  return code == ZCONNECTIONLOSS || code == ZOPERATIONTIMEOUT || code == ZSESSIONEXPIRED ||
         code == ZSESSIONMOVED || code == ZINVALIDSTATE || code == ZCLOSING || code == ZTHROTTLEDOP;
}

}  // namespace

ZooKeeperClient::ZooKeeperClient(const ZooKeeperStoreOptions& options, LogSink& log)
    : options_(options), log_(log) {}

ZooKeeperClient::Attempts ZooKeeperClient::Begin() const {
  return {.deadline = clock_->Now() + options_.request_timeout,
          .retries_left = options_.retries_max};
}

Result<void> ZooKeeperClient::Connect() {
  const Result<std::shared_ptr<ZooKeeperSession>> session = Session();
  if (!session) return session.error();
  using enum ZooKeeperLink::State;
  switch ((*session)->link().Wait(*clock_, clock_->Now() + options_.connect_timeout)) {
    case kConnected:
      return {};
    case kRefused:
      return ErrorOf(ZAUTHFAILED);
    default:
      return ErrorOf(ZCONNECTIONLOSS);
  }
}

// An expired session cannot be used again: whoever comes next begins another one.
Result<std::shared_ptr<ZooKeeperSession>> ZooKeeperClient::Session() {
  std::shared_ptr<ZooKeeperSession> seen;
  {
    const std::lock_guard lock(mutex_);
    seen = session_;
  }
  if (seen != nullptr && seen->link().state() != ZooKeeperLink::State::kExpired) return seen;
  Result<std::shared_ptr<ZooKeeperSession>> started = ZooKeeperSession::Start(options_, log_);
  if (!started) return started;
  const std::lock_guard lock(mutex_);
  // If another thread was quicker, ours closes without having been used.
  if (session_ == seen) session_ = *started;
  return session_;
}

std::shared_ptr<ZooKeeperSession> ZooKeeperClient::Connected(const Attempts& attempts, int& code) {
  code = ZCONNECTIONLOSS;
  Result<std::shared_ptr<ZooKeeperSession>> session = Session();
  if (!session) return nullptr;
  const Clock::TimePoint deadline =
      std::min(attempts.deadline, clock_->Now() + options_.connect_timeout);
  using enum ZooKeeperLink::State;
  switch ((*session)->link().Wait(*clock_, deadline)) {
    case kConnected:
      return *session;
    case kExpired:
      code = ZSESSIONEXPIRED;
      return nullptr;
    case kRefused:
      code = ZAUTHFAILED;
      return nullptr;
    case kConnecting:
      return nullptr;
  }
  return nullptr;
}

void ZooKeeperClient::Await(Exchange& exchange, Clock::TimePoint deadline) {
  std::unique_lock lock(exchange.mutex);
  while (exchange.open > 0 && clock_->Now() < deadline)
    clock_->WaitUntil(lock, exchange.changed, deadline);
}

int ZooKeeperClient::Send(_zhandle* handle, ZooKeeperRead what, const std::string& path,
                          Ticket* ticket) {
  switch (what) {
    case ZooKeeperRead::kStat:
      return zoo_aexists(handle, path.c_str(), 0, Ticket::OnStat, ticket);
    case ZooKeeperRead::kData:
      return zoo_aget(handle, path.c_str(), 0, Ticket::OnData, ticket);
    case ZooKeeperRead::kNames:
      return zoo_aget_children(handle, path.c_str(), 0, Ticket::OnNames, ticket);
  }
  return ZBADARGUMENTS;
}

Result<std::vector<ZooKeeperAnswer>> ZooKeeperClient::Read(ZooKeeperRead what,
                                                           const std::vector<std::string>& paths,
                                                           Attempts& attempts) {
  while (true) {
    int code = ZOK;
    if (const std::shared_ptr<ZooKeeperSession> session = Connected(attempts, code)) {
      const auto exchange = std::make_shared<Exchange>(paths.size());
      for (std::size_t index = 0; index < paths.size(); ++index) {
        auto* ticket = new Ticket{exchange, index};
        const int refused = Send(session->handle(), what, paths[index], ticket);
        if (refused != ZOK) Ticket::Answer(ticket, {.code = refused});
      }
      Await(*exchange, attempts.deadline);
      const std::lock_guard lock(exchange->mutex);
      code = ZOK;
      for (const ZooKeeperAnswer& answer : exchange->answers) {
        if (answer.code != ZOK && answer.code != ZNONODE) code = answer.code;
      }
      if (code == ZOK) return exchange->answers;
    }
    if (!MayTryAgain(code, attempts)) return ErrorOf(code);
  }
}

int ZooKeeperClient::Write(const std::vector<zoo_op>& operations, Attempts& attempts) {
  int code = ZOK;
  const std::shared_ptr<ZooKeeperSession> session = Connected(attempts, code);
  if (session == nullptr) return code;
  const auto exchange = std::make_shared<Exchange>(1);
  exchange->results.resize(operations.size());
  auto* ticket = new Ticket{exchange, 0};
  const int refused =
      zoo_amulti(session->handle(), static_cast<int>(operations.size()), operations.data(),
                 exchange->results.data(), Ticket::OnDone, ticket);
  if (refused != ZOK) Ticket::Answer(ticket, {.code = refused});
  Await(*exchange, attempts.deadline);
  const std::lock_guard lock(exchange->mutex);
  return exchange->answers.front().code;
}

bool ZooKeeperClient::MayTryAgain(int code, Attempts& attempts) {
  const Clock::TimePoint now = clock_->Now();
  if (!IsBroken(code) || attempts.retries_left <= 0 || now >= attempts.deadline) return false;
  --attempts.retries_left;
  clock_->Sleep(std::min<Clock::Duration>(options_.retry_pause, attempts.deadline - now));
  return true;
}

Error ZooKeeperClient::ErrorOf(int code) const {
  return {ErrorCode::kUnavailable,
          fmt::format("The store in ZooKeeper at '{}' failed: {}.", options_.hosts, zerror(code))};
}

}  // namespace livy::internal
