// The workers' half of ServerConnection: from the client's bytes to the handler's call.
#include <array>
#include <exception>
#include <sys/epoll.h>
#include <utility>
#include <variant>

#include "http/compression.h"
#include "http/field_text.h"
#include "http/server_connection.h"
#include "http/server_exchange.h"

namespace livy::internal {
namespace {

constexpr Clock::TimePoint kNever = Clock::TimePoint::max();
// One TLS record; also enough for nearly every request.
constexpr std::size_t kReceiveBytes = 16384;
// A client that sends one request after the other lets others have the worker now and then.
constexpr int kServedInARow = 32;
// A slow upload gets this much more time for what has arrived: 1 s for each 64 KiB.
constexpr std::chrono::nanoseconds kTimePerBodyByte(1'000'000'000 / 65536);

}  // namespace

void ServerConnection::Advance() {
  if (!Handshake()) return;
  for (int served = 0; served < kServedInARow;) {
    switch (NextStep()) {
      case Step::kFill:
        if (!Fill()) return;
        break;
      case Step::kServe:
        if (!Serve()) return;
        ++served;
        break;
      case Step::kStop:
        return;
    }
  }
  Finish({.advances = true});
}

// Returns whether there is a connection that can be read from.
bool ServerConnection::Handshake() {
  After after;
  bool is_ready = false;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kClosed) return false;
    if (!transport_.is_shaking_hands()) return true;
    switch (transport_.ShakeHands()) {
      case Transport::Handshake::kDone:
        is_ready = true;
        break;
      case Transport::Handshake::kWantsRead:
        ParkLocked();
        break;
      case Transport::Handshake::kWantsWrite:
        state_ = State::kParked;
        ArmLocked(EPOLLOUT | EPOLLRDHUP);
        break;
      case Transport::Handshake::kFailed:
        CloseLocked(after);
        break;
    }
  }
  Finish(std::move(after));
  return is_ready;
}

ServerConnection::Step ServerConnection::NextStep() {
  if (!head_) {
    if (in_.empty()) return Step::kFill;
    return TakeHead();
  }
  return Continue();
}

ServerConnection::Step ServerConnection::TakeHead() {
  auto parsed = parser_.Parse(in_);
  if (std::holds_alternative<NeedMore>(parsed)) return Step::kFill;
  if (auto* refusal = std::get_if<Refusal>(&parsed)) return Refuse(std::move(*refusal));
  head_ = std::get<RequestHead>(std::move(parsed));
  const std::size_t bytes_max = BodyBytesMax(*head_);
  if (head_->content_length > bytes_max) {
    return Refuse({.status = 413, .reason = "Payload Too Large"});
  }
  if (!head_->has_body()) return Step::kServe;
  if (head_->is_chunked) chunks_.emplace(bytes_max);
  SetDeadline(core_->clock->Now() + core_->options.body_timeout);
  if (!HoldBody(in_.size() - head_->size)) return Step::kStop;
  return Continue();
}

// After decoding, too.
std::size_t ServerConnection::BodyBytesMax(const RequestHead& head) const {
  const auto type = FindHeader(head.headers, "Content-Type");
  const bool has_files = type && StartsWithIgnoringCase(*type, "multipart/form-data");
  return has_files ? core_->options.multipart_bytes_max : core_->options.body_bytes_max;
}

// The head is there: is the body?
ServerConnection::Step ServerConnection::Continue() {
  if (head_->is_chunked) {
    std::string_view input = std::string_view(in_).substr(head_->size);
    const ChunkDecoder::State state = chunks_->Decode(input, body_);
    in_.erase(head_->size, in_.size() - head_->size - input.size());
    switch (state) {
      case ChunkDecoder::State::kComplete:
        return Step::kServe;
      case ChunkDecoder::State::kMalformed:
        return Refuse({.status = 400, .reason = "Bad chunk"});
      case ChunkDecoder::State::kTooLarge:
        return Refuse({.status = 413, .reason = "Payload Too Large"});
      case ChunkDecoder::State::kNeedMore:
        break;
    }
  } else if (in_.size() - head_->size >= head_->content_length) {
    return Step::kServe;
  }
  if (head_->expects_continue && !has_continued_) {
    has_continued_ = true;
    After after;
    {
      const std::lock_guard lock(mutex_);
      if (!SendLocked("HTTP/1.1 100 Continue\r\n\r\n")) CloseLocked(after);
    }
    Finish(std::move(after));
  }
  return Step::kFill;
}

// Reads more. Returns false if the connection is parked or has ended.
bool ServerConnection::Fill() {
  std::array<char, kReceiveBytes> buffer;
  std::size_t size = 0;
  After after;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kClosed) return false;
    switch (transport_.Receive(buffer.data(), buffer.size(), size)) {
      case Transport::Received::kSome:
        break;
      case Transport::Received::kEnd:
      case Transport::Received::kBroken:
        CloseLocked(after);
        break;
      case Transport::Received::kNothing:
        if (deadline_ == kNever.time_since_epoch().count()) {
          SetDeadline(core_->clock->Now() + (in_.empty() ? core_->options.keep_alive_timeout
                                                         : core_->options.header_timeout));
        }
        if (in_.empty() && core_->is_stopping) {
          CloseLocked(after);
        } else {
          ParkLocked();
        }
        break;
    }
  }
  Finish(std::move(after));
  if (size == 0) return false;
  if (in_.empty()) SetDeadline(core_->clock->Now() + core_->options.header_timeout);
  in_.append(buffer.data(), size);
  if (!head_) return true;
  if (!HoldBody(size)) return false;
  deadline_ += static_cast<std::int64_t>(size) * kTimePerBodyByte.count();
  return true;
}

// Gives the request that is in `in_` to the handler. Returns true if it is answered and the
// connection goes on.
bool ServerConnection::Serve() {
  const RequestHead head = *std::exchange(head_, std::nullopt);
  const auto length = static_cast<std::size_t>(head.content_length);  // 0 if it is chunked.
  std::string body =
      head.is_chunked ? std::exchange(body_, std::string()) : in_.substr(head.size, length);
  ForgetRequest(head.size + length);
  HttpRequest request = {.method = head.method,
                         .target = head.target,
                         .headers = head.headers,
                         .body = std::move(body),
                         .peer = peer_};
  const auto encoding = FindHeader(request.headers, "Content-Encoding");
  const ContentCoding coding = encoding ? ParseCoding(*encoding) : ContentCoding::kNone;
  if (coding != ContentCoding::kNone && !request.body.empty()) {
    Result<std::string> text = Decompress(request.body, coding, BodyBytesMax(head));
    if (!text) {
      const bool is_too_large = text.error().code == ErrorCode::kResourceExhausted;
      Refuse(is_too_large ? Refusal{413, "Payload Too Large"}
                          : Refusal{400, "Bad compressed body"});
      return false;
    }
    request.body = *std::move(text);
  }
  return Handle(head, std::move(request));
}

bool ServerConnection::Handle(const RequestHead& head, HttpRequest request) {
  std::uint64_t answer = 0;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kClosed) return false;
    is_owed_ = true;
    answer = ++answer_;
  }
  {
    const auto exchange =
        std::make_shared<ServerExchange>(shared_from_this(), answer, head, std::move(request));
    try {
      core_->handler(exchange);
    } catch (const std::exception& error) {
      exchange->Fail(error.what());
    } catch (...) {
      exchange->Fail("The handler failed.");
    }
  }
  After after;
  bool goes_on = false;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kClosed) return false;
    goes_on = !is_owed_ && out_.empty() && !closes_;
    if (!goes_on) {
      state_ = State::kOwed;
      SettleLocked(after);
    }
  }
  Finish(std::move(after));
  return goes_on;
}

void ServerConnection::ForgetRequest(std::size_t bytes) {
  in_.erase(0, bytes);
  ReleaseIfLarge(in_);
  chunks_.reset();
  parser_.Reset();
  has_continued_ = false;
  ReleaseBody();
  SetDeadline(kNever);  // Until the connection waits for the client again.
}

// Counts bytes of a body towards the server's bound; refuses the request if that is reached.
bool ServerConnection::HoldBody(std::size_t bytes) {
  body_bytes_held_ += bytes;
  if (core_->body_bytes.fetch_add(bytes) + bytes <= core_->options.bodies_bytes_max) return true;
  Refuse({.status = 503, .reason = "Service Unavailable"});
  return false;
}

void ServerConnection::ReleaseBody() {
  core_->body_bytes -= std::exchange(body_bytes_held_, 0);
}

}  // namespace livy::internal
