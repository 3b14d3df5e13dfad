// LivyClient: creates, finds and lists the sessions of a server.
#pragma once

#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <livy/clock.h>
#include <livy/connection.h>
#include <livy/result.h>
#include <livy/session.h>
#include <livy/session_handle.h>

namespace livy {

struct ClientOptions {
  // Where the server is; not used if `connection` is set.
  HttpConnectionOptions http = {};
  // Another way to the server, such as LivyServer::Connect() or testing::FakeConnection.
  std::shared_ptr<Connection> connection = {};
  std::shared_ptr<Clock> clock = {};  // Unset: the system's.
  // How long one request may take, apart from what the server is asked to wait.
  std::chrono::milliseconds request_timeout = std::chrono::seconds(60);
  int page_size = 100;  // Sessions asked for at once when listing; 1 to 1000.
};

// The server's sessions, fetched page by page while they are walked over. Ends after the first
// error. For one thread, and to be walked over once.
class SessionRange {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Result<Session>;
    using difference_type = std::ptrdiff_t;
    using pointer = const Result<Session>*;
    using reference = const Result<Session>&;

    reference operator*() const;
    Iterator& operator++();
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const;

   private:
    friend class SessionRange;
    explicit Iterator(SessionRange* range) : range_(range) {}
    SessionRange* range_;
  };

  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

 private:
  friend class LivyClient;
  SessionRange(std::shared_ptr<internal::Channel> channel, int page_size);
  void FetchPage();

  std::shared_ptr<internal::Channel> channel_;
  int page_size_;
  int from_ = 0;
  bool last_page_ = false;
  std::vector<Result<Session>> page_ = {};
  std::size_t position_ = 0;
  std::set<int> seen_ = {};  // Ids that were given out, so that none is twice.
};

// A small value: copies share one connection, which is expensive to make and cheap to share. Using
// different copies from different threads is safe.
class LivyClient {
 public:
  // Fails with kInvalidArgument if an option cannot be used. Does not connect yet.
  static Result<LivyClient> Create(ClientOptions options);

  // Asks for a session and returns without waiting for its driver: see
  // SessionHandle::WaitUntilIdle(). Fails with kInvalidArgument, and the server's words, if the
  // server refuses it; with kUnavailable if the outcome is unknown because the connection broke.
  Result<SessionHandle> CreateSession(const SessionRequest& request) const;

  // A handle of an existing session, by its id or name. Fails with kNotFound if there is none.
  Result<SessionHandle> OpenSession(int id) const;
  Result<SessionHandle> OpenSession(std::string_view name) const;

  // All sessions of the server, in the order of their creation.
  SessionRange Sessions() const;

  // What the server says it is, such as "0.9.0".
  Result<std::string> ServerVersion() const;

 private:
  LivyClient(std::shared_ptr<internal::Channel> channel, int page_size);

  std::shared_ptr<internal::Channel> channel_;
  int page_size_;
};

}  // namespace livy
