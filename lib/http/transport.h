// Transport: the bytes of a connection, plain or by TLS, without ever blocking.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "http/socket.h"
#include "http/tls.h"

namespace livy::internal {

// One thread at a time.
class Transport {
 public:
  enum class Received { kSome, kNothing, kEnd, kBroken };
  enum class Handshake { kDone, kWantsRead, kWantsWrite, kFailed };

  explicit Transport(Socket socket) : socket_(std::move(socket)) {}

  // Speaks TLS from now on. `ssl` was made for this socket.
  void UseTls(SslPtr ssl) { ssl_ = std::move(ssl); }

  // kDone without TLS.
  Handshake ShakeHands();
  bool is_shaking_hands() const { return ssl_ && !has_shaken_hands_; }

  // kEnd: the other side has sent all that it wanted to. kBroken: it may have wanted to send more.
  Received Receive(char* data, std::size_t size, std::size_t& received);

  // How much of `bytes` was taken; nullopt if the connection is broken.
  std::optional<std::size_t> Send(std::string_view bytes);

  // Whether bytes were received that epoll knows nothing of.
  bool HasPending() const { return ssl_ && SSL_has_pending(ssl_.get()) != 0; }

  // Tells the other side that nothing more comes.
  void EndSending();

  // Throws received bytes away. Returns how many; nullopt at the connection's end.
  std::optional<std::size_t> Discard();

  enum class Unsent { kDeliver, kDrop };
  // kDrop: what the system has not delivered yet is dropped with the connection.
  void Close(Unsent unsent);

  int fd() const { return socket_.fd(); }

 private:
  void SayGoodbye();

  Socket socket_;
  SslPtr ssl_{nullptr, SSL_free};
  bool has_shaken_hands_ = false;
};

}  // namespace livy::internal
