// Exchange: one request, and the answer that is owed to it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include <livy/http.h>

namespace livy::internal {

// An answer that is written piece by piece. Safe to use from several threads.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;

  // Queues bytes for the client and never blocks. Returns false if the client is gone, or if it
  // reads so slowly that the server's bound for one stream is exceeded: the stream is then closed.
  virtual bool Write(std::string_view bytes) = 0;

  // Bytes that were written and the client's socket has not taken; 0 if the client is gone.
  virtual std::size_t unsent() const = 0;

  // `drained` is called each time when there is nothing unsent any more after there was, until the
  // answer ends: from a thread of the server, with no lock held. To be set once. A writer that
  // stops while something is unsent, and goes on when it is called, is as fast as its client.
  virtual void OnDrained(std::function<void()> drained) = 0;

  // Ends the answer after what was written. Harmless if it has ended.
  virtual void Close() = 0;
};

// Safe to use from several threads. If it is destroyed without an answer, the client gets 500.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const HttpRequest& request() const = 0;

  // Sends the whole answer. Exactly one of Send() and Stream() is called, once, from any thread: in
  // the handler, or later by whoever kept the exchange. Never blocks for the client.
  virtual void Send(HttpResponse response) = 0;

  // Sends status and headers of `head` and starts an answer without a known length.
  virtual std::shared_ptr<ResponseStream> Stream(HttpResponse head) = 0;

  // `gone` is called once if the client goes away before the answer is complete, and never after
  // that. Called without a lock held, from a thread of the server, or at once if it is already so.
  virtual void OnGone(std::function<void()> gone) = 0;
};

// Called on a worker thread when a request has arrived whole. Should not block for long; to wait,
// keep the exchange and return: a waiting request costs no thread.
using HttpHandler = std::function<void(const std::shared_ptr<Exchange>&)>;

}  // namespace livy::internal
