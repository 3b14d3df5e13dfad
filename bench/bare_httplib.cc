// cpp-httplib's server, to measure ours against; see bare_handler.h.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/socket.h>
#include <thread>

#include <httplib.h>

#include "bare_handler.h"

namespace {

using namespace livy::bench;  // NOLINT(google-build-using-namespace): one program.

// Its own backlog of 5 makes clients that come together wait for seconds.
class DeepServer : public httplib::Server {
 public:
  void DeepenBacklog() { ::listen(svr_sock_, 2048); }
};

// With what its users are told to set: no delay, connections that stay, a thread for each client.
int Run(const Options& options, const sigset_t& signals) {
  const std::string answer = MakeAnswer(options.bytes);
  DeepServer server;
  server.new_task_queue = [&options] { return new httplib::ThreadPool(options.threads); };
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000'000);
  server.set_keep_alive_timeout(60);
  server.Get("/", [&answer](const httplib::Request&, httplib::Response& response) {
    g_requests.fetch_add(1, std::memory_order_relaxed);
    response.set_content(answer, "application/json");
  });
  int port = options.port;
  if (port == 0) port = server.bind_to_any_port("127.0.0.1");
  if (port <= 0 || (options.port != 0 && !server.bind_to_port("127.0.0.1", port))) return 1;
  server.DeepenBacklog();
  std::thread thread([&server] { server.listen_after_bind(); });
  Announce(port);
  WaitForSignal(signals);
  // Its stop() waits for every idle client; what is to be measured is over.
  Report();
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const sigset_t signals = BlockSignals();
  return Run(ReadOptions(argc, argv), signals);
}
