// ClientChannel: one connection of a client, plain or by TLS.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <livy/result.h>

#include "http/deadline.h"
#include "http/response_parser.h"
#include "http/tls.h"
#include "http/transport.h"

namespace livy::internal {

struct ChannelTarget {
  std::string host = {};  // A name or an address, without brackets.
  int port = 0;
  SSL_CTX* tls = nullptr;  // Null: plain.
  // If set, the server's certificate must be this one (SHA-256, lower-case hexadecimal), and
  // nothing else of it is checked.
  std::string fingerprint = {};
};

// Carries one request after the other. One thread at a time, but for Shutdown(). Nothing here
// raises SIGPIPE.
class ClientChannel {
 public:
  enum class Ending {
    kComplete,
    kStopped,     // By `progress`.
    kLate,        // The deadline came.
    kBroken,      // The connection did not last.
    kUnreadable,  // The parser says why.
    kHeadTooLarge,
    kBodyTooLarge,
  };
  struct Outcome {
    Ending ending = Ending::kBroken;
    bool has_sent = false;      // Some of the request is on its way.
    bool has_received = false;  // Some of the answer has come.
  };

  // Connects and shakes hands. Fails with kUnavailable, and with kPermissionDenied if the
  // certificate is not the one that was expected; the message begins with "Cannot connect to".
  static Result<std::unique_ptr<ClientChannel>> Open(const ChannelTarget& target,
                                                     const Deadline& deadline);

  ~ClientChannel() { transport_.Close(Transport::Unsent::kDeliver); }
  ClientChannel(const ClientChannel&) = delete;
  ClientChannel& operator=(const ClientChannel&) = delete;

  // Whether an idle connection still stands: the server has neither ended it nor said anything.
  bool IsQuiet();

  // Sends a request and reads its answer, both until the deadline. `progress`, unless it is empty,
  // is called when more of the answer has come, first with its head; it returns whether to go on.
  // A server may answer before it has taken the whole request: no more is sent then.
  Outcome Ask(std::string head, std::string_view body, ResponseParser& parser,
              const Deadline& deadline, const std::function<bool()>& progress);

  // Whether the connection is fit for another request: after an answer that lets it be, or a
  // deadline at which nothing was sent.
  bool is_reusable() const { return is_reusable_; }

  // From any thread: ends a call that blocks, and all later ones.
  void Shutdown();

 private:
  struct Unsent {
    std::string_view head = {};
    std::string_view body = {};
    bool empty() const { return head.empty() && body.empty(); }
  };

  explicit ClientChannel(Socket socket) : transport_(std::move(socket)) {}

  Result<void> ShakeHands(const ChannelTarget& target, const Deadline& deadline);
  bool Send(Unsent& unsent, Outcome& outcome);
  bool Receive(ResponseParser& parser, const Deadline& deadline, Outcome& outcome,
               const std::function<bool()>& progress);
  bool Take(std::string_view bytes, ResponseParser& parser, Outcome& outcome,
            const std::function<bool()>& progress);

  Transport transport_;
  bool is_reusable_ = true;
};

}  // namespace livy::internal
