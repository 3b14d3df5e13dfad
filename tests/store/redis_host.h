// RedisHost: a real Redis for a test, with what it has in a folder of its own.
#pragma once

#include <arpa/inet.h>
#include <filesystem>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include <livy/store.h>

#include "../scratch.h"
#include "server_process.h"

namespace livy {

inline std::string FindRedis() {
  return FindProgram("redis-server", "/usr/sbin:/usr/local/bin");
}

// A port that was free a moment ago: Redis cannot be told to take any.
inline int FreePort() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  REQUIRE(bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(descriptor);
  return ntohs(address.sin_port);
}

class RedisHost {
 public:
  // Listens at a socket, and where `more` says.
  explicit RedisHost(std::vector<std::string> more = {}) : more_(std::move(more)) { Start(); }

  // With what it has stored.
  void Start() {
    process_.reset();
    std::vector<std::string> command = {FindRedis(),
                                        "--dir",
                                        scratch_.path(),
                                        "--unixsocket",
                                        socket_path(),
                                        "--appendonly",
                                        "yes",
                                        "--appendfsync",
                                        "always",
                                        "--save",
                                        "",
                                        "--bind",
                                        "127.0.0.1",
                                        "--daemonize",
                                        "no"};
    command.insert(command.end(), more_.begin(), more_.end());
    if (std::ranges::find(more_, "--port") == more_.end()) {
      command.insert(command.end(), {"--port", "0"});
    }
    process_ = std::make_unique<ServerProcess>(command, scratch_.path());
    process_->WaitFor("ready to accept connections at");
  }
  void Kill() { process_->Kill(); }
  void Stall() { process_->Signal(SIGSTOP); }
  void GoOn() { process_->Signal(SIGCONT); }

  std::filesystem::path socket_path() const { return scratch_.path() / "socket"; }
  const std::filesystem::path& folder() const { return scratch_.path(); }

 private:
  testing::Scratch scratch_;
  const std::vector<std::string> more_;
  std::unique_ptr<ServerProcess> process_;
};

}  // namespace livy
