// A server that echoes, and waits or streams when its path says so.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "http/http_server.h"

namespace livy::testing {

// Exchanges that a handler has put aside, for the test to answer.
class Shelf {
 public:
  void Put(std::shared_ptr<internal::Exchange> exchange) {
    const std::lock_guard lock(mutex_);
    exchanges_.push_back(std::move(exchange));
    changed_.notify_all();
  }

  // Waits until there are `count`, 10 s at most.
  bool WaitFor(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return exchanges_.size() >= count; });
  }

  std::vector<std::shared_ptr<internal::Exchange>> TakeAll() {
    const std::lock_guard lock(mutex_);
    return std::exchange(exchanges_, {});
  }

  std::shared_ptr<internal::Exchange> TakeOne() {
    if (!WaitFor(1)) return nullptr;
    const std::lock_guard lock(mutex_);
    std::shared_ptr<internal::Exchange> first = std::move(exchanges_.front());
    exchanges_.erase(exchanges_.begin());
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<internal::Exchange>> exchanges_ = {};  // Guarded by mutex_.
};

// A count that a test waits for.
class Counter {
 public:
  void Add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  bool WaitFor(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return count_ >= count; });
  }
  int count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;  // Guarded by mutex_.
};

// "/wait" is shelved, "/throw" throws, "/drop" is not answered, "/size/N" has N bytes of text; all
// else is answered with "METHOD TARGET BODY".
struct Fixture {
  explicit Fixture(internal::HttpServerOptions options = {}) {
    auto created = internal::HttpServer::Create(
        options, [this](const std::shared_ptr<internal::Exchange>& exchange) { Handle(exchange); });
    server = std::move(created).value();
  }

  void Handle(const std::shared_ptr<internal::Exchange>& exchange) {
    const HttpRequest& request = exchange->request();
    if (request.target == "/wait") return shelf.Put(exchange);
    if (request.target == "/throw") throw std::runtime_error("it broke");
    if (request.target == "/drop") return;
    std::string body = request.method + " " + request.target + " " + request.body;
    if (request.target.starts_with("/size/")) {
      body = std::string(std::stoul(request.target.substr(6)), 'x');
    }
    exchange->Send({.status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = body});
  }

  int port() const { return server->port(); }

  Shelf shelf = {};
  std::unique_ptr<internal::HttpServer> server = {};
};

}  // namespace livy::testing
