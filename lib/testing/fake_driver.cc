#include "testing/fake_driver.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <livy/clock.h>

#include "core/wire_client.h"

namespace livy::internal {
namespace {

constexpr std::string_view kPrefix = "spark.livy.driver.";

std::string Setting(const std::map<std::string, std::string>& conf, std::string_view name) {
  const auto found = conf.find(fmt::format("{}{}", kPrefix, name));
  return found == conf.end() ? "" : found->second;
}

std::string NewBoot() {
  static std::atomic<int> boots = 0;
  return fmt::format("fake-{}", ++boots);
}

std::int64_t WallMillis() {
  static const std::unique_ptr<Clock> clock = MakeSystemClock();
  return clock->Wall().time_since_epoch().count();
}

}  // namespace

FakeDriver::FakeDriver(const std::map<std::string, std::string>& conf, Interpreter interpreter,
                       std::function<void()> ended)
    : conf_(conf),
      interpreter_(std::move(interpreter)),
      ended_(std::move(ended)),
      path_(fmt::format("/driver/v1/sessions/{}/{{}}?boot={}&have=0", Setting(conf, "session"),
                        NewBoot())),
      headers_({{"Authorization", "Bearer " + Setting(conf, "secret")}}),
      commands_(Dial()),
      events_(Dial()),
      reader_([this] { ReadCommands(); }),
      worker_([this] { Work(); }) {}

FakeDriver::~FakeDriver() {
  Disconnect();
  reader_.join();
  worker_.join();
}

void FakeDriver::Disconnect() {
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
  }
  changed_.notify_all();
  if (commands_) commands_->Shutdown();
  if (events_) events_->Shutdown();
}

std::unique_ptr<PinnedClient> FakeDriver::Dial() const {
  const std::string server = Setting(conf_, "servers");
  const std::size_t colon = server.rfind(':');
  int port = 0;
  if (colon != server.npos) {
    std::from_chars(server.data() + colon + 1, server.data() + server.size(), port);
  }
  Result<std::unique_ptr<PinnedClient>> client =
      PinnedClient::Connect(server.substr(0, colon), port, Setting(conf_, "fingerprint"));
  return client ? *std::move(client) : nullptr;
}

void FakeDriver::ReadCommands() {
  const HttpRequest request = {.target = fmt::format(fmt::runtime(path_), "commands"),
                               .headers = headers_};
  if (commands_) {
    // How the stream ends does not matter: without it there is nothing to do.
    const Result<void> ended = commands_->ReadLines(request, [this](std::string_view line) {
      if (const Result<JsonValue> command = ParseJson(line)) OnCommand(*command);
      return true;
    });
    (void)ended;
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void FakeDriver::OnCommand(const JsonValue& command) {
  const auto text = [&](std::string_view name) -> std::string {
    const JsonValue* value = command.Find(name);
    return value == nullptr || value->AsString() == nullptr ? "" : *value->AsString();
  };
  const auto number = [&](std::string_view name) -> std::optional<int> {
    const JsonValue* value = command.Find(name);
    return value == nullptr ? std::nullopt : value->AsInt();
  };
  const int id = number("id").value_or(-1);
  const std::string op = text("op");
  {
    const std::lock_guard lock(mutex_);
    if (op == "execute") {
      queue_.push_back({.id = id,
                        .request = {.code = text("code"),
                                    .kind = ParseKind(text("kind")),
                                    .rows_max = number("rowsMax")}});
    } else if (op == "cancel") {
      const auto found = std::ranges::find(queue_, id, &Queued::id);
      if (found != queue_.end()) found->cancelled = true;
    } else if (op == "stop") {
      stopping_ = true;
    }
  }
  changed_.notify_all();
}

void FakeDriver::Work() {
  Post({R"("event":"state","state":"starting")",
        R"("event":"application","appId":"fake","uiUrl":null,"sparkVersion":"0.0.0")",
        R"("event":"state","state":"idle")"});
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return gone_ || stopping_ || !queue_.empty(); });
    if (gone_ || queue_.empty()) break;
    const Queued statement = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    Run(statement);
    lock.lock();
  }
  const bool orderly = !gone_;
  lock.unlock();
  if (orderly) Post({R"("event":"state","state":"dead")"});
  ended_();
}

void FakeDriver::Run(const Queued& statement) {
  std::string state = "cancelled";
  std::string output = "null";
  if (!statement.cancelled) {
    Post({fmt::format(R"("event":"started","id":{},"at":{})", statement.id, WallMillis())});
    StatementOutput given = interpreter_(statement.request);
    given.execution_count = statement.id;
    state = "available";
    output = EncodeStatementOutput(given);
  }
  std::vector<std::string> events = {
      fmt::format(R"("event":"finished","id":{},"state":"{}","at":{},"micros":0,"output":{})",
                  statement.id, state, WallMillis(), output)};
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) events.push_back(R"("event":"state","state":"idle")");
  }
  Post(events);
}

void FakeDriver::Post(const std::vector<std::string>& events) {
  if (!events_) return;
  std::string body;
  for (const std::string& event : events) {
    body += fmt::format("{{\"seq\":{},{}}}\n", ++last_event_, event);
  }
  HttpHeaders headers = headers_;
  headers.push_back({"Content-Type", "application/x-ndjson"});
  const Result<HttpResponse> answer =
      events_->Send({.method = "POST",
                     .target = fmt::format(fmt::runtime(path_), "events"),
                     .headers = std::move(headers),
                     .body = std::move(body)});
  // A server that is gone or refuses ends a driver; this one ends when its command stream does.
  (void)answer;
}

}  // namespace livy::internal
