#include "driver_link/driver_listener.h"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/number.h"
#include "http/certificate.h"

namespace livy::internal {
namespace {

enum Route : int { kCommands, kEvents, kFile };

constexpr std::size_t kSecretBytes = 32;

template <typename Number>
std::optional<Number> ParseDigits(std::string_view text) {
  const std::optional<Number> number = ParseNumber<Number>(text);
  return number && *number >= 0 ? number : std::nullopt;
}

void Refuse(const std::shared_ptr<Exchange>& exchange, int status) {
  exchange->Send({.status = status});
}

// Drivers are few and talk often: their connections are kept, and their requests are quick.
HttpServerOptions HttpOptions(const DriverListenerOptions& options,
                              const Certificate& certificate) {
  return {.host = options.host,
          .port = options.port,
          .certificate_pem = certificate.certificate_pem,
          .key_pem = certificate.key_pem,
          .connections_max = options.connections_max,
          .body_bytes_max = options.event_bytes_max,
          // What waits for a driver is bounded by its session's queue; it comes at once when the
          // driver dials anew, and what is cut off would come again and again.
          .stream_buffer_bytes_max = std::size_t{2} << 30,
          .keep_alive_timeout = std::chrono::hours(1)};
}

std::string HostAndPort(const std::string& host, int port) {
  const bool bare_ipv6 = host.find(':') != host.npos && !host.starts_with('[');
  return bare_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace

DriverListener::DriverListener(Certificate certificate) : certificate_(std::move(certificate)) {
  router_.Add("GET", "/driver/v1/sessions/:id/commands", kCommands);
  router_.Add("POST", "/driver/v1/sessions/:id/events", kEvents);
  router_.Add("GET", "/driver/v1/sessions/:id/files/:name", kFile);
}

Result<std::unique_ptr<DriverListener>> DriverListener::Create(
    const DriverListenerOptions& options) {
  Result<Certificate> certificate = options.certificate ? Result<Certificate>(*options.certificate)
                                                        : MakeSelfSignedCertificate("liblivy");
  if (!certificate) return certificate.error();
  std::unique_ptr<DriverListener> listener(new DriverListener(*std::move(certificate)));

  listener->is_recovering_ = options.is_recovering;
  Result<std::unique_ptr<HttpServer>> http =
      HttpServer::Create(HttpOptions(options, listener->certificate_),
                         [self = listener.get()](const std::shared_ptr<Exchange>& exchange) {
                           self->Serve(exchange);
                         });
  if (!http) return http.error();
  listener->http_ = *std::move(http);
  const std::string& host = options.public_host.empty() ? options.host : options.public_host;
  listener->server_ = HostAndPort(host, listener->http_->port());
  return listener;
}

std::shared_ptr<DriverLink> DriverListener::Open(int session, std::weak_ptr<DriverEventSink> sink) {
  return Reopen(session, {.secret = RandomHex(kSecretBytes)}, std::move(sink));
}

std::shared_ptr<DriverLink> DriverListener::Reopen(int session, DriverCredentials credentials,
                                                   std::weak_ptr<DriverEventSink> sink) {
  auto link = std::make_shared<DriverLink>(std::move(credentials), std::move(sink));
  const std::lock_guard lock(mutex_);
  links_[session] = link;
  return link;
}

DriverAddress DriverListener::AddressFor(const DriverLink& link) const {
  return {.server = server_, .fingerprint = certificate_.fingerprint, .secret = link.secret()};
}

void DriverListener::Close(int session) {
  std::shared_ptr<DriverLink> link;
  {
    const std::lock_guard lock(mutex_);
    const auto found = links_.find(session);
    if (found == links_.end()) return;
    link = std::move(found->second);
    links_.erase(found);
  }
  link->Close();
}

void DriverListener::PingAll() {
  std::vector<std::shared_ptr<DriverLink>> links;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [session, link] : links_)
      links.push_back(link);
  }
  for (const std::shared_ptr<DriverLink>& link : links)
    link->Ping();
}

void DriverListener::Stop() {
  http_->Stop(std::chrono::milliseconds(0));
}

std::shared_ptr<DriverLink> DriverListener::Find(int session) const {
  const std::lock_guard lock(mutex_);
  const auto found = links_.find(session);
  return found == links_.end() ? nullptr : found->second;
}

void DriverListener::Serve(const std::shared_ptr<Exchange>& exchange) {
  const HttpRequest& request = exchange->request();
  const Target target = SplitTarget(request.target);
  const Router::Match match = router_.Find(request.method, target.path);
  if (!match.route) return Refuse(exchange, 404);

  const std::optional<int> session = ParseDigits<int>(match.params[0]);
  const std::shared_ptr<DriverLink> link = session ? Find(*session) : nullptr;
  if (is_recovering_) return Refuse(exchange, 503);
  if (!link) return Refuse(exchange, 404);
  const std::string_view credentials = FindHeader(request.headers, "Authorization").value_or("");
  if (!EqualSecrets(credentials, "Bearer " + link->secret())) return Refuse(exchange, 401);

  const std::string boot = QueryValue(target.query, "boot").value_or("");
  const auto have = ParseDigits<std::int64_t>(QueryValue(target.query, "have").value_or("0"));
  if (boot.empty() || !have) return Refuse(exchange, 400);
  if (*match.route == kFile) return link->ServeFile(exchange, boot, match.params[1]);
  if (*match.route == kCommands) return link->ServeCommands(exchange, boot, *have);
  link->ServeEvents(exchange, boot, *have);
}

}  // namespace livy::internal
