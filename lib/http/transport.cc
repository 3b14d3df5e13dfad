#include "http/transport.h"

#include <array>
#include <cerrno>
#include <sys/socket.h>

#include <openssl/err.h>

namespace livy::internal {

Transport::Handshake Transport::ShakeHands() {
  if (!is_shaking_hands()) return Handshake::kDone;
  ERR_clear_error();
  const int status = SSL_do_handshake(ssl_.get());
  has_shaken_hands_ = status == 1;
  if (has_shaken_hands_) return Handshake::kDone;
  switch (SSL_get_error(ssl_.get(), status)) {
    case SSL_ERROR_WANT_READ:
      return Handshake::kWantsRead;
    case SSL_ERROR_WANT_WRITE:
      return Handshake::kWantsWrite;
    default:
      return Handshake::kFailed;
  }
}

Transport::Received Transport::Receive(char* data, std::size_t size, std::size_t& received) {
  received = 0;
  if (!ssl_) {
    ssize_t count = 0;
    do {
      count = ::recv(socket_.fd(), data, size, 0);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return errno == EAGAIN ? Received::kNothing : Received::kBroken;
    received = static_cast<std::size_t>(count);
    return count == 0 ? Received::kEnd : Received::kSome;
  }
  ERR_clear_error();
  if (SSL_read_ex(ssl_.get(), data, size, &received) == 1) return Received::kSome;
  received = 0;
  const int error = SSL_get_error(ssl_.get(), 0);
  const bool would_block = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  if (would_block) return Received::kNothing;
  return error == SSL_ERROR_ZERO_RETURN ? Received::kEnd : Received::kBroken;
}

std::optional<std::size_t> Transport::Send(std::string_view bytes) {
  if (!ssl_) {
    ssize_t count = 0;
    do {
      count = ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    if (count >= 0) return static_cast<std::size_t>(count);
    return errno == EAGAIN ? std::optional<std::size_t>(0) : std::nullopt;
  }
  ERR_clear_error();
  std::size_t sent = 0;
  if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent) == 1) return sent;
  const int error = SSL_get_error(ssl_.get(), 0);
  const bool would_block = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  return would_block ? std::optional<std::size_t>(0) : std::nullopt;
}

void Transport::EndSending() {
  SayGoodbye();
  ::shutdown(socket_.fd(), SHUT_WR);
}

std::optional<std::size_t> Transport::Discard() {
  constexpr int kReadsInARow = 4;
  std::array<char, 16384> sink;
  std::size_t discarded = 0;
  for (int i = 0; i < kReadsInARow; ++i) {
    const ssize_t size = ::recv(socket_.fd(), sink.data(), sink.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (size <= 0) return std::nullopt;
    discarded += static_cast<std::size_t>(size);
  }
  return discarded;
}

void Transport::Close(Unsent unsent) {
  if (unsent == Unsent::kDrop) {
    const linger at_once = {.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  SayGoodbye();
  ssl_.reset();
  socket_.Reset();
}

// Tells the other side of TLS that nothing was cut off.
void Transport::SayGoodbye() {
  if (!ssl_ || !has_shaken_hands_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

}  // namespace livy::internal
