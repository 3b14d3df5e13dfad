#include "http/body_reader.h"

#include <csignal>
#include <cstring>
#include <functional>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <httplib.h>

namespace livy::internal {
namespace {

constexpr std::string_view kLastChunk = "0\r\n\r\n";

// A request that has been read, for cpp-httplib to read again; its answer goes nowhere.
class MemoryStream final : public httplib::Stream {
 public:
  MemoryStream(std::string_view head, std::string_view body, std::string_view tail)
      : parts_{head, body, tail} {}

  bool is_readable() const override { return true; }
  bool is_writable() const { return true; }    // Pure virtual up to 0.18.
  bool wait_readable() const { return true; }  // Pure virtual in later versions, as the next.
  bool wait_writable() const { return true; }
  bool is_peer_alive() const { return true; }
  time_t duration() const { return 0; }

  ssize_t read(char* to, std::size_t size) override {
    while (part_ < 3 && parts_[part_].empty())
      ++part_;
    if (part_ == 3) return 0;
    std::string_view& from = parts_[part_];
    size = std::min(size, from.size());
    std::memcpy(to, from.data(), size);
    from.remove_prefix(size);
    return static_cast<ssize_t>(size);
  }
  ssize_t write(const char*, std::size_t size) override { return static_cast<ssize_t>(size); }
  using httplib::Stream::write;

  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  // None: versions that use select() refuse numbers above 1023.
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  std::string_view parts_[3];
  std::size_t part_ = 0;
};

// What the request that is being read on this thread has become.
struct Reading {
  std::string body = {};
  std::size_t size_hint = 0;
  bool is_complete = false;
};

Reading*& CurrentReading() {
  static thread_local Reading* current = nullptr;
  return current;
}

// cpp-httplib's Server ignores SIGPIPE for the whole process when it is made. That is the host's to
// decide, and we do not need it.
class SigpipeKeeper {
 public:
  SigpipeKeeper() { ::sigaction(SIGPIPE, nullptr, &before_); }
  ~SigpipeKeeper() { ::sigaction(SIGPIPE, &before_, nullptr); }
  SigpipeKeeper(const SigpipeKeeper&) = delete;
  SigpipeKeeper& operator=(const SigpipeKeeper&) = delete;

 private:
  struct sigaction before_ = {};
};

}  // namespace

class BodyReader::Engine : private httplib::Server {
 public:
  explicit Engine(std::size_t body_bytes_max) {
    set_payload_max_length(body_bytes_max);
    Post("/", [](const httplib::Request&, httplib::Response&, const httplib::ContentReader& read) {
      Reading& reading = *CurrentReading();
      reading.body.reserve(reading.size_hint);
      reading.is_complete = read([&](const char* data, std::size_t size) {
        reading.body.append(data, size);
        return true;
      });
    });
  }

  void Process(MemoryStream& stream) {
    bool closed = false;
    Invoke(&Engine::process_request, stream, closed);
  }

 private:
  using Setup = std::function<void(httplib::Request&)>;

  // process_request() has grown parameters over time; takes the call that fits this version.
  template <typename Function>
  void Invoke(Function function, httplib::Stream& stream, bool& closed) {
    using Text = const std::string&;
    const std::string none;
    const Setup setup;
    if constexpr (std::is_invocable_v<Function, httplib::Server&, httplib::Stream&, bool, bool&,
                                      const Setup&>) {
      (this->*function)(stream, false, closed, setup);
    } else if constexpr (std::is_invocable_v<Function, httplib::Server&, httplib::Stream&, Text,
                                             int, Text, int, bool, bool&, const Setup&>) {
      (this->*function)(stream, none, 0, none, 0, false, closed, setup);
    } else {
      (this->*function)(stream, none, 0, none, 0, false, closed, setup, nullptr);
    }
  }
};

BodyReader::BodyReader(std::size_t body_bytes_max) {
  const SigpipeKeeper keeper;
  engine_ = std::make_unique<Engine>(body_bytes_max);
}

BodyReader::~BodyReader() = default;

std::optional<std::string> BodyReader::Read(const RequestHead& head,
                                            std::string_view encoded) const {
  if (head.content_length == 0 && !head.is_chunked) return "";
  constexpr std::string_view kChunked =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string framing =
      head.is_chunked ? std::string(kChunked)
                      : fmt::format("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
                                    head.content_length);
  Reading reading = {.size_hint = encoded.size()};
  MemoryStream stream(framing, encoded, head.is_chunked ? kLastChunk : std::string_view());
  CurrentReading() = &reading;
  engine_->Process(stream);
  CurrentReading() = nullptr;
  if (!reading.is_complete) return std::nullopt;
  return std::move(reading.body);
}

}  // namespace livy::internal
