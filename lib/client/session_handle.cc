#include <livy/session_handle.h>

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "client/channel.h"
#include "client/waiter.h"
#include "core/wire_client.h"

namespace livy {
namespace {

std::string Target(int id, std::string_view rest = "") {
  return fmt::format("/sessions/{}{}", id, rest);
}

// kError is an end as well for whoever waits: Apache Livy's sessions never leave it.
bool HasEnded(SessionState state) {
  return !IsActive(state) || state == SessionState::kError;
}

std::optional<std::string> ReadFile(const std::filesystem::path& file) {
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(file, failure);
  std::ifstream stream(file, std::ios::binary);
  if (failure || !stream) return std::nullopt;
  std::string content(size, '\0');
  stream.read(content.data(), static_cast<std::streamsize>(size));
  if (!stream) return std::nullopt;
  return content;
}

// The body of a form with one file, whose boundary `boundary` becomes.
std::string FileForm(std::string_view part, const std::string& file_name, std::string_view content,
                     std::string& boundary) {
  boundary = "livy-form-0";
  for (int other = 1; content.find(boundary) != content.npos; ++other)
    boundary = fmt::format("livy-form-{}", other);
  std::string quoted;
  for (const char c : file_name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return fmt::format(
      "--{0}\r\nContent-Disposition: form-data; name=\"{1}\"; filename=\"{2}\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n{3}\r\n--{0}--\r\n",
      boundary, part, quoted, content);
}

}  // namespace

SessionHandle::SessionHandle(std::shared_ptr<internal::Channel> channel, int id)
    : channel_(std::move(channel)), id_(id) {}

Result<Session> SessionHandle::Fetch() const {
  const Result<internal::JsonValue> json = channel_->Get(Target(id_));
  if (!json) return json.error();
  return internal::DecodeSession(*json);
}

Result<Session> SessionHandle::WaitUntilIdle(std::chrono::milliseconds timeout) const {
  internal::Waiter waiter(*channel_, Target(id_), timeout);
  std::string known = "in an unknown state";
  while (true) {
    Result<internal::JsonValue> json =
        waiter.Next(fmt::format("Session {} was still {}", id_, known));
    if (!json) return json.error();

    Result<Session> session = internal::DecodeSession(*json);
    if (!session || session->state == SessionState::kIdle) return session;
    if (HasEnded(session->state)) return internal::SessionEnded(*session);
    known = ToString(session->state);
  }
}

Result<JobHandle> SessionHandle::Submit(const StatementRequest& request) const {
  const Result<internal::JsonValue> json =
      channel_->Create(Target(id_, "/statements"), internal::EncodeStatementRequest(request));
  if (!json) return json.error();
  const Result<Statement> statement = internal::DecodeStatement(*json);
  if (!statement) return statement.error();
  return JobHandle(channel_, id_, statement->id);
}

JobHandle SessionHandle::Open(int statement_id) const {
  return JobHandle(channel_, id_, statement_id);
}

Result<std::vector<Statement>> SessionHandle::Statements() const {
  const Result<internal::JsonValue> json = channel_->Get(Target(id_, "/statements"));
  if (!json) return json.error();
  return internal::DecodeStatements(*json);
}

Result<LogPage> SessionHandle::Log(int from, int size) const {
  const Result<internal::JsonValue> json =
      channel_->Get(Target(id_, fmt::format("/log?from={}&size={}", from, size)));
  if (!json) return json.error();
  return internal::DecodeLogPage(*json);
}

Result<OutputPage> SessionHandle::Output(std::int64_t offset,
                                         std::chrono::milliseconds timeout) const {
  return internal::AwaitOutput(*channel_, Target(id_), offset, timeout);
}

Result<void> SessionHandle::Add(ResourceKind kind, const std::string& uri,
                                std::chrono::milliseconds timeout) const {
  return channel_->Deliver(Target(id_, fmt::format("/add-{}", ToString(kind))),
                           fmt::format("{{\"uri\":{}}}", internal::JsonString(uri)),
                           "application/json", timeout);
}

Result<void> SessionHandle::Upload(ResourceKind kind, const std::filesystem::path& file,
                                   std::chrono::milliseconds timeout) const {
  const std::optional<std::string> content = ReadFile(file);
  if (!content) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} cannot be read.", file.string())};
  }
  const std::string_view part = kind == ResourceKind::kJar ? "jar" : "file";
  std::string boundary;
  std::string form = FileForm(part, file.filename().string(), *content, boundary);
  return channel_->Deliver(Target(id_, fmt::format("/upload-{}", ToString(kind))), std::move(form),
                           "multipart/form-data; boundary=" + boundary, timeout);
}

Result<void> SessionHandle::Stop() const {
  return channel_->Command("POST", Target(id_, "/stop"));
}

Result<void> SessionHandle::Delete() const {
  return channel_->Command("DELETE", Target(id_));
}

}  // namespace livy
