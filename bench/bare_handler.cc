// Our HTTP server without the REST service; see bare_handler.h. Takes no THREADS.
#include "bare_handler.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include "http/http_server.h"

int main(int argc, char** argv) {
  using namespace livy::internal;  // NOLINT(google-build-using-namespace): one function.
  using namespace livy::bench;     // NOLINT(google-build-using-namespace): one function.
  const sigset_t signals = BlockSignals();
  const Options options = ReadOptions(argc, argv);
  const std::string answer = MakeAnswer(options.bytes);
  auto server = HttpServer::Create(
      {.port = options.port}, [&answer](const std::shared_ptr<Exchange>& exchange) {
        g_requests.fetch_add(1, std::memory_order_relaxed);
        exchange->Send({.headers = {{"Content-Type", "application/json"}}, .body = answer});
      });
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  Announce((*server)->port());
  WaitForSignal(signals);
  (*server)->Stop(std::chrono::milliseconds(0));
  Report();
  return 0;
}
