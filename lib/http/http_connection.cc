#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <httplib.h>

#include <livy/clock.h>
#include <livy/connection.h>

#include "http/compression.h"
#include "http/deadline_watch.h"
#include "http/field_text.h"

namespace livy {
namespace {

using internal::ContentCoding;
using internal::IsFieldText;

// Beyond it, arithmetic with time points would overflow.
constexpr std::chrono::hours kTimeoutMax(24 * 365);

struct Endpoint {
  bool is_tls = false;
  std::string host = {};  // Without brackets.
  int port = 0;
  std::string prefix = {};  // Without a slash at the end.

  std::string Authority() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                               : fmt::format("[{}]:{}", host, port);
  }
};

std::optional<int> ParsePort(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  return is_number && port > 0 && port < 65536 ? std::optional<int>(port) : std::nullopt;
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

// cpp-httplib writes to sockets in a way that raises SIGPIPE if the server has gone, which would
// end a host that does not ignore it. Blocks it for this thread and takes back what the call
// raised.
class SigpipeBlock {
 public:
  SigpipeBlock() {
    sigemptyset(&only_pipe_);
    sigaddset(&only_pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &only_pipe_, &before_);
  }
  ~SigpipeBlock() {
    if (!was_pending_) {
      constexpr timespec kNoWait = {};
      while (sigtimedwait(&only_pipe_, nullptr, &kNoWait) > 0) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeBlock(const SigpipeBlock&) = delete;
  SigpipeBlock& operator=(const SigpipeBlock&) = delete;

 private:
  sigset_t only_pipe_ = {};
  sigset_t before_ = {};
  bool was_pending_ = false;
};

// What a URI may not contain, percent-encoded.
std::string EncodedUri(std::string_view text) {
  constexpr std::string_view kForbidden = " \"<>\\^`{|}";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x7f || kForbidden.find(c) != std::string_view::npos) {
      encoded += fmt::format("%{:02X}", byte);
    } else {
      encoded += c;
    }
  }
  return encoded;
}

// cpp-httplib decodes percent escapes in the values of headers, and up to 0.11 in a Location too.
// Line ends that were escaped would be real ones then, so a value with control characters is left
// out. A Location gets those escapes back without which it is no URI; an escaped "%" or "/" in it
// stays decoded.
HttpHeaders Headers(const httplib::Headers& received) {
  HttpHeaders headers;
  for (const auto& [name, value] : received) {
    if (name.empty() || HasControlOrSpace(name) || !IsFieldText(value)) continue;
    HttpHeader header = {name, value};
    if (FindHeader({header}, "Location")) header.value = EncodedUri(value);
    headers.push_back(std::move(header));
  }
  return headers;
}

// One keep-alive connection, opened when it is first used.
struct Line {
  std::shared_ptr<httplib::ClientImpl> client = {};
  bool was_used = false;
};

// How one attempt ended.
struct Attempt {
  std::optional<HttpResponse> response = {};
  httplib::Error error = httplib::Error::Unknown;
  bool has_head = false;  // Some of the answer arrived.
  bool is_too_large = false;
};

class HttpConnection : public Connection {
 public:
  HttpConnection(const HttpConnectionOptions& options, Endpoint endpoint)
      : options_(options), endpoint_(std::move(endpoint)) {}

  Result<HttpResponse> Send(const HttpRequest& request, std::chrono::milliseconds timeout) override;

 private:
  std::optional<Line> Take(Clock::TimePoint deadline);
  void GiveBack(Line line, bool is_good);
  Line MakeLine() const;
  httplib::Request Translate(const HttpRequest& request) const;
  Attempt Try(Line& line, const HttpRequest& request, Clock::TimePoint deadline);
  Result<HttpResponse> Decode(HttpResponse response) const;
  Error Explain(const Attempt& attempt, Clock::TimePoint deadline) const;
  // How the messages begin that say that nothing was sent; see Connection::Send().
  std::string CannotConnect() const {
    return fmt::format("Cannot connect to {}", endpoint_.Authority());
  }

  const HttpConnectionOptions options_;
  const Endpoint endpoint_;
  const std::unique_ptr<Clock> clock_ = MakeSystemClock();
  internal::DeadlineWatch watch_{*clock_};

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Line> idle_ = {};  // Guarded by mutex_. The last one was used last.
  int lines_ = 0;                // Guarded by mutex_. Idle or not.
};

Result<HttpResponse> HttpConnection::Send(const HttpRequest& request,
                                          std::chrono::milliseconds timeout) {
  for (const HttpHeader& header : request.headers) {
    if (header.name.empty() || HasControlOrSpace(header.name) || !IsFieldText(header.value)) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("The header '{}' contains what no header may.", header.name)};
    }
  }
  if (!request.target.starts_with('/') || HasControlOrSpace(request.target) ||
      request.method.empty() || HasControlOrSpace(request.method)) {
    return Error{ErrorCode::kInvalidArgument, "The request's method or target is malformed."};
  }
  const Clock::TimePoint deadline =
      clock_->Now() + std::min<std::chrono::milliseconds>(timeout, kTimeoutMax);
  const bool may_repeat = request.method == "GET" || request.method == "HEAD";
  std::optional<Line> line = Take(deadline);
  if (!line) {
    return Error{ErrorCode::kDeadlineExceeded,
                 fmt::format("{}: no connection was free in time.", CannotConnect())};
  }
  const bool was_used = line->was_used;
  Attempt attempt = Try(*line, request, deadline);
  if (!attempt.response && !attempt.has_head && was_used && may_repeat &&
      clock_->Now() < deadline) {
    // The server had closed the connection while it was idle, which is no failure of this request.
    *line = MakeLine();
    attempt = Try(*line, request, deadline);
  }
  GiveBack(*std::move(line), attempt.response.has_value());
  if (!attempt.response) return Explain(attempt, deadline);
  return Decode(*std::move(attempt.response));
}

std::optional<Line> HttpConnection::Take(Clock::TimePoint deadline) {
  std::unique_lock lock(mutex_);
  while (idle_.empty() && lines_ >= std::max(options_.connections_max, 1)) {
    if (clock_->Now() >= deadline) return std::nullopt;
    clock_->WaitUntil(lock, returned_, deadline);
  }
  if (!idle_.empty()) {
    Line line = std::move(idle_.back());
    idle_.pop_back();
    return line;
  }
  ++lines_;
  lock.unlock();
  return MakeLine();
}

void HttpConnection::GiveBack(Line line, bool is_good) {
  const std::lock_guard lock(mutex_);
  if (is_good) {
    line.was_used = true;
    idle_.push_back(std::move(line));
  } else {
    --lines_;
  }
  returned_.notify_one();
}

Line HttpConnection::MakeLine() const {
  Line line;
  if (endpoint_.is_tls) {
    auto client = std::make_shared<httplib::SSLClient>(endpoint_.host, endpoint_.port);
    if (!options_.ca_file.empty()) client->set_ca_cert_path(options_.ca_file);
    client->enable_server_certificate_verification(true);
    line.client = std::move(client);
  } else {
    line.client = std::make_shared<httplib::ClientImpl>(endpoint_.host, endpoint_.port);
  }
  line.client->set_keep_alive(true);
  line.client->set_tcp_nodelay(true);
  line.client->set_url_encode(false);  // Targets are encoded by whoever makes them.
  line.client->set_decompress(false);  // Decode() does it, within the bound.
  return line;
}

httplib::Request HttpConnection::Translate(const HttpRequest& request) const {
  httplib::Request translated;
  translated.method = request.method;
  translated.path = endpoint_.prefix + request.target;
  translated.body = request.body;
  translated.headers = {
      {"Host", endpoint_.Authority()}, {"Accept-Encoding", "gzip"}, {"User-Agent", "liblivy"}};
  // What the caller gives replaces what the connection gives, and that replaces ours.
  for (const HttpHeader& header : options_.headers)
    translated.headers.erase(header.name);
  for (const HttpHeader& header : request.headers)
    translated.headers.erase(header.name);
  for (const HttpHeader& header : options_.headers) {
    if (!FindHeader(request.headers, header.name)) {
      translated.headers.emplace(header.name, header.value);
    }
  }
  for (const HttpHeader& header : request.headers) {
    translated.headers.emplace(header.name, header.value);
  }
  return translated;
}

Attempt HttpConnection::Try(Line& line, const HttpRequest& request, Clock::TimePoint deadline) {
  Attempt attempt;
  const auto remaining = std::chrono::ceil<std::chrono::microseconds>(deadline - clock_->Now());
  if (remaining.count() <= 0) return attempt;
  const auto connecting = std::min<std::chrono::microseconds>(options_.connect_timeout, remaining);
  line.client->set_connection_timeout(connecting.count() / 1'000'000,
                                      connecting.count() % 1'000'000);
  // These bound each read and write, and begin anew with every byte; the watch bounds the whole,
  // and comes first, so that a call never ends a little before its deadline.
  const std::int64_t seconds = remaining.count() / 1'000'000 + 2;
  line.client->set_read_timeout(seconds, 0);
  line.client->set_write_timeout(seconds, 0);

  httplib::Request translated = Translate(request);
  std::string body;
  translated.response_handler = [&](const httplib::Response&) { return attempt.has_head = true; };
  translated.content_receiver = [&](const char* data, std::size_t size, auto, auto) {
    attempt.is_too_large = size > options_.response_bytes_max - body.size();
    if (!attempt.is_too_large) body.append(data, size);
    return !attempt.is_too_large;
  };
  const SigpipeBlock block;
  const std::uint64_t entry = watch_.Add(deadline, [client = line.client] { client->stop(); });
  httplib::Result result = line.client->send(translated);
  watch_.Remove(entry, deadline);
  if (!result) {
    attempt.error = result.error();
    return attempt;
  }
  attempt.response = HttpResponse{
      .status = result->status, .headers = Headers(result->headers), .body = std::move(body)};
  return attempt;
}

Result<HttpResponse> HttpConnection::Decode(HttpResponse response) const {
  const auto encoding = FindHeader(response.headers, "Content-Encoding");
  const ContentCoding coding = encoding ? internal::ParseCoding(*encoding) : ContentCoding::kNone;
  if (coding == ContentCoding::kNone || response.body.empty()) return response;
  Result<std::string> text =
      internal::Decompress(response.body, coding, options_.response_bytes_max);
  if (!text && text.error().code == ErrorCode::kResourceExhausted) {
    return Explain({.is_too_large = true}, Clock::TimePoint::max());
  }
  if (!text) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("The answer of {} is damaged.", endpoint_.Authority())};
  }
  response.body = *std::move(text);
  // The length was that of the compressed form.
  std::erase_if(response.headers, [](const HttpHeader& header) {
    const HttpHeaders one = {header};
    return FindHeader(one, "Content-Encoding") || FindHeader(one, "Content-Length");
  });
  return response;
}

Error HttpConnection::Explain(const Attempt& attempt, Clock::TimePoint deadline) const {
  const std::string peer = endpoint_.Authority();
  // cpp-httplib rounds the time to connect down to milliseconds.
  const bool is_late = clock_->Now() + std::chrono::milliseconds(2) >= deadline;
  const ErrorCode code = is_late ? ErrorCode::kDeadlineExceeded : ErrorCode::kUnavailable;
  if (attempt.is_too_large) {
    return {ErrorCode::kResourceExhausted,
            fmt::format("The answer of {} is larger than {} bytes (response_bytes_max).", peer,
                        options_.response_bytes_max)};
  }
  switch (attempt.error) {
    // Errors of connecting: nothing of the request is sent.
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
      return {code, CannotConnect() + (is_late ? " in time." : ".")};
    case httplib::Error::SSLConnection:
      return {code, CannotConnect() + ": it does not speak TLS with us."};
    case httplib::Error::SSLLoadingCerts:
    case httplib::Error::SSLServerVerification:
      return {code, CannotConnect() + ": its certificate cannot be trusted."};
    default:
      break;
  }
  if (is_late) return {code, fmt::format("{} did not answer in time.", peer)};
  return {code, fmt::format("The connection to {} broke before the whole answer came.", peer)};
}

bool IsAuthorityFile(const std::string& path) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const bool is_good =
      context && SSL_CTX_load_verify_locations(context.get(), path.c_str(), nullptr) == 1;
  ERR_clear_error();
  return is_good;
}

}  // namespace

Result<std::shared_ptr<Connection>> MakeHttpConnection(const HttpConnectionOptions& options) {
  Result<Endpoint> endpoint = ParseUrl(options.url);
  if (!endpoint) return endpoint.error();
  for (const HttpHeader& header : options.headers) {
    if (header.name.empty() || HasControlOrSpace(header.name) || !IsFieldText(header.value)) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("The header '{}' contains what no header may.", header.name)};
    }
  }
  if (!options.ca_file.empty() && !IsAuthorityFile(options.ca_file)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("The CA file '{}' cannot be used.", options.ca_file)};
  }
  return std::shared_ptr<Connection>(
      std::make_shared<HttpConnection>(options, *std::move(endpoint)));
}

}  // namespace livy
