// LosingProxy: stands between a store and its server, and breaks connections at a chosen moment.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

namespace livy {

class LosingProxy {
 public:
  enum class Loss { kRequest, kAnswer };

  explicit LosingProxy(int server_port) : server_port_(server_port) {
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(listener_, 10) == 0);
    REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { Serve(); });
  }
  ~LosingProxy() {
    stopped_ = true;
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  LosingProxy(const LosingProxy&) = delete;
  LosingProxy& operator=(const LosingProxy&) = delete;

  int port() const { return port_; }

  // Once, when a request has `marker`: the connection breaks before the server has the request, or
  // when it has answered it and the client does not have the answer.
  void LoseOnce(Loss what, const std::string& marker) {
    const std::lock_guard lock(mutex_);
    loss_ = what;
    marker_ = marker;
  }

  int losses() const { return losses_; }

 private:
  static sockaddr_in Loopback(int port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }

  struct Pair {
    int client = -1;
    int server = -1;
    bool is_answer_lost = false;
  };

  void Serve() {
    std::vector<Pair> pairs;
    while (!stopped_) {
      std::vector<pollfd> polled = {{listener_, POLLIN, 0}};
      for (const Pair& pair : pairs) {
        polled.push_back({pair.client, POLLIN, 0});
        polled.push_back({pair.server, POLLIN, 0});
      }
      poll(polled.data(), polled.size(), -1);
      for (std::size_t index = pairs.size(); index-- > 0;) {
        const bool lives = (polled[2 * index + 1].revents == 0 || FromClient(pairs[index])) &&
                           (polled[2 * index + 2].revents == 0 || FromServer(pairs[index]));
        if (lives) continue;
        Close(pairs[index]);
        pairs.erase(pairs.begin() + static_cast<std::ptrdiff_t>(index));
      }
      if (polled[0].revents != 0 && !stopped_) Accept(pairs);
    }
    for (const Pair& pair : pairs)
      Close(pair);
  }

  void Accept(std::vector<Pair>& pairs) {
    Pair pair;
    pair.client = accept(listener_, nullptr, nullptr);
    if (pair.client < 0) return;
    pair.server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(server_port_);
    if (connect(pair.server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      return Close(pair);
    }
    pairs.push_back(pair);
  }

  static void Close(const Pair& pair) {
    close(pair.client);
    close(pair.server);
  }

  // All that is there; empty at the end.
  static std::string Receive(int socket) {
    std::string bytes(1 << 16, '\0');
    const ssize_t count = recv(socket, bytes.data(), bytes.size(), 0);
    bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return bytes;
  }
  static bool Send(int socket, const std::string& bytes) {
    return send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }

  bool FromClient(Pair& pair) {
    const std::string bytes = Receive(pair.client);
    if (bytes.empty()) return false;
    {
      const std::lock_guard lock(mutex_);
      if (!marker_.empty() && bytes.find(marker_) != bytes.npos) {
        marker_.clear();
        ++losses_;
        if (loss_ == Loss::kRequest) return false;
        pair.is_answer_lost = true;
      }
    }
    return Send(pair.server, bytes);
  }

  bool FromServer(Pair& pair) const {
    const std::string bytes = Receive(pair.server);
    return !bytes.empty() && !pair.is_answer_lost && Send(pair.client, bytes);
  }

  const int server_port_;
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int port_ = 0;
  std::atomic<bool> stopped_ = false;
  std::atomic<int> losses_ = 0;
  std::mutex mutex_;
  Loss loss_ = Loss::kAnswer;  // Guarded by mutex_.
  std::string marker_;         // Guarded by mutex_. Empty: nothing is lost.
  std::jthread thread_;
};

}  // namespace livy
