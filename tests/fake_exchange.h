// An exchange without a socket.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/exchange.h"

namespace livy::internal {

struct FakeStream : ResponseStream {
  bool Write(std::string_view bytes) override {
    if (broken || closed) return false;
    written += bytes;
    if (fills) held += bytes.size();
    return true;
  }
  std::size_t unsent() const override { return held; }
  void OnDrained(std::function<void()> the_drained) override { drained = std::move(the_drained); }
  void Close() override { closed = true; }

  // As if a slow client had taken everything.
  void Drain() {
    held = 0;
    if (drained) drained();
  }

  std::string written = {};
  std::size_t held = 0;
  bool fills = false;  // Whatever is written is unsent until Drain().
  std::function<void()> drained = {};
  bool broken = false;
  bool closed = false;
};

struct FakeExchange : Exchange {
  explicit FakeExchange(HttpRequest the_request) : sent_request(std::move(the_request)) {}

  const HttpRequest& request() const override { return sent_request; }
  void Send(HttpResponse the_response) override { response = std::move(the_response); }
  std::shared_ptr<ResponseStream> Stream(HttpResponse head) override {
    response = std::move(head);
    stream = std::make_shared<FakeStream>();
    return stream;
  }
  void OnGone(std::function<void()> the_gone) override { gone = std::move(the_gone); }

  HttpRequest sent_request;
  std::optional<HttpResponse> response = {};
  std::shared_ptr<FakeStream> stream = {};
  std::function<void()> gone = {};
};

}  // namespace livy::internal
