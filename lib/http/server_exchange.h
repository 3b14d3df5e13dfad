// ServerExchange: the Exchange of a request that came over a connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "http/compression.h"
#include "http/exchange.h"
#include "http/request_head.h"
#include "http/server_connection.h"

namespace livy::internal {

class ServerExchange : public Exchange {
 public:
  // `answer` is the connection's number for what is owed; `head` tells how the client wants it.
  ServerExchange(std::shared_ptr<ServerConnection> connection, std::uint64_t answer,
                 const RequestHead& head, HttpRequest request);
  ~ServerExchange() override;

  const HttpRequest& request() const override { return request_; }
  void Send(HttpResponse response) override;
  std::shared_ptr<ResponseStream> Stream(HttpResponse head) override;
  void OnGone(std::function<void()> gone) override;

  // Answers 500 with the text as a JSON string, unless there is an answer.
  void Fail(std::string_view text);

 private:
  const std::shared_ptr<ServerConnection> connection_;
  const std::uint64_t answer_;
  const HttpRequest request_;
  const bool is_head_;
  const bool is_http_1_0_;
  const bool keeps_alive_;
  const ContentCoding coding_;
  std::atomic<bool> is_answered_ = false;
};

}  // namespace livy::internal
