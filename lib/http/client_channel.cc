#include "http/client_channel.h"

#include <array>
#include <cstddef>
#include <optional>
#include <poll.h>
#include <sys/socket.h>

#include "http/dial.h"

namespace livy::internal {
namespace {

// One TLS record.
constexpr std::size_t kReceiveBytes = 16384;
// Bodies up to this size travel in one piece with their heads.
constexpr std::size_t kJoinedBytesMax = 16384;

}  // namespace

Result<std::unique_ptr<ClientChannel>> ClientChannel::Open(const ChannelTarget& target,
                                                           const Deadline& deadline) {
  Result<Socket> socket = Dial(target.host, target.port, deadline);
  if (!socket) return socket.error();
  std::unique_ptr<ClientChannel> channel(new ClientChannel(*std::move(socket)));
  if (target.tls != nullptr) {
    if (auto shaken = channel->ShakeHands(target, deadline); !shaken) return shaken.error();
  }
  return channel;
}

Result<void> ClientChannel::ShakeHands(const ChannelTarget& target, const Deadline& deadline) {
  const std::string failed = "Cannot connect to " + AuthorityText(target.host, target.port);
  const bool is_pinned = !target.fingerprint.empty();
  SslPtr made = MakeSsl(target.tls, transport_.fd());
  SSL* ssl = made.get();
  if (ssl == nullptr || (!is_pinned && !ExpectHost(ssl, target.host))) {
    return Error{ErrorCode::kUnavailable, failed + ": OpenSSL has no memory."};
  }
  transport_.UseTls(std::move(made));
  auto step = transport_.ShakeHands();
  while (step == Transport::Handshake::kWantsRead || step == Transport::Handshake::kWantsWrite) {
    const short events = step == Transport::Handshake::kWantsRead ? POLLIN : POLLOUT;
    if (deadline.Wait(transport_.fd(), events) == 0) break;
    step = transport_.ShakeHands();
  }
  if (step != Transport::Handshake::kDone) {
    const bool is_trusted = is_pinned || SSL_get_verify_result(ssl) == X509_V_OK;
    return Error{ErrorCode::kUnavailable,
                 failed + (is_trusted ? ": it does not speak TLS with us."
                                      : ": its certificate cannot be trusted.")};
  }
  if (is_pinned && PeerFingerprint(ssl) != target.fingerprint) {
    return Error{ErrorCode::kPermissionDenied,
                 failed + ": its certificate is not the expected one."};
  }
  return {};
}

bool ClientChannel::IsQuiet() {
  char byte = 0;
  std::size_t size = 0;
  return transport_.Receive(&byte, 1, size) == Transport::Received::kNothing;
}

ClientChannel::Outcome ClientChannel::Ask(std::string head, std::string_view body,
                                          ResponseParser& parser, const Deadline& deadline,
                                          const std::function<bool()>& progress) {
  Outcome outcome = {.ending = Ending::kLate};
  if (deadline.HasPassed()) return outcome;
  is_reusable_ = false;
  if (body.size() <= kJoinedBytesMax) head.append(std::exchange(body, {}));
  Unsent unsent = {.head = head, .body = body};
  while (true) {
    if (!Send(unsent, outcome)) {
      // What the server has said before it went away may be an answer.
      outcome.ending = Ending::kBroken;
      static_cast<void>(Receive(parser, deadline, outcome, progress));
      is_reusable_ = false;
      return outcome;
    }
    const short events = unsent.empty() ? POLLIN : POLLIN | POLLOUT;
    const short came = deadline.Wait(transport_.fd(), events);
    if (came == 0) return outcome;
    if (came == POLLOUT || !Receive(parser, deadline, outcome, progress)) continue;
    is_reusable_ = is_reusable_ && unsent.empty();
    return outcome;
  }
}

// Sends what the socket takes. Returns false if the connection is broken.
bool ClientChannel::Send(Unsent& unsent, Outcome& outcome) {
  while (!unsent.empty()) {
    std::string_view& part = unsent.head.empty() ? unsent.body : unsent.head;
    const std::optional<std::size_t> sent = transport_.Send(part);
    if (!sent) return false;
    if (*sent == 0) return true;
    outcome.has_sent = true;
    part.remove_prefix(*sent);
  }
  return true;
}

// Reads what has come. Returns whether that is the exchange's end, which is in `outcome` then.
bool ClientChannel::Receive(ResponseParser& parser, const Deadline& deadline, Outcome& outcome,
                            const std::function<bool()>& progress) {
  std::array<char, kReceiveBytes> bytes;
  while (true) {
    std::size_t size = 0;
    switch (transport_.Receive(bytes.data(), bytes.size(), size)) {
      case Transport::Received::kSome:
        outcome.has_received = true;
        if (Take({bytes.data(), size}, parser, outcome, progress)) return true;
        if (!deadline.HasPassed()) break;
        outcome.ending = Ending::kLate;
        return true;
      case Transport::Received::kNothing:
        return false;
      case Transport::Received::kEnd:
        outcome.ending = parser.ReadEnd() == ResponseParser::State::kComplete ? Ending::kComplete
                                                                              : Ending::kBroken;
        return true;
      case Transport::Received::kBroken:
        outcome.ending = Ending::kBroken;
        return true;
    }
  }
}

// Gives bytes to the parser. Returns whether they end the exchange.
bool ClientChannel::Take(std::string_view bytes, ResponseParser& parser, Outcome& outcome,
                         const std::function<bool()>& progress) {
  const ResponseParser::State state = parser.Read(bytes);
  if (progress && parser.has_head() && !progress()) {
    outcome.ending = Ending::kStopped;
    return true;
  }
  switch (state) {
    case ResponseParser::State::kNeedMore:
      return false;
    case ResponseParser::State::kComplete:
      outcome.ending = Ending::kComplete;
      // Bytes that nobody has asked for would be taken for the next answer.
      is_reusable_ = parser.keeps_alive() && bytes.empty();
      return true;
    case ResponseParser::State::kMalformed:
      outcome.ending = Ending::kUnreadable;
      return true;
    case ResponseParser::State::kHeadTooLarge:
      outcome.ending = Ending::kHeadTooLarge;
      return true;
    case ResponseParser::State::kBodyTooLarge:
      outcome.ending = Ending::kBodyTooLarge;
      return true;
  }
  return true;
}

void ClientChannel::Shutdown() {
  ::shutdown(transport_.fd(), SHUT_RDWR);
}

}  // namespace livy::internal
