// ServerConnection: one client's connection, from its first byte to its last.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <livy/clock.h>

#include "http/chunk_decoder.h"
#include "http/request_head.h"
#include "http/server_core.h"
#include "http/socket.h"
#include "http/transport.h"

namespace livy::internal {

// A connection is passive. It costs a thread only while a worker reads from it or runs a handler;
// between requests, while an answer is owed and while one is written to a slow client, it is known
// to epoll alone. One mutex orders what happens to the socket: it is held over socket calls, which
// never block, and never over a call to a handler or a callback.
class ServerConnection : public std::enable_shared_from_this<ServerConnection> {
 public:
  // How a piece of an answer relates to the rest.
  enum class Piece { kMore, kLast, kLastThenClose };

  ServerConnection(std::shared_ptr<ServerCore> core, Socket socket, std::string peer);
  ~ServerConnection();

  // For the server's thread.
  void Start();
  void OnEvent(std::uint32_t events);
  bool IsDue(Clock::TimePoint now) const { return now.time_since_epoch().count() >= deadline_; }
  void OnDeadline(Clock::TimePoint now);
  void CloseIfIdle();

  // Ends the connection now. Whoever waits to learn that the client has gone is told.
  void Cut();

  // Sends a piece of the answer of that number, or queues it. Safe to call from several threads.
  // Returns false if that answer is complete, if the connection has ended, or if it ends because
  // too much is queued.
  bool Write(std::uint64_t answer, std::string_view bytes, Piece piece);

  // See Exchange::OnGone().
  void OnGone(std::uint64_t answer, std::function<void()> gone);

  // See ResponseStream.
  std::size_t Unsent(std::uint64_t answer) const;
  void OnDrained(std::uint64_t answer, std::function<void()> drained);

  const ServerCore& core() const { return *core_; }

 private:
  enum class State {
    kParked,     // Waits in epoll for the client's bytes.
    kWorking,    // Belongs to a worker, which reads or runs the handler.
    kOwed,       // An answer is awaited or being written; no worker.
    kLingering,  // The last answer is sent; what the client still sends is thrown away.
    kClosed,
  };
  enum class Step { kFill, kServe, kStop };

  // What is to be done once the mutex is released.
  struct After {
    std::function<void()> gone = {};     // To be called.
    std::function<void()> drained = {};  // To be called.
    std::function<void()> dropped = {};  // To be destroyed only.
    std::function<void()> dropped_too = {};
    bool advances = false;
    bool has_ended = false;
  };

  // For a worker, in server_connection_input.cc.
  void Advance();
  bool Handshake();
  Step NextStep();
  Step TakeHead();
  std::size_t BodyBytesMax(const RequestHead& head) const;
  Step Continue();
  bool Fill();
  bool Serve();
  bool Handle(const RequestHead& head, HttpRequest request);
  void ForgetRequest(std::size_t bytes);
  bool HoldBody(std::size_t bytes);
  void ReleaseBody();

  Step Refuse(Refusal refusal);
  bool SendLocked(std::string_view bytes);
  bool FlushLocked();
  void SettleLocked(After& after);
  void ParkLocked();
  void LingerLocked(After& after);
  void DiscardLocked(After& after);
  void CloseLocked(After& after);
  void ArmLocked(std::uint32_t events);
  void SetDeadline(Clock::TimePoint deadline) { deadline_ = deadline.time_since_epoch().count(); }
  void Finish(After after);
  // A buffer that has grown large is given back once it is empty.
  static void ReleaseIfLarge(std::string& buffer);

  const std::shared_ptr<ServerCore> core_;
  const std::string peer_;

  // Of the worker in kWorking, of whoever holds the mutex otherwise.
  std::string in_ = {};  // Received and not yet consumed.
  HeadParser parser_;
  std::optional<RequestHead> head_ = {};  // Of the request that is being read.
  std::optional<ChunkDecoder> chunks_ = {};
  std::string body_ = {};            // What came of it in chunks.
  std::size_t body_bytes_held_ = 0;  // Our part of ServerCore::body_bytes.
  bool has_continued_ = false;

  std::atomic<std::int64_t> deadline_;  // What is late then depends on the state.

  mutable std::mutex mutex_;
  Transport transport_;              // Guarded by mutex_.
  State state_ = State::kWorking;    // Guarded by mutex_.
  bool is_registered_ = false;       // Guarded by mutex_. Known to epoll.
  bool is_owed_ = false;             // Guarded by mutex_. A handler has yet to finish its answer.
  std::uint64_t answer_ = 0;         // Guarded by mutex_. Number of the answer that is owed.
  bool closes_ = false;              // Guarded by mutex_. Ends after what is queued.
  std::uint32_t armed_ = 0;          // Guarded by mutex_. The events epoll waits for.
  std::string out_ = {};             // Guarded by mutex_. Queued bytes, the first sent_ are sent.
  std::size_t sent_ = 0;             // Guarded by mutex_.
  std::size_t lingered_ = 0;         // Guarded by mutex_. Bytes thrown away.
  std::function<void()> gone_ = {};  // Guarded by mutex_.
  std::function<void()> drained_ = {};  // Guarded by mutex_.
};

}  // namespace livy::internal
