// LivyClient: creates, finds and lists the sessions and the batches of a server.
#pragma once

#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <livy/batch.h>
#include <livy/batch_handle.h>
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
  // For how long a request is repeated that creates something and whose answer was lost, if the
  // server is one that then creates it once: see LivyClient::CreateSession().
  std::chrono::milliseconds retry_timeout = std::chrono::seconds(60);
  int page_size = 100;  // Sessions or batches asked for at once when listing; 1 to 1000.
};

// The server's sessions or batches, fetched page by page while they are walked over. Ends after the
// first error. For one thread, and to be walked over once. Item is Session or Batch.
template <typename Item>
class Listing {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Result<Item>;
    using difference_type = std::ptrdiff_t;
    using pointer = const Result<Item>*;
    using reference = const Result<Item>&;

    reference operator*() const { return listing_->page_[listing_->position_]; }
    Iterator& operator++() {
      listing_->Advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const {
      return listing_->position_ >= listing_->page_.size();
    }

   private:
    friend class Listing;
    explicit Iterator(Listing* listing) : listing_(listing) {}
    Listing* listing_;
  };

  Iterator begin() {
    if (page_.empty() && !last_page_) FetchPage();
    return Iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  friend class LivyClient;
  Listing(std::shared_ptr<internal::Channel> channel, int page_size);
  void Advance();
  void FetchPage();

  std::shared_ptr<internal::Channel> channel_;
  int page_size_;
  int from_ = 0;
  bool last_page_ = false;
  std::vector<Result<Item>> page_ = {};
  std::size_t position_ = 0;
  std::set<int> seen_ = {};  // Ids that were given out, so that none is twice.
};

extern template class Listing<Session>;
extern template class Listing<Batch>;

using SessionRange = Listing<Session>;
using BatchRange = Listing<Batch>;

// A small value: copies share one connection, which is expensive to make and cheap to share. Using
// different copies from different threads is safe.
class LivyClient {
 public:
  // Fails with kInvalidArgument if an option cannot be used. Does not connect yet.
  static Result<LivyClient> Create(ClientOptions options);

  // Asks for a session and returns without waiting for its driver: see
  // SessionHandle::WaitUntilIdle(). Fails with kInvalidArgument, and the server's words, if the
  // server refuses it; with kOutcomeUnknown if no answer came, and the server is Apache Livy, which
  // might create a second one, or no answer came to repetitions either. liblivy's server is asked
  // again with the same Idempotency-Key, for `retry_timeout` at most, and creates one.
  Result<SessionHandle> CreateSession(const SessionRequest& request) const;

  // A handle of an existing session, by its id or name. Fails with kNotFound if there is none.
  Result<SessionHandle> OpenSession(int id) const;
  Result<SessionHandle> OpenSession(std::string_view name) const;

  // All sessions of the server, in the order of their creation.
  SessionRange Sessions() const;

  // Asks for a batch and returns without waiting for its end: see BatchHandle::Wait(). Fails as
  // CreateSession() does. A program that is not there is no failure of this call but the batch's.
  Result<BatchHandle> SubmitBatch(const BatchRequest& request) const;

  // As OpenSession().
  Result<BatchHandle> OpenBatch(int id) const;
  Result<BatchHandle> OpenBatch(std::string_view name) const;

  // All batches of the server, in the order of their creation.
  BatchRange Batches() const;

  // What the server says it is, such as "0.9.0".
  Result<std::string> ServerVersion() const;

 private:
  LivyClient(std::shared_ptr<internal::Channel> channel, int page_size);

  std::shared_ptr<internal::Channel> channel_;
  int page_size_;
};

}  // namespace livy
