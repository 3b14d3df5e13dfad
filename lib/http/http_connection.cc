#include "http/http_connection.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <livy/clock.h>
#include <livy/connection.h>

#include "core/number.h"
#include "http/client_channel.h"
#include "http/compression.h"
#include "http/dial.h"
#include "http/field_text.h"
#include "http/request_writer.h"

namespace livy {
namespace {

using internal::ClientChannel;
using internal::ContentCoding;
using internal::Deadline;
using internal::ResponseParser;
using internal::SslContextPtr;
using Ending = ClientChannel::Ending;
using ChannelPtr = std::unique_ptr<ClientChannel>;

// Beyond it, arithmetic with time points would overflow.
constexpr std::chrono::hours kTimeoutMax(24 * 365);

struct Endpoint {
  bool is_tls = false;
  std::string host = {};  // Without brackets.
  int port = 0;
  std::string prefix = {};  // Without a slash at the end.

  std::string Authority() const { return internal::AuthorityText(host, port); }
};

std::optional<int> ParsePort(std::string_view text) {
  const std::optional<int> port = internal::ParseNumber<int>(text);
  return port && *port > 0 && *port < 65536 ? port : std::nullopt;
}

bool HasControlOrSpace(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

Result<Endpoint> ParseUrl(const std::string& url) {
  const Error bad = {ErrorCode::kInvalidArgument,
                     fmt::format("'{}' is not a URL of the form http://host:port/path.", url)};
  std::string_view rest = url;
  Endpoint endpoint;
  endpoint.is_tls = rest.starts_with("https://");
  if (!endpoint.is_tls && !rest.starts_with("http://")) return bad;
  rest.remove_prefix(endpoint.is_tls ? 8 : 7);
  if (HasControlOrSpace(rest) || rest.find_first_of("?#@") != std::string_view::npos) return bad;
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  endpoint.prefix = rest.substr(slash);
  while (endpoint.prefix.ends_with('/'))
    endpoint.prefix.pop_back();
  endpoint.port = endpoint.is_tls ? 443 : 80;
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  if (bracket == std::string_view::npos) return bad;
  const std::size_t colon = authority.find(':', bracket);
  if (colon != std::string_view::npos) {
    const std::optional<int> port = ParsePort(authority.substr(colon + 1));
    if (!port) return bad;
    endpoint.port = *port;
    authority = authority.substr(0, colon);
  }
  if (bracket > 0) {
    if (authority.size() != bracket + 1) return bad;
    authority = authority.substr(1, bracket - 1);
  }
  if (authority.empty()) return bad;
  endpoint.host = authority;
  return endpoint;
}

// An error if a header is not one, or is for the connection alone to give.
Result<void> CheckHeaders(const HttpHeaders& headers) {
  for (const HttpHeader& header : headers) {
    if (!internal::IsToken(header.name) || !internal::IsFieldText(header.value)) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("The header '{}' contains what no header may.", header.name)};
    }
    if (internal::EqualsIgnoringCase(header.name, "transfer-encoding")) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("The header '{}' is not the caller's to give.", header.name)};
    }
  }
  return {};
}

class HttpConnection : public Connection {
 public:
  HttpConnection(const HttpConnectionOptions& options, Endpoint endpoint, SslContextPtr tls,
                 const internal::Interrupt* interrupt)
      : options_(options),
        endpoint_(std::move(endpoint)),
        tls_(std::move(tls)),
        interrupt_(interrupt) {}

  Result<HttpResponse> Send(const HttpRequest& request, std::chrono::milliseconds timeout) override;

 private:
  // A place among the connections that may be open, and the idle one that was found there.
  struct Place {
    ChannelPtr channel = {};  // Null: to be opened.
  };

  std::optional<Place> Take(Clock::TimePoint time);
  void GiveBack(Place place);
  Result<HttpResponse> Ask(Place& place, const HttpRequest& request, const Deadline& deadline);
  Result<ChannelPtr> Open(const Deadline& deadline) const;
  std::string Head(const HttpRequest& request) const;
  Result<HttpResponse> Decode(HttpResponse response) const;
  Error Explain(const ClientChannel::Outcome& outcome, std::string_view problem) const;
  Error TooLarge() const;
  // How the messages begin that say that nothing was sent; see Connection::Send().
  std::string CannotConnect() const {
    return fmt::format("Cannot connect to {}", endpoint_.Authority());
  }

  const HttpConnectionOptions options_;
  const Endpoint endpoint_;
  const SslContextPtr tls_;                     // Null: plain.
  const internal::Interrupt* const interrupt_;  // Null: none.
  const std::unique_ptr<Clock> clock_ = MakeSystemClock();

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<ChannelPtr> idle_ = {};  // Guarded by mutex_. The last one was used last.
  int places_ = 0;                     // Guarded by mutex_. Taken, or with an idle connection.
};

Result<HttpResponse> HttpConnection::Send(const HttpRequest& request,
                                          std::chrono::milliseconds timeout) {
  if (auto checked = CheckHeaders(request.headers); !checked) return checked.error();
  if (!request.target.starts_with('/') || HasControlOrSpace(request.target) ||
      !internal::IsToken(request.method)) {
    return Error{ErrorCode::kInvalidArgument, "The request's method or target is malformed."};
  }
  const Clock::TimePoint time =
      clock_->Now() +
      std::clamp<std::chrono::milliseconds>(timeout, std::chrono::milliseconds(0), kTimeoutMax);
  std::optional<Place> place = Take(time);
  if (!place) {
    return Error{ErrorCode::kDeadlineExceeded,
                 fmt::format("{}: no connection was free in time.", CannotConnect())};
  }
  Deadline deadline(*clock_, time);
  if (interrupt_ != nullptr) deadline = deadline.Or(*interrupt_);
  Result<HttpResponse> answer = Ask(*place, request, deadline);
  GiveBack(*std::move(place));
  if (!answer) return answer;
  return Decode(*std::move(answer));
}

std::optional<HttpConnection::Place> HttpConnection::Take(Clock::TimePoint time) {
  std::unique_lock lock(mutex_);
  while (idle_.empty() && places_ >= std::max(options_.connections_max, 1)) {
    if (clock_->Now() >= time) return std::nullopt;
    clock_->WaitUntil(lock, returned_, time);
  }
  if (idle_.empty()) {
    ++places_;
    return Place();
  }
  Place place = {.channel = std::move(idle_.back())};
  idle_.pop_back();
  return place;
}

void HttpConnection::GiveBack(Place place) {
  const std::lock_guard lock(mutex_);
  if (place.channel) {
    idle_.push_back(std::move(place.channel));
  } else {
    --places_;
  }
  returned_.notify_one();
}

// Leaves a connection in `place` if it is fit for another request.
Result<HttpResponse> HttpConnection::Ask(Place& place, const HttpRequest& request,
                                         const Deadline& deadline) {
  const std::string head = Head(request);
  // The server may have ended the connection while it was idle, which is no failure of this
  // request: seen now, or when nothing can be sent, any request goes to a new one.
  if (place.channel && !place.channel->IsQuiet()) place.channel.reset();
  while (true) {
    const bool is_kept = place.channel != nullptr;
    if (!is_kept) {
      Result<ChannelPtr> opened = Open(deadline);
      if (!opened) return opened.error();
      place.channel = *std::move(opened);
    }
    ResponseParser parser({.header_bytes_max = options_.response_header_bytes_max,
                           .headers_max = options_.response_headers_max,
                           .body_bytes_max = options_.response_bytes_max},
                          request.method);
    const auto outcome = place.channel->Ask(head, request.body, parser, deadline, {});
    if (!place.channel->is_reusable()) place.channel.reset();
    if (outcome.ending == Ending::kComplete) return std::move(parser.response());
    // It may also have been ended when the request was on its way, and then nobody knows whether
    // the server has acted on it.
    const bool may_repeat =
        !outcome.has_sent || request.method == "GET" || request.method == "HEAD";
    if (outcome.ending != Ending::kBroken || outcome.has_received || !is_kept || !may_repeat ||
        deadline.HasPassed()) {
      return Explain(outcome, parser.problem());
    }
  }
}

Result<ChannelPtr> HttpConnection::Open(const Deadline& deadline) const {
  Result<ChannelPtr> opened =
      ClientChannel::Open({.host = endpoint_.host, .port = endpoint_.port, .tls = tls_.get()},
                          deadline.Within(options_.connect_timeout));
  if (!opened && deadline.HasPassed()) {
    return Error{ErrorCode::kDeadlineExceeded, CannotConnect() + " in time."};
  }
  return opened;
}

std::string HttpConnection::Head(const HttpRequest& request) const {
  // What the caller gives replaces what the connection gives, and that replaces ours.
  HttpHeaders headers = request.headers;
  const auto add_missing = [&headers](const HttpHeaders& more) {
    HttpHeaders missing;
    for (const HttpHeader& header : more) {
      if (!FindHeader(headers, header.name)) missing.push_back(header);
    }
    headers.insert(headers.begin(), missing.begin(), missing.end());
  };
  add_missing(options_.headers);
  add_missing(
      {{"Host", endpoint_.Authority()}, {"Accept-Encoding", "gzip"}, {"User-Agent", "liblivy"}});
  return internal::WriteRequestHead(request.method, endpoint_.prefix + request.target, headers,
                                    request.body.size());
}

Result<HttpResponse> HttpConnection::Decode(HttpResponse response) const {
  const auto encoding = FindHeader(response.headers, "Content-Encoding");
  const ContentCoding coding = encoding ? internal::ParseCoding(*encoding) : ContentCoding::kNone;
  if (coding == ContentCoding::kNone || response.body.empty()) return response;
  Result<std::string> text =
      internal::Decompress(response.body, coding, options_.response_bytes_max);
  if (!text && text.error().code == ErrorCode::kResourceExhausted) return TooLarge();
  if (!text) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("The answer of {} is damaged.", endpoint_.Authority())};
  }
  response.body = *std::move(text);
  // The length was that of the compressed form.
  std::erase_if(response.headers, [](const HttpHeader& header) {
    return internal::EqualsIgnoringCase(header.name, "content-encoding") ||
           internal::EqualsIgnoringCase(header.name, "content-length");
  });
  return response;
}

Error HttpConnection::TooLarge() const {
  return {ErrorCode::kResourceExhausted,
          fmt::format("The answer of {} is larger than {} bytes (response_bytes_max).",
                      endpoint_.Authority(), options_.response_bytes_max)};
}

Error HttpConnection::Explain(const ClientChannel::Outcome& outcome,
                              std::string_view problem) const {
  const std::string peer = endpoint_.Authority();
  switch (outcome.ending) {
    case Ending::kBodyTooLarge:
      return TooLarge();
    case Ending::kHeadTooLarge:
      return {
          ErrorCode::kResourceExhausted,
          fmt::format("The answer of {} has more headers than {}, or more than {} bytes of them "
                      "(response_headers_max, response_header_bytes_max).",
                      peer, options_.response_headers_max, options_.response_header_bytes_max)};
    case Ending::kUnreadable:
      return {ErrorCode::kUnavailable,
              fmt::format("The answer of {} cannot be read: {}.", peer, problem)};
    case Ending::kLate:
      return {ErrorCode::kDeadlineExceeded, outcome.has_sent
                                                ? fmt::format("{} did not answer in time.", peer)
                                                : CannotConnect() + " in time."};
    case Ending::kBroken:
    case Ending::kComplete:
    case Ending::kStopped:
      break;
  }
  return {ErrorCode::kUnavailable,
          fmt::format("The connection to {} broke before the whole answer came.", peer)};
}

Result<std::shared_ptr<Connection>> Make(const HttpConnectionOptions& options,
                                         const internal::Interrupt* interrupt) {
  Result<Endpoint> endpoint = ParseUrl(options.url);
  if (!endpoint) return endpoint.error();
  if (auto checked = CheckHeaders(options.headers); !checked) return checked.error();
  SslContextPtr tls(nullptr, SSL_CTX_free);
  const internal::ClientFiles files = {.authorities = options.ca_file,
                                       .certificate = options.certificate_file,
                                       .key = options.key_file};
  const bool has_files = !(files.authorities + files.certificate + files.key).empty();
  if (endpoint->is_tls || has_files) {
    Result<SslContextPtr> made = internal::MakeClientContext(files);
    if (!made) return made.error();
    if (endpoint->is_tls) tls = *std::move(made);
  }
  return std::shared_ptr<Connection>(
      std::make_shared<HttpConnection>(options, *std::move(endpoint), std::move(tls), interrupt));
}

}  // namespace

Result<std::shared_ptr<Connection>> MakeHttpConnection(const HttpConnectionOptions& options) {
  return Make(options, nullptr);
}

Result<std::shared_ptr<Connection>> internal::MakeInterruptible(
    const HttpConnectionOptions& options, const Interrupt& interrupt) {
  return Make(options, &interrupt);
}

}  // namespace livy
