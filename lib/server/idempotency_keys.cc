#include "server/idempotency_keys.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"
#include "http/certificate.h"

namespace livy::internal {
namespace {

constexpr std::string_view kRoot = "v1/liblivy/keys";

// Half of a SHA-256: more than enough for what only its own user could make collide.
constexpr std::size_t kDigits = 32;

// Forgotten with one new key, so that no request pays for all that have become old at once.
constexpr int kForgottenAtOnceMax = 4;

std::string Digest(std::string_view text) {
  return Sha256Hex(text).substr(0, kDigits);
}

// A user without a name is not one whose name is empty.
std::string Named(const User& user) {
  return user ? "=" + *user : "";
}

std::string KeyOf(std::string_view name) {
  return fmt::format("{}/{}", kRoot, name);
}

}  // namespace

IdempotencyKeys::IdempotencyKeys(IdempotencyOptions options, Store& store, Clock& clock,
                                 LogSink& log)
    : options_(options), store_(store), clock_(clock), log_(log) {}

Result<void> IdempotencyKeys::Load() {
  const Result<std::vector<std::string>> names = store_.Children(kRoot);
  if (!names) return names.error();
  std::vector<std::pair<std::string, Entry>> loaded;
  for (const std::string& name : *names) {
    const Result<std::optional<std::string>> text = store_.Get(KeyOf(name));
    if (!text) return text.error();
    const Result<JsonValue> json = ParseJson(text->value_or(""));
    const JsonValue* id = json ? json->Find("id") : nullptr;
    const JsonValue* at = json ? json->Find("at") : nullptr;
    if (id == nullptr || at == nullptr || !id->AsInt() || !at->AsInt64()) {
      log_.Write(LogLevel::kError, "server", fmt::format("{} is damaged.", KeyOf(name)));
      continue;
    }
    loaded.emplace_back(name,
                        Entry{.user = TextOf(*json, "user").value_or(""),
                              .digest = TextOf(*json, "request").value_or(""),
                              .id = *id->AsInt(),
                              .at = Clock::WallTime(std::chrono::milliseconds(*at->AsInt64()))});
  }
  std::ranges::sort(loaded, {}, [](const auto& entry) { return entry.second.at; });
  const std::lock_guard lock(mutex_);
  for (auto& [name, entry] : loaded)
    Remember(name, std::move(entry));
  return {};
}

// A clock that was set back makes nothing older than it is.
bool IdempotencyKeys::IsOld(Clock::WallTime at) const {
  return clock_.Wall() - at >= options_.retain;
}

IdempotencyKeys::Answer IdempotencyKeys::Begin(const KeyedRequest& request, Again again) {
  const std::string user = Named(request.user);
  Answer answer = {.name = Digest(fmt::format("{}\n{}", request.key, user))};
  std::string digest = Digest(request.content);
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(answer.name);
  if (found == entries_.end() || (found->second.id && IsOld(found->second.at))) {
    // One that is old stays in ages_ with its time, which tells it from the new one.
    entries_[answer.name] = {
        .user = user, .digest = std::move(digest), .at = clock_.Wall(), .waiting = {}};
    return answer;
  }
  Entry& entry = found->second;
  if (entry.digest != digest) {
    answer.kind = Answer::Kind::kMisused;
  } else if (entry.id) {
    answer.kind = Answer::Kind::kCreated;
    answer.id = *entry.id;
  } else {
    answer.kind = Answer::Kind::kWaits;
    entry.waiting.push_back(std::move(again));
  }
  return answer;
}

std::vector<StoreChange> IdempotencyKeys::ChangesFor(const std::string& name, int id) {
  const std::lock_guard lock(mutex_);
  const Entry& entry = entries_.at(name);
  std::vector<StoreChange> changes;
  ForgetOld(entry.user, changes);
  JsonWriter json;
  json.BeginObject().Key("user").String(entry.user).Key("request").String(entry.digest);
  json.Key("id").Int(id).Key("at").Int(entry.at.time_since_epoch().count()).EndObject();
  changes.push_back({.key = KeyOf(name), .value = json.Take()});
  return changes;
}

// If the changes then cannot be stored, what is forgotten here is still in the store: a later
// server forgets it.
void IdempotencyKeys::ForgetOld(const std::string& user, std::vector<StoreChange>& changes) {
  std::deque<Aged>& ages = ages_[user];
  for (int forgotten = 0; forgotten < kForgottenAtOnceMax && !ages.empty(); ++forgotten) {
    const Aged& oldest = ages.front();
    const bool is_full = static_cast<int>(ages.size()) >= options_.keys_max;
    if (!is_full && !IsOld(oldest.at)) return;
    const auto entry = entries_.find(oldest.name);
    if (entry != entries_.end() && entry->second.id && entry->second.at == oldest.at) {
      entries_.erase(entry);
      changes.push_back({.key = KeyOf(oldest.name)});
    }
    ages.pop_front();
  }
}

void IdempotencyKeys::Settle(const std::string& name, std::optional<int> id,
                             const HttpResponse* refusal) {
  std::vector<Again> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    waiting.swap(found->second.waiting);
    if (id) {
      Entry entry = std::move(found->second);
      entry.id = id;
      Remember(name, std::move(entry));
    } else {
      entries_.erase(found);
    }
  }
  for (const Again& again : waiting)
    again(refusal);
}

void IdempotencyKeys::Remember(const std::string& name, Entry entry) {
  ages_[entry.user].push_back({.at = entry.at, .name = name});
  entries_[name] = std::move(entry);
}

}  // namespace livy::internal
