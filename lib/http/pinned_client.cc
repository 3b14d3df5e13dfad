#include "http/pinned_client.h"

#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "http/client_channel.h"
#include "http/dial.h"
#include "http/request_writer.h"

namespace livy::internal {
namespace {

constexpr std::size_t kLineBytesMax = 64 << 20;  // A line of events is as long as one output.

Error Broken() {
  return {ErrorCode::kUnavailable, "The connection to the server is broken."};
}

// Gives whole lines of a body to its reader and keeps the rest.
class LineFeed {
 public:
  explicit LineFeed(const std::function<bool(std::string_view)>& line) : line_(line) {}

  // Takes `body` in. Returns false if the reader wants no more or a line is too long.
  bool Take(std::string& body) {
    const std::size_t searched = partial_.size();  // There is no end of line before it.
    partial_ += body;
    body.clear();
    std::size_t begin = 0;
    std::size_t end = partial_.find('\n', searched);
    for (; end != std::string::npos; end = partial_.find('\n', begin)) {
      is_enough_ = !line_(std::string_view(partial_).substr(begin, end - begin));
      if (is_enough_) return false;
      begin = end + 1;
    }
    partial_.erase(0, begin);
    return partial_.size() <= kLineBytesMax;
  }

  bool is_enough() const { return is_enough_; }

 private:
  const std::function<bool(std::string_view)>& line_;
  std::string partial_ = {};
  bool is_enough_ = false;
};

class ChannelPinnedClient : public PinnedClient {
 public:
  ChannelPinnedClient(std::unique_ptr<ClientChannel> channel, std::string authority)
      : channel_(std::move(channel)), authority_(std::move(authority)) {}

  Result<HttpResponse> Send(const HttpRequest& request) override {
    ResponseParser parser({}, request.method);
    const auto outcome =
        channel_->Ask(Head(request), request.body, parser, Deadline(), /*progress=*/{});
    if (outcome.ending != ClientChannel::Ending::kComplete) return Broken();
    return std::move(parser.response());
  }

  Result<void> ReadLines(const HttpRequest& request,
                         const std::function<bool(std::string_view line)>& line) override {
    ResponseParser parser({}, request.method);
    LineFeed feed(line);
    const auto outcome = channel_->Ask(Head(request), request.body, parser, Deadline(), [&] {
      return parser.response().status == 200 && feed.Take(parser.response().body);
    });
    if (outcome.ending != ClientChannel::Ending::kComplete) Shutdown();
    if (parser.has_head() && parser.response().status != 200) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("The server answered with status {}.", parser.response().status)};
    }
    if (outcome.ending == ClientChannel::Ending::kComplete || feed.is_enough()) return {};
    return Broken();
  }

  void Shutdown() override { channel_->Shutdown(); }

 private:
  std::string Head(const HttpRequest& request) const {
    HttpHeaders headers = {{"Host", authority_}};
    headers.insert(headers.end(), request.headers.begin(), request.headers.end());
    return WriteRequestHead(request.method, request.target, headers, request.body.size());
  }

  const std::unique_ptr<ClientChannel> channel_;
  const std::string authority_;
};

}  // namespace

Result<std::unique_ptr<PinnedClient>> PinnedClient::Connect(const std::string& host, int port,
                                                            const std::string& fingerprint) {
  const Result<SslContextPtr> context = MakePinningContext();
  if (!context) return context.error();
  Result<std::unique_ptr<ClientChannel>> channel = ClientChannel::Open(
      {.host = host, .port = port, .tls = context->get(), .fingerprint = fingerprint}, Deadline());
  if (!channel) return channel.error();
  return std::unique_ptr<PinnedClient>(
      std::make_unique<ChannelPinnedClient>(*std::move(channel), AuthorityText(host, port)));
}

}  // namespace livy::internal
