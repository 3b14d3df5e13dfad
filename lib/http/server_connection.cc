#include "http/server_connection.h"

#include <sys/epoll.h>
#include <utility>

#include "http/response_writer.h"

namespace livy::internal {
namespace {

constexpr Clock::TimePoint kNever = Clock::TimePoint::max();
// How long and how much a client may go on sending after it was refused. If the socket were closed
// with unread bytes, the system would reset it and the client might not see why.
constexpr std::chrono::seconds kLingerTime(2);
constexpr std::size_t kLingerBytesMax = 64 << 20;

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<ServerCore> core, Socket socket,
                                   std::string peer)
    : core_(std::move(core)),
      peer_(std::move(peer)),
      parser_({.target_bytes_max = core_->options.target_bytes_max,
               .header_bytes_max = core_->options.header_bytes_max,
               .headers_max = core_->options.headers_max}),
      transport_(std::move(socket)) {
  SetDeadline(core_->clock->Now() + core_->options.header_timeout);
}

ServerConnection::~ServerConnection() {
  ReleaseBody();
}

void ServerConnection::Start() {
  After after;
  {
    const std::lock_guard lock(mutex_);
    SslPtr ssl(nullptr, SSL_free);
    if (core_->tls) ssl = MakeSsl(core_->tls.get(), transport_.fd());
    if (core_->tls && !ssl) {
      CloseLocked(after);
    } else {
      transport_.UseTls(std::move(ssl));
      ParkLocked();
    }
  }
  Finish(std::move(after));
}

void ServerConnection::ReleaseIfLarge(std::string& buffer) {
  constexpr std::size_t kKeptBufferBytes = 4096;
  if (buffer.empty() && buffer.capacity() > kKeptBufferBytes) buffer = std::string();
}

// ---- The server's thread.

void ServerConnection::OnEvent(std::uint32_t events) {
  After after;
  {
    const std::lock_guard lock(mutex_);
    const bool was_unsent = !out_.empty();
    armed_ = 0;
    switch (state_) {
      case State::kParked:
        state_ = State::kWorking;
        after.advances = true;
        break;
      case State::kOwed:
        if ((events & (EPOLLERR | EPOLLHUP)) != 0 || ((events & EPOLLRDHUP) != 0 && is_owed_) ||
            !FlushLocked()) {
          CloseLocked(after);
        } else {
          if (was_unsent && out_.empty()) after.drained = drained_;
          SettleLocked(after);
        }
        break;
      case State::kLingering:
        DiscardLocked(after);
        break;
      case State::kWorking:
      case State::kClosed:
        break;  // An event of an earlier state.
    }
  }
  Finish(std::move(after));
}

void ServerConnection::OnDeadline(Clock::TimePoint now) {
  After after;
  bool refuses = false;
  {
    const std::lock_guard lock(mutex_);
    if (!IsDue(now) || state_ == State::kWorking || state_ == State::kClosed) return;
    refuses = state_ == State::kParked && !in_.empty();
    if (refuses) {
      state_ = State::kWorking;
    } else {
      CloseLocked(after);
    }
  }
  if (refuses) Refuse({.status = 408, .reason = "Request Timeout"});
  Finish(std::move(after));
}

void ServerConnection::CloseIfIdle() {
  After after;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kParked && in_.empty()) CloseLocked(after);
  }
  Finish(std::move(after));
}

void ServerConnection::Cut() {
  After after;
  {
    const std::lock_guard lock(mutex_);
    CloseLocked(after);
  }
  Finish(std::move(after));
}

// ---- Answers, from any thread.

// Answers a request that no handler sees, and ends the connection.
ServerConnection::Step ServerConnection::Refuse(Refusal refusal) {
  const std::string page =
      WriteResponse(BadMessagePage(refusal), {.closes = true}, core_->clock->Wall());
  After after;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kClosed) return Step::kStop;
    // Best effort: a client that has not read its earlier answers does not get this one.
    if (FlushLocked() && SendLocked(page)) {
      LingerLocked(after);
    } else {
      CloseLocked(after);
    }
  }
  Finish(std::move(after));
  return Step::kStop;
}

bool ServerConnection::Write(std::uint64_t answer, std::string_view bytes, Piece piece) {
  After after;
  bool is_accepted = true;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kClosed || !is_owed_ || answer != answer_) return false;
    if (piece != Piece::kMore) {
      is_owed_ = false;
      closes_ = piece == Piece::kLastThenClose;
      after.dropped = std::exchange(gone_, nullptr);
      after.dropped_too = std::exchange(drained_, nullptr);
    }
    is_accepted = SendLocked(bytes);
    const bool is_too_slow =
        piece == Piece::kMore && out_.size() - sent_ > core_->options.stream_buffer_bytes_max;
    if (!is_accepted || is_too_slow) {
      is_accepted = false;
      CloseLocked(after);
    } else {
      SettleLocked(after);
    }
  }
  Finish(std::move(after));
  return is_accepted;
}

void ServerConnection::OnGone(std::uint64_t answer, std::function<void()> gone) {
  std::function<void()> dropped;
  bool is_gone = false;
  {
    const std::lock_guard lock(mutex_);
    if (answer != answer_ || (state_ != State::kClosed && !is_owed_)) return;
    is_gone = state_ == State::kClosed;
    if (is_gone && !is_owed_) return;  // Answered before it ended.
    if (!is_gone) dropped = std::exchange(gone_, std::move(gone));
  }
  if (is_gone) gone();
}

std::size_t ServerConnection::Unsent(std::uint64_t answer) const {
  const std::lock_guard lock(mutex_);
  return answer == answer_ ? out_.size() - sent_ : 0;
}

void ServerConnection::OnDrained(std::uint64_t answer, std::function<void()> drained) {
  const std::lock_guard lock(mutex_);
  if (answer == answer_ && is_owed_ && state_ != State::kClosed) drained_.swap(drained);
}

// ---- Moves between states, and what follows them.

// Decides what a connection without a worker waits for.
void ServerConnection::SettleLocked(After& after) {
  if (state_ != State::kOwed) return;  // A worker, which settles when the handler returns.
  if (sent_ < out_.size()) return ArmLocked(EPOLLOUT | (is_owed_ ? EPOLLRDHUP : 0U));
  if (is_owed_) return ArmLocked(EPOLLRDHUP);
  if (closes_) return CloseLocked(after);
  const bool has_pending = !in_.empty() || transport_.HasPending();
  if (has_pending) {
    state_ = State::kWorking;
    after.advances = true;
  } else if (core_->is_stopping) {
    CloseLocked(after);
  } else {
    SetDeadline(core_->clock->Now() + core_->options.keep_alive_timeout);
    ParkLocked();
  }
}

void ServerConnection::ParkLocked() {
  state_ = State::kParked;
  if (in_.empty()) in_ = std::string();
  if (out_.empty()) out_ = std::string();
  ArmLocked(EPOLLIN | EPOLLRDHUP);
}

void ServerConnection::LingerLocked(After& after) {
  after.dropped = std::exchange(gone_, nullptr);
  is_owed_ = false;
  in_ = std::string();
  body_ = std::string();
  ReleaseBody();
  transport_.EndSending();
  state_ = State::kLingering;
  SetDeadline(core_->clock->Now() + kLingerTime);
  ArmLocked(EPOLLIN | EPOLLRDHUP);
}

void ServerConnection::DiscardLocked(After& after) {
  const std::optional<std::size_t> discarded = transport_.Discard();
  lingered_ += discarded.value_or(0);
  if (!discarded || lingered_ > kLingerBytesMax) return CloseLocked(after);
  ArmLocked(EPOLLIN | EPOLLRDHUP);
}

void ServerConnection::CloseLocked(After& after) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  after.has_ended = true;
  (is_owed_ ? after.gone : after.dropped) = std::exchange(gone_, nullptr);
  after.dropped_too = std::exchange(drained_, nullptr);
  // What the client did not take in time is not kept in the system's buffers either.
  transport_.Close(sent_ < out_.size() ? Transport::Unsent::kDrop : Transport::Unsent::kDeliver);
  out_ = std::string();
  sent_ = 0;
  SetDeadline(kNever);
}

void ServerConnection::ArmLocked(std::uint32_t events) {
  if (armed_ == events) return;
  armed_ = events;
  epoll_event event = {};
  event.events = events | EPOLLONESHOT;
  event.data.ptr = this;
  const int operation = std::exchange(is_registered_, true) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  ::epoll_ctl(core_->epoll.fd(), operation, transport_.fd(), &event);
}

void ServerConnection::Finish(After after) {
  if (after.advances) {
    const bool is_accepted = core_->pool.Submit([self = shared_from_this()] { self->Advance(); });
    if (!is_accepted) Refuse({.status = 503, .reason = "Service Unavailable"});
  }
  // Not in this thread, which may hold locks of its own; only at the very end is there no other.
  if (after.gone && !core_->pool.SubmitAlways(after.gone)) after.gone();
  if (after.drained && !core_->pool.SubmitAlways(after.drained)) after.drained();
  if (after.has_ended) core_->Forget(this);
}

// ---- What is sent.

// Sends what is queued, as far as the socket takes it. Returns false if the connection is broken.
bool ServerConnection::FlushLocked() {
  while (sent_ < out_.size()) {
    const std::optional<std::size_t> sent = transport_.Send(std::string_view(out_).substr(sent_));
    if (!sent) return false;
    if (*sent == 0) return true;
    sent_ += *sent;
    SetDeadline(core_->clock->Now() + core_->options.response_timeout);
  }
  if (!out_.empty()) SetDeadline(kNever);
  out_.clear();
  sent_ = 0;
  ReleaseIfLarge(out_);
  return true;
}

// Sends at once what the socket takes and queues the rest.
bool ServerConnection::SendLocked(std::string_view bytes) {
  if (!FlushLocked()) return false;
  const bool was_empty = out_.empty();
  while (was_empty && !bytes.empty()) {
    const std::optional<std::size_t> sent = transport_.Send(bytes);
    if (!sent) return false;
    if (*sent == 0) break;
    bytes.remove_prefix(*sent);
  }
  if (bytes.empty()) return true;
  if (was_empty) SetDeadline(core_->clock->Now() + core_->options.response_timeout);
  // What is sent already goes first, so that a long stream does not grow without end.
  out_.erase(0, std::exchange(sent_, 0));
  out_ += bytes;
  return true;
}

}  // namespace livy::internal
