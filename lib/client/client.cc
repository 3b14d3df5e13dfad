#include <livy/client.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "client/channel.h"
#include "core/wire_client.h"

namespace livy {
namespace {

constexpr int kPageSizeMax = 1000;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Whether a URL may hold `c` as it is, wherever it stands (RFC 3986, section 2.3).
bool IsUnreserved(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::string PercentEncoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

Result<Session> FetchSession(internal::Channel& channel, std::string_view key) {
  const Result<internal::JsonValue> json = channel.Get(fmt::format("/sessions/{}", key));
  if (!json) return json.error();
  return internal::DecodeSession(*json);
}

Error Unusable(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
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
                                          options.request_timeout),
      options.page_size);
}

Result<SessionHandle> LivyClient::CreateSession(const SessionRequest& request) const {
  const Result<internal::JsonValue> json =
      channel_->Post("/sessions", internal::EncodeSessionRequest(request));
  if (!json) return json.error();
  const Result<Session> session = internal::DecodeSession(*json);
  if (!session) return session.error();
  return SessionHandle(channel_, session->id);
}

Result<SessionHandle> LivyClient::OpenSession(int id) const {
  const Result<Session> session = FetchSession(*channel_, std::to_string(id));
  if (!session) return session.error();
  return SessionHandle(channel_, session->id);
}

Result<SessionHandle> LivyClient::OpenSession(std::string_view name) const {
  if (name.empty()) return Unusable("A session's name is not empty.");
  if (std::ranges::all_of(name, IsDigit)) {
    int id = 0;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (failure == std::errc()) return OpenSession(id);
    return Error{ErrorCode::kNotFound, fmt::format("No session has an id like {}.", name)};
  }
  const Result<Session> session = FetchSession(*channel_, PercentEncoded(name));
  if (!session) return session.error();
  return SessionHandle(channel_, session->id);
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
