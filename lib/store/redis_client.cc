#include "store/redis_client.h"

#include <algorithm>
#include <hiredis.h>
#include <utility>

#include <fmt/format.h>

namespace livy::internal {
namespace {

using Reader = std::unique_ptr<redisReader, decltype(&redisReaderFree)>;
using RawReply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

void AppendCommand(const RedisCommand& command, std::string& bytes) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const std::string& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* formatted = nullptr;
  const auto size = redisFormatCommandArgv(&formatted, static_cast<int>(words.size()), words.data(),
                                           sizes.data());
  if (size > 0) bytes.append(formatted, static_cast<std::size_t>(size));
  redisFreeCommand(formatted);
}

RedisReply ReplyOf(const redisReply& raw) {
  RedisReply reply;
  const auto text = [&] { return std::string(raw.str, static_cast<std::size_t>(raw.len)); };
  using enum RedisReply::Type;
  switch (raw.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      reply = {.type = kText, .text = text()};
      break;
    case REDIS_REPLY_ERROR:
      reply = {.type = kError, .text = text()};
      break;
    case REDIS_REPLY_INTEGER:
      reply = {.type = kNumber, .number = raw.integer};
      break;
    case REDIS_REPLY_ARRAY:
      reply.type = kList;
      for (std::size_t index = 0; index < static_cast<std::size_t>(raw.elements); ++index)
        reply.list.push_back(ReplyOf(*raw.element[index]));
      break;
    default:
      break;
  }
  return reply;
}

}  // namespace

bool IsPassing(const RedisReply& reply) {
  if (reply.type != RedisReply::Type::kError) return false;
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"LOADING", "MASTERDOWN", "BUSY"},
      [&](std::string_view word) { return reply.text.starts_with(word); });
}

std::string RedisClient::Address() const {
  return options_.unix_socket.empty() ? fmt::format("{}:{}", options_.host, options_.port)
                                      : options_.unix_socket.string();
}

Error RedisClient::ErrorOf(std::string_view what) const {
  return {ErrorCode::kUnavailable,
          fmt::format("The store in Redis at '{}' failed: {}.", Address(), what)};
}

Result<void> RedisClient::Connect(Clock::TimePoint deadline) {
  if (stream_ != nullptr) return {};
  deadline = std::min<Clock::TimePoint>(deadline, clock_.Now() + options_.connect_timeout);
  Result<std::unique_ptr<RedisStream>> stream = RedisStream::Open(options_, clock_, deadline);
  if (!stream) return ErrorOf(stream.error().message);
  stream_ = *std::move(stream);
  if (Result<void> greeted = Greet(deadline); !greeted) {
    stream_.reset();
    return greeted;
  }
  if (std::exchange(was_lost_, false)) {
    log_.Write(LogLevel::kInfo, "store", fmt::format("connected to Redis at {}", Address()));
  }
  return {};
}

Result<void> RedisClient::Greet(Clock::TimePoint deadline) {
  std::vector<RedisCommand> commands;
  if (!options_.password.empty()) {
    commands.push_back(options_.user.empty()
                           ? RedisCommand{"AUTH", options_.password}
                           : RedisCommand{"AUTH", options_.user, options_.password});
  }
  if (options_.database != 0) {
    commands.push_back({"SELECT", fmt::format("{}", options_.database)});
  }
  if (commands.empty()) return {};
  const Result<std::vector<RedisReply>> replies = Exchange(commands, deadline);
  if (!replies) return ErrorOf(replies.error().message);
  for (const RedisReply& reply : *replies) {
    if (reply.type == RedisReply::Type::kError) return ErrorOf(reply.text);
  }
  return {};
}

RedisClient::Answer RedisClient::Send(const std::vector<RedisCommand>& commands,
                                      Clock::TimePoint deadline) {
  if (Result<void> connected = Connect(deadline); !connected) {
    return {.failure = connected.error()};
  }
  Result<std::vector<RedisReply>> replies = Exchange(commands, deadline);
  if (replies) return {.is_answered = true, .replies = *std::move(replies)};
  stream_.reset();
  was_lost_ = true;
  const Error failure = ErrorOf(replies.error().message);
  log_.Write(LogLevel::kWarning, "store", failure.message);
  return {.failure = failure};
}

Result<std::vector<RedisReply>> RedisClient::Exchange(const std::vector<RedisCommand>& commands,
                                                      Clock::TimePoint deadline) {
  std::string bytes;
  for (const RedisCommand& command : commands)
    AppendCommand(command, bytes);
  if (Result<void> sent = stream_->Send(bytes, deadline); !sent) return sent.error();

  const Reader reader(redisReaderCreate(), redisReaderFree);
  std::vector<RedisReply> replies;
  while (replies.size() < commands.size()) {
    void* raw = nullptr;
    if (redisReaderGetReply(reader.get(), &raw) != REDIS_OK) {
      return Error{ErrorCode::kUnavailable, reader->errstr};
    }
    if (const RawReply reply(static_cast<redisReply*>(raw), freeReplyObject); reply) {
      replies.push_back(ReplyOf(*reply));
      continue;
    }
    const Result<std::string> more = stream_->Receive(deadline);
    if (!more) return more.error();
    redisReaderFeed(reader.get(), more->data(), more->size());
  }
  return replies;
}

}  // namespace livy::internal
