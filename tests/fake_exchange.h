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
    return true;
  }
  void Close() override { closed = true; }

  std::string written = {};
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
