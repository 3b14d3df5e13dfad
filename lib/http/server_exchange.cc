#include "http/server_exchange.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "core/json.h"
#include "http/field_text.h"
#include "http/response_writer.h"
#include "http/status.h"

namespace livy::internal {
namespace {

using Piece = ServerConnection::Piece;

bool AsksToClose(const HttpResponse& response) {
  const auto value = FindHeader(response.headers, "Connection");
  return value && StartsWithIgnoringCase(*value, "close");
}

bool IsCompressible(const HttpResponse& response) {
  const auto type = FindHeader(response.headers, "Content-Type");
  return type &&
         (StartsWithIgnoringCase(*type, "application/json") ||
          StartsWithIgnoringCase(*type, "text/")) &&
         !FindHeader(response.headers, "Content-Encoding") &&
         !FindHeader(response.headers, "Content-Length");
}

void CompressBody(HttpResponse& response, ContentCoding coding, std::size_t bytes_min) {
  if (response.body.size() < bytes_min || !IsCompressible(response)) return;
  // Said to clients that do not want it compressed too: a cache must keep the forms apart.
  response.headers.push_back({"Vary", "Accept-Encoding"});
  if (coding == ContentCoding::kNone) return;
  std::optional<std::string> compressed = Compress(response.body, coding);
  if (!compressed) return;
  response.body = *std::move(compressed);
  response.headers.push_back({"Content-Encoding", std::string(ToString(coding))});
}

ContentCoding CodingFor(const HttpRequest& request) {
  const auto accepted = FindHeader(request.headers, "Accept-Encoding");
  return accepted ? ChooseCoding(*accepted) : ContentCoding::kNone;
}

class ServerStream : public ResponseStream {
 public:
  ServerStream(std::shared_ptr<ServerConnection> connection, std::uint64_t answer,
               const ResponseForm& form)
      : connection_(std::move(connection)), answer_(answer), form_(form) {}
  ~ServerStream() override { Close(); }

  bool Write(std::string_view bytes) override {
    if (is_closed_) return false;
    if (bytes.empty() || form_.omits_body) return true;
    if (form_.framing == BodyFraming::kChunks) {
      return connection_->Write(answer_, WriteChunk(bytes), Piece::kMore);
    }
    return connection_->Write(answer_, bytes, Piece::kMore);
  }

  std::size_t unsent() const override { return connection_->Unsent(answer_); }

  void OnDrained(std::function<void()> drained) override {
    connection_->OnDrained(answer_, std::move(drained));
  }

  void Close() override {
    if (is_closed_.exchange(true) || form_.omits_body) return;
    connection_->Write(answer_, form_.framing == BodyFraming::kChunks ? "0\r\n\r\n" : "",
                       form_.closes ? Piece::kLastThenClose : Piece::kLast);
  }

 private:
  const std::shared_ptr<ServerConnection> connection_;
  const std::uint64_t answer_;
  const ResponseForm form_;
  std::atomic<bool> is_closed_ = false;
};

}  // namespace

ServerExchange::ServerExchange(std::shared_ptr<ServerConnection> connection, std::uint64_t answer,
                               const RequestHead& head, HttpRequest request)
    : connection_(std::move(connection)),
      answer_(answer),
      request_(std::move(request)),
      is_head_(head.method == "HEAD"),
      is_http_1_0_(head.is_http_1_0),
      keeps_alive_(head.keeps_alive),
      coding_(CodingFor(request_)) {}

ServerExchange::~ServerExchange() {
  if (!is_answered_) Fail("The request was not answered.");
}

void ServerExchange::Fail(std::string_view text) {
  Send({.status = 500,
        .headers = {{"Content-Type", "application/json;charset=utf-8"}},
        .body = JsonString(text)});
}

void ServerExchange::Send(HttpResponse response) {
  if (is_answered_.exchange(true)) return;
  const ServerCore& core = connection_->core();
  const bool closes = !keeps_alive_ || core.is_stopping || AsksToClose(response);
  CompressBody(response, coding_, core.options.gzip_bytes_min);
  const ResponseForm form = {.is_http_1_0 = is_http_1_0_, .omits_body = is_head_, .closes = closes};
  connection_->Write(answer_, WriteResponse(response, form, core.clock->Wall()),
                     closes ? Piece::kLastThenClose : Piece::kLast);
}

std::shared_ptr<ResponseStream> ServerExchange::Stream(HttpResponse head) {
  const ServerCore& core = connection_->core();
  const ResponseForm form = {
      .framing = is_http_1_0_ ? BodyFraming::kClose : BodyFraming::kChunks,
      .is_http_1_0 = is_http_1_0_,
      .omits_body = is_head_ || IsBodiless(head.status),
      .closes = !keeps_alive_ || is_http_1_0_ || core.is_stopping || AsksToClose(head)};
  if (is_answered_.exchange(true)) {
    // A defect of the caller's: nothing it writes may be mixed into the answer there is.
    return std::make_shared<ServerStream>(
        connection_, answer_, ResponseForm{.framing = BodyFraming::kClose, .omits_body = true});
  }
  Piece piece = Piece::kMore;
  if (form.omits_body) piece = form.closes ? Piece::kLastThenClose : Piece::kLast;
  connection_->Write(answer_, WriteResponse(head, form, core.clock->Wall()), piece);
  return std::make_shared<ServerStream>(connection_, answer_, form);
}

void ServerExchange::OnGone(std::function<void()> gone) {
  connection_->OnGone(answer_, std::move(gone));
}

}  // namespace livy::internal
