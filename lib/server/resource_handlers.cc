// What RestService does for files that are given to running sessions.
#include <algorithm>
#include <utility>

#include "http/multipart.h"
#include "server/reply.h"
#include "server/rest_call.h"
#include "server/rest_service.h"
#include "server/session_request.h"

namespace livy::internal {
namespace {

// Names as Livy asks for them in forms.
constexpr std::string_view PartName(ResourceKind kind) {
  return kind == ResourceKind::kJar ? "jar" : "file";
}

// Some clients send the whole path.
std::string_view LastName(std::string_view path) {
  return path.substr(path.find_last_of("/\\") + 1);
}

}  // namespace

template <ResourceKind kKind>
void RestService::AddResource(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindModifiable(call);
  if (!session) return;
  const Result<std::string> uri = ParseResourceBody(call->request().body);
  if (!uri) return call->Reply(TextReply(400, uri.error().message));
  if (uri->empty()) return call->Reply(TextReply(400, "Field \"uri\" is required"));
  Result<std::string> resolved = sessions_.ResolveFile(*uri);
  if (!resolved) return call->Reply(ErrorReply(resolved.error()));
  Give(call, session, {.resource = kKind, .uri = *std::move(resolved)});
}

template <ResourceKind kKind>
void RestService::UploadResource(const std::shared_ptr<Call>& call) {
  const SessionPtr session = FindModifiable(call);
  if (!session) return;
  const HttpRequest& request = call->request();
  const Result<std::vector<FormPart>> parts =
      ParseMultipart(FindHeader(request.headers, "Content-Type").value_or(""), request.body);
  if (!parts) return call->Reply(TextReply(400, parts.error().message));
  const auto part = std::ranges::find(*parts, PartName(kKind), &FormPart::name);
  if (part == parts->end()) {
    return call->Reply(
        TextReply(400, kKind == ResourceKind::kJar ? "No jar sent!" : "No file sent!"));
  }
  const std::string name(LastName(part->file_name.value_or("")));
  const Result<void> kept = session->KeepUpload(name, part->content);
  if (!kept) return call->Reply(ErrorReply(kept.error()));
  Give(call, session, {.resource = kKind, .upload = name});
}

void RestService::Give(const std::shared_ptr<Call>& call, const SessionPtr& session,
                       AddCommand command) const {
  if (!IsOurs(call)) return;
  session->AddResource(std::move(command), [call](const Result<void>& added) {
    call->Reply(added ? EmptyReply(200) : ErrorReply(added.error()));
  });
}

template void RestService::AddResource<ResourceKind::kJar>(const std::shared_ptr<Call>&);
template void RestService::AddResource<ResourceKind::kPyFile>(const std::shared_ptr<Call>&);
template void RestService::AddResource<ResourceKind::kFile>(const std::shared_ptr<Call>&);
template void RestService::UploadResource<ResourceKind::kJar>(const std::shared_ptr<Call>&);
template void RestService::UploadResource<ResourceKind::kPyFile>(const std::shared_ptr<Call>&);
template void RestService::UploadResource<ResourceKind::kFile>(const std::shared_ptr<Call>&);

}  // namespace livy::internal
