// What InteractiveSession tells those who follow it.
#include <string_view>
#include <utility>

#include "core/json.h"
#include "http/certificate.h"
#include "server/interactive_session.h"

namespace livy::internal {
namespace {

// Ids of another run of the server, or of another session, must not be taken for ours.
constexpr std::size_t kRunBytes = 4;

JsonWriter& BeginStatement(const StatementRecord& statement, JsonWriter& json) {
  json.BeginObject().Key("id").Int(statement.id).Key("state").String(ToString(statement.state));
  return json.Key("progress").Double(statement.progress);
}

}  // namespace

bool InteractiveSession::HasToldAll(std::string_view last_event_id) const {
  const std::shared_ptr<EventFeed> feed = Feed();
  return feed != nullptr && feed->HasToldAll(last_event_id);
}

EventFeed::Token InteractiveSession::Follow(std::shared_ptr<ResponseStream> stream,
                                            std::string_view last_event_id) {
  std::shared_ptr<EventFeed> feed;
  {
    const std::lock_guard lock(mutex_);
    if (feed_ == nullptr) OpenFeed();
    feed = feed_;
  }
  return feed->Follow(std::move(stream), last_event_id, lease_->Watch());
}

void InteractiveSession::Unfollow(EventFeed::Token token) {
  if (const std::shared_ptr<EventFeed> feed = Feed()) feed->Forget(token);
}

bool InteractiveSession::IsFollowed() const {
  const std::shared_ptr<EventFeed> feed = Feed();
  return feed != nullptr && feed->has_readers();
}

void InteractiveSession::KeepFollowersAlive() {
  if (const std::shared_ptr<EventFeed> feed = Feed()) feed->KeepAlive();
}

std::shared_ptr<EventFeed> InteractiveSession::Feed() const {
  const std::lock_guard lock(mutex_);
  return feed_;
}

// Sessions that nobody ever follows pay nothing.
void InteractiveSession::OpenFeed() {
  feed_ = std::make_shared<EventFeed>(
      EventFeedOptions{.run = RandomHex(kRunBytes),
                       .events_max = static_cast<std::size_t>(services_.limits.events_retained_max),
                       .bytes_max = services_.limits.events_retained_bytes_max},
      [self = weak_from_this()]() -> std::optional<EventFeed::Snapshot> {
        const auto session = self.lock();
        if (session == nullptr) return std::nullopt;
        return session->TakeSnapshot();
      });
  if (HasEnded(state_)) TellEnd();
}

EventFeed::Snapshot InteractiveSession::TakeSnapshot() const {
  EventFeed::Snapshot snapshot;
  std::vector<StatementRecord> statements;
  JsonWriter json;
  {
    const std::lock_guard lock(mutex_);
    // The end is told by its own event, too.
    snapshot.number = feed_->last() - (HasEnded(state_) ? 1 : 0);
    json.BeginObject().Key("id").Int(id_).Key("state").String(ToString(state_));
    for (const auto& [id, statement] : statements_)
      statements.push_back(statement);
  }
  json.Key("statements").BeginArray();
  for (const StatementRecord& statement : statements) {
    BeginStatement(statement, json);
    if (statement.printed) json.Key("stdout").String(*statement.printed);
    json.EndObject();
  }
  json.EndArray().EndObject();
  snapshot.json = json.Take();
  return snapshot;
}

void InteractiveSession::TellState() const {
  if (feed_ == nullptr || HasEnded(state_)) return;
  JsonWriter json;
  json.BeginObject().Key("state").String(ToString(state_)).EndObject();
  feed_->Publish("session", json.Take());
}

void InteractiveSession::TellEnd() const {
  if (feed_ == nullptr) return;
  JsonWriter json;
  json.BeginObject().Key("state").String(ToString(state_));
  json.Key("reason").String(end_reason_).EndObject();
  feed_->Publish("end", json.Take());
  feed_->End();
}

void InteractiveSession::TellStatement(const StatementRecord& statement) const {
  if (feed_ == nullptr) return;
  JsonWriter json;
  BeginStatement(statement, json).EndObject();
  feed_->Publish("statement", json.Take());
}

void InteractiveSession::TellChange(const StatementRecord& before,
                                    const StatementRecord& statement) const {
  if (feed_ == nullptr) return;
  if (statement.state != before.state) {
    TellStatement(statement);
  } else if (statement.progress != before.progress) {
    JsonWriter json;
    json.BeginObject().Key("id").Int(statement.id);
    json.Key("progress").Double(statement.progress).EndObject();
    feed_->Publish("progress", json.Take());
  }
  const std::size_t held = before.printed ? before.printed->size() : 0;
  if (statement.printed && statement.printed->size() > held) {
    JsonWriter json;
    json.BeginObject().Key("id").Int(statement.id);
    json.Key("text").String(std::string_view(*statement.printed).substr(held)).EndObject();
    feed_->Publish("output", json.Take());
  }
}

InteractiveSession::Telling::~Telling() {
  if (const std::shared_ptr<EventFeed> feed = session_.Feed()) feed->Pump();
}

}  // namespace livy::internal
