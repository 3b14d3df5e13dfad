#include <livy/client.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "client/channel.h"
#include "core/number.h"
#include "core/percent.h"
#include "core/wire_client.h"

namespace livy {
namespace {

constexpr int kPageSizeMax = 1000;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

Error Unusable(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

// Where sessions are, and batches, and how their messages call them.
struct Resource {
  std::string_view path;
  std::string_view noun;
  // The id in what the server answers.
  Result<int> (*id_of)(const internal::JsonValue& json);
};

template <typename Value, Result<Value> (*kDecode)(const internal::JsonValue&)>
Result<int> IdOf(const internal::JsonValue& json) {
  const Result<Value> value = kDecode(json);
  if (!value) return value.error();
  return value->id;
}

constexpr Resource kSessions = {"/sessions", "session", IdOf<Session, internal::DecodeSession>};
constexpr Resource kBatches = {"/batches", "batch", IdOf<Batch, internal::DecodeBatch>};

Result<int> PostTo(internal::Channel& channel, const Resource& resource, std::string body) {
  const Result<internal::JsonValue> json =
      channel.Create(std::string(resource.path), std::move(body));
  if (!json) return json.error();
  return resource.id_of(*json);
}

// `key` may be in a URL as it is.
Result<int> Find(internal::Channel& channel, const Resource& resource, std::string_view key) {
  const Result<internal::JsonValue> json = channel.Get(fmt::format("{}/{}", resource.path, key));
  if (!json) return json.error();
  return resource.id_of(*json);
}

Result<int> FindNamed(internal::Channel& channel, const Resource& resource, std::string_view name) {
  if (name.empty()) return Unusable(fmt::format("A {}'s name is not empty.", resource.noun));
  if (!std::ranges::all_of(name, IsDigit))
    return Find(channel, resource, internal::PercentEncode(name));
  const std::optional<int> id = internal::ParseNumber<int>(name);
  if (id) return Find(channel, resource, std::to_string(*id));
  return Error{ErrorCode::kNotFound, fmt::format("No {} has an id like {}.", resource.noun, name)};
}

}  // namespace

LivyClient::LivyClient(std::shared_ptr<internal::Channel> channel, int page_size)
    : channel_(std::move(channel)), page_size_(page_size) {}

Result<LivyClient> LivyClient::Create(ClientOptions options) {
  if (options.page_size < 1 || options.page_size > kPageSizeMax) {
    return Unusable(
        fmt::format("A page size of {} is not within 1 to {}.", options.page_size, kPageSizeMax));
  }
  if (options.request_timeout <= std::chrono::milliseconds(0)) {
    return Unusable(fmt::format("A request timeout of {} ms leaves no time for an answer.",
                                options.request_timeout.count()));
  }
  if (options.connection == nullptr) {
    Result<std::shared_ptr<Connection>> connection = MakeHttpConnection(options.http);
    if (!connection) return connection.error();
    options.connection = *std::move(connection);
  }
  if (options.clock == nullptr) options.clock = MakeSystemClock();
  return LivyClient(
      std::make_shared<internal::Channel>(std::move(options.connection), std::move(options.clock),
                                          options.request_timeout, options.retry_timeout),
      options.page_size);
}

Result<SessionHandle> LivyClient::CreateSession(const SessionRequest& request) const {
  const Result<int> id = PostTo(*channel_, kSessions, internal::EncodeSessionRequest(request));
  if (!id) return id.error();
  return SessionHandle(channel_, *id);
}

Result<SessionHandle> LivyClient::OpenSession(int id) const {
  const Result<int> found = Find(*channel_, kSessions, std::to_string(id));
  if (!found) return found.error();
  return SessionHandle(channel_, *found);
}

Result<SessionHandle> LivyClient::OpenSession(std::string_view name) const {
  const Result<int> id = FindNamed(*channel_, kSessions, name);
  if (!id) return id.error();
  return SessionHandle(channel_, *id);
}

Result<BatchHandle> LivyClient::SubmitBatch(const BatchRequest& request) const {
  const Result<int> id = PostTo(*channel_, kBatches, internal::EncodeBatchRequest(request));
  if (!id) return id.error();
  return BatchHandle(channel_, *id);
}

Result<BatchHandle> LivyClient::OpenBatch(int id) const {
  const Result<int> found = Find(*channel_, kBatches, std::to_string(id));
  if (!found) return found.error();
  return BatchHandle(channel_, *found);
}

Result<BatchHandle> LivyClient::OpenBatch(std::string_view name) const {
  const Result<int> id = FindNamed(*channel_, kBatches, name);
  if (!id) return id.error();
  return BatchHandle(channel_, *id);
}

BatchRange LivyClient::Batches() const {
  return BatchRange(channel_, page_size_);
}

SessionRange LivyClient::Sessions() const {
  return SessionRange(channel_, page_size_);
}

Result<std::string> LivyClient::ServerVersion() const {
  const Result<internal::JsonValue> json = channel_->Get("/version");
  if (!json) return json.error();
  const internal::JsonValue* const version = json->Find("version");
  if (version == nullptr || version->AsString() == nullptr)
    return Error{ErrorCode::kInternal, "The server's answer to /version names no version."};
  return *version->AsString();
}

}  // namespace livy
