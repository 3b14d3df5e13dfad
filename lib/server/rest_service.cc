#include "server/rest_service.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/duration.h"
#include "core/percent.h"
#include "server/guarded.h"
#include "server/reply.h"
#include "server/rest_call.h"
#include "server/rest_entries.h"

namespace livy::internal {
namespace {

constexpr std::string_view kMediaTypePrefix = "application/vnd.livy.v";
constexpr std::string_view kApiVersion = "0.1";

bool IsUnder(std::string_view path, std::string_view root) {
  return path.starts_with(root) &&
         (path.size() == root.size() || path[root.size()] == '/' || path[root.size()] == ';');
}

// The unknown API version that an Accept header asks for; nullopt if it asks for none or a known.
std::optional<std::string_view> UnknownApiVersion(const HttpRequest& request) {
  std::string_view accept = FindHeader(request.headers, "Accept").value_or("");
  if (!accept.starts_with(kMediaTypePrefix)) return std::nullopt;
  accept.remove_prefix(kMediaTypePrefix.size());
  const std::string_view version = accept.substr(0, accept.find('+'));
  if (version == kApiVersion) return std::nullopt;
  return version;
}

// POST may stand for another method, for clients that can send only GET and POST.
std::string EffectiveMethod(const HttpRequest& request, std::string_view query) {
  if (request.method != "POST") return request.method;
  std::optional<std::string> method = QueryValue(query, "_method");
  for (const char* header : {"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"}) {
    const auto value = FindHeader(request.headers, header);
    if (!method && value) method = std::string(*value);
  }
  if (!method) return request.method;
  for (char& c : *method) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return *method;
}

// A request for the session has come, and is granted.
const std::shared_ptr<InteractiveSession>& Touched(
    const std::shared_ptr<InteractiveSession>& session) {
  session->lease().Touch();
  return session;
}

}  // namespace

void RestService::Call::Reply(HttpResponse response) const {
  service.AddSecurityHeaders(response);
  exchange->Send(std::move(response));
}

std::shared_ptr<ResponseStream> RestService::Call::Stream(HttpResponse head) const {
  service.AddSecurityHeaders(head);
  return exchange->Stream(std::move(head));
}

void RestService::Call::ReplyJson(std::string json) const {
  Reply(JsonReply(200, std::move(json)));
}

Result<int> QueryInteger(std::string_view query, std::string_view name, int absent) {
  const std::optional<std::string> text = QueryValue(query, name);
  return text ? ParseInteger(*text) : Result<int>(absent);
}

Result<PageQuery> QueryPage(std::string_view query, PageQuery absent) {
  const Result<int> from = QueryInteger(query, "from", absent.from);
  if (!from) return from.error();
  const Result<int> size = QueryInteger(query, "size", absent.size);
  if (!size) return size.error();
  return PageQuery{.from = *from, .size = *size};
}

Result<Clock::Duration> QueryWait(std::string_view query, Clock::Duration max) {
  const std::optional<std::string> text = QueryValue(query, "wait");
  if (!text) return Clock::Duration::zero();
  const Result<std::chrono::milliseconds> wait = ParseDuration(*text);
  if (!wait) return wait.error();
  // Compared as milliseconds: a century is too long for the clock's nanoseconds.
  const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(max);
  return Clock::Duration(std::min(*wait, limit));
}

bool IsDescending(std::string_view order) {
  const std::size_t start = order.find_first_not_of(' ');
  if (start == order.npos) return false;
  order = order.substr(start, order.find_last_not_of(' ') - start + 1);
  return order.size() == 4 && (order[0] | 32) == 'd' && (order[1] | 32) == 'e' &&
         (order[2] | 32) == 's' && (order[3] | 32) == 'c';
}

RestService::RestService(RestOptions options, SessionManager& sessions, BatchManager& batches,
                         IdempotencyKeys& keys, const AccessManager& access,
                         const Authenticator* authenticator, LogSink& log)
    : options_(options),
      sessions_(sessions),
      batches_(batches),
      keys_(keys),
      access_(access),
      authenticator_(authenticator),
      log_(log) {
  AddRoutes();
}

void RestService::Add(std::string_view method, std::string_view pattern, Handler handler) {
  router_.Add(method, pattern, static_cast<int>(handlers_.size()));
  handlers_.push_back(handler);
}

void RestService::AddRoutes() {
  for (const char* root : {"/sessions", "/sessions/"}) {
    Add("GET", root, &RestService::ListSessions);
    Add("POST", root, &RestService::CreateSession);
  }
  for (const char* root : {"/batches", "/batches/"}) {
    Add("GET", root, &RestService::ListBatches);
    Add("POST", root, &RestService::CreateBatch);
  }
  Add("GET", "/batches/:id", &RestService::GetBatch);
  Add("DELETE", "/batches/:id", &RestService::DeleteBatch);
  Add("GET", "/batches/:id/state", &RestService::GetBatchState);
  Add("POST", "/batches/:id/stop", &RestService::StopBatch);
  Add("GET", "/batches/:id/log", &RestService::GetBatchLog);
  for (const char* version : {"/version", "/version/"}) {
    Add("GET", version, &RestService::GetVersion);
  }
  Add("GET", "/history/sessions", &RestService::ListHistory);
  Add("GET", "/history/sessions/:id", &RestService::GetHistory);
  Add("GET", "/history/sessions/:id/statements", &RestService::ListHistoryStatements);
  Add("GET", "/history/sessions/:id/statements/:sid", &RestService::GetHistoryStatement);
  Add("GET", "/sessions/:id", &RestService::GetSession);
  Add("DELETE", "/sessions/:id", &RestService::DeleteSession);
  Add("GET", "/sessions/:id/state", &RestService::GetState);
  Add("GET", "/sessions/:id/log", &RestService::GetLog);
  Add("GET", "/sessions/:id/output", &RestService::GetOutput);
  Add("GET", "/batches/:id/output", &RestService::GetBatchOutput);
  Add("GET", "/sessions/:id/events", &RestService::FollowSession);
  Add("POST", "/sessions/:id/stop", &RestService::StopSession);
  Add("POST", "/sessions/:id/interrupt", &RestService::InterruptSession);
  Add("POST", "/sessions/:id/connect", &RestService::ConnectSession);
  Add("GET", "/sessions/:id/statements", &RestService::ListStatements);
  Add("POST", "/sessions/:id/statements", &RestService::CreateStatement);
  Add("GET", "/sessions/:id/statements/:sid", &RestService::GetStatement);
  Add("POST", "/sessions/:id/statements/:sid/cancel", &RestService::CancelStatement);
  Add("POST", "/sessions/:id/completion", &RestService::Complete);
  Add("POST", "/sessions/:id/add-jar", &RestService::AddResource<ResourceKind::kJar>);
  Add("POST", "/sessions/:id/add-pyfile", &RestService::AddResource<ResourceKind::kPyFile>);
  Add("POST", "/sessions/:id/add-file", &RestService::AddResource<ResourceKind::kFile>);
  Add("POST", "/sessions/:id/upload-jar", &RestService::UploadResource<ResourceKind::kJar>);
  Add("POST", "/sessions/:id/upload-pyfile", &RestService::UploadResource<ResourceKind::kPyFile>);
  Add("POST", "/sessions/:id/upload-file", &RestService::UploadResource<ResourceKind::kFile>);
}

void RestService::Handle(const std::shared_ptr<Exchange>& exchange) {
  const auto call = std::make_shared<Call>(Call{.service = *this, .exchange = exchange});
  if (!Admit(call)) return;
  const HttpRequest& request = exchange->request();
  const Target target = SplitTarget(request.target);
  call->query = target.query;
  const bool versioned = IsUnder(target.path, "/sessions") || IsUnder(target.path, "/batches");
  if (const auto version = UnknownApiVersion(request); versioned && version) {
    return call->Reply(MessageReply(406, fmt::format("No value found for '{}'", *version)));
  }
  Dispatch(call, versioned ? EffectiveMethod(request, target.query) : request.method);
}

bool RestService::Admit(const std::shared_ptr<Call>& call) {
  if (authenticator_ != nullptr) {
    const Result<User> user =
        Guarded([&] { return authenticator_->Authenticate(call->request()); });
    if (!user) {
      call->Reply(ErrorReply(user.error()));
      return false;
    }
    call->user = *user;
  }
  if (access_.MayUse(call->user)) return true;
  call->Reply(MessageReply(403, "User not authorised to use Livy."));
  return false;
}

void RestService::Dispatch(const std::shared_ptr<Call>& call, std::string_view method) {
  const std::string_view path = SplitTarget(call->request().target).path;
  Router::Match match = router_.Find(method, path);
  if (match.route) {
    call->params = std::move(match.params);
    return (this->*handlers_[static_cast<std::size_t>(*match.route)])(call);
  }
  HttpResponse reply = EmptyReply(match.allow.empty() ? 404 : 405);
  if (!match.allow.empty()) reply.headers.push_back({"Allow", std::move(match.allow)});
  // Outside of the JSON resources Livy answers as a web server does. It decodes "%2F" for this
  // alone.
  const std::string decoded = PercentDecode(path).value_or(std::string(path));
  if (!IsUnder(decoded, "/sessions") && !IsUnder(decoded, "/batches") &&
      !IsUnder(decoded, "/version")) {
    reply.headers.front().value = "text/html;charset=utf-8";
  }
  call->Reply(std::move(reply));
}

void RestService::AddSecurityHeaders(HttpResponse& response) const {
  if (!options_.security_headers) return;
  response.headers.push_back({"X-Frame-Options", "SAMEORIGIN"});
  response.headers.push_back({"X-XSS-Protection", "1; mode=block"});
  response.headers.push_back(
      {"Content-Security-Policy",
       "default-src 'self'; script-src 'self' 'unsafe-inline'; img-src 'self'; "
       "frame-src 'self';"});
  response.headers.push_back({"X-Content-Type-Options", "nosniff"});
  if (options_.tls) {
    response.headers.push_back(
        {"Strict-Transport-Security", "max-age=31536000; includeSubDomains"});
  }
}

Result<User> RestService::EffectiveUser(const Call& call) const {
  const std::optional<std::string> wanted = QueryValue(call.query, "doAs");
  if (!wanted) return call.user;
  Result<User> user = access_.ProxyUser(call.user, wanted);
  if (user && !*user) return call.user;  // Nobody is impersonated here.
  return user;
}

Result<User> RestService::ProxyUserFor(const Call& call, const User& asked) const {
  const std::optional<std::string> do_as = QueryValue(call.query, "doAs");
  return access_.ProxyUser(call.user, do_as ? do_as : asked);
}

bool RestService::MayView(const std::shared_ptr<Call>& call, const Ownership& ownership) const {
  const Result<User> user = EffectiveUser(*call);
  if (user && access_.MayView(*user, ownership)) return true;
  call->Reply(user ? ForbiddenReply() : ErrorReply(user.error()));
  return false;
}

bool RestService::MayModify(const std::shared_ptr<Call>& call, const Ownership& ownership) const {
  const Result<User> user = EffectiveUser(*call);
  if (user && access_.MayModify(*user, ownership)) return true;
  call->Reply(user ? ForbiddenReply() : ErrorReply(user.error()));
  return false;
}

RestService::SessionPtr RestService::FindSession(const std::shared_ptr<Call>& call) const {
  return Find(call, sessions_);
}

RestService::SessionPtr RestService::FindViewable(const std::shared_ptr<Call>& call) const {
  const SessionPtr session = FindSession(call);
  return session && MayView(call, session->ownership()) ? Touched(session) : nullptr;
}

RestService::SessionPtr RestService::FindModifiable(const std::shared_ptr<Call>& call) const {
  const SessionPtr session = FindSession(call);
  return session && MayModify(call, session->ownership()) ? Touched(session) : nullptr;
}

bool RestService::IsOurs(const std::shared_ptr<Call>& call) const {
  const Result<void> ours = sessions_.CheckOurs();
  if (!ours) call->Reply(ErrorReply(ours.error()));
  return ours.has_value();
}

void RestService::ReplyWhen(const std::shared_ptr<Call>& call, const SessionPtr& session, int key,
                            std::function<HttpResponse(const InteractiveSession&)> reply) const {
  const auto await = [&](Clock::Duration wait, WaitList::Wake wake) {
    return session->Await(key, wait,
                          [wake = std::move(wake), watch = session->lease().Watch()] { wake(); });
  };
  ReplyAfter(call, session, await, std::move(reply));
}

}  // namespace livy::internal
