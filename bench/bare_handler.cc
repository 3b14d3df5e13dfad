// Answers JSON that is always the same, by our HTTP server without the REST service or by
// cpp-httplib's own, for a load generator to measure.
//
//   bare_handler ours|httplib [PORT [BYTES [THREADS]]]
//   wrk -t1 -c16 -d5s http://127.0.0.1:8080/
//
// Prints "listening on URL", and on SIGTERM or SIGINT the processor time that each request took.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>

#include <httplib.h>

#include "http/http_server.h"

namespace {

std::atomic<long> g_requests = 0;

struct Options {
  int port = 0;             // 0: any.
  std::size_t bytes = 300;  // Of the answer.
  std::size_t threads = 1000;
};

std::string MakeAnswer(std::size_t bytes) {
  const std::string answer = R"({"id":0,"pad":")";
  const std::size_t rest = answer.size() + 2;
  return answer + std::string(bytes > rest ? bytes - rest : 0, 'x') + "\"}";
}

void Announce(int port) {
  std::printf("listening on http://127.0.0.1:%d\n", port);
  std::fflush(stdout);
}

void Report() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const double micros = 1e6 * static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                        static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  const long requests = g_requests;
  std::printf("%ld requests, %.1f us each\n", requests,
              micros / static_cast<double>(requests > 0 ? requests : 1));
}

void WaitForSignal(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
}

int RunOurs(const Options& options, const sigset_t& signals) {
  using namespace livy::internal;  // NOLINT(google-build-using-namespace): one function.
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
  return 0;
}

// Its own backlog of 5 makes clients that come together wait for seconds.
class DeepServer : public httplib::Server {
 public:
  void DeepenBacklog() { ::listen(svr_sock_, 2048); }
};

// With what its users are told to set: no delay, connections that stay, a thread for each client.
int RunHttplib(const Options& options, const sigset_t& signals) {
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
  if (argc < 2) {
    std::fprintf(stderr, "usage: bare_handler ours|httplib [PORT [BYTES [THREADS]]]\n");
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  Options options;
  if (argc > 2) options.port = std::atoi(argv[2]);
  if (argc > 3) options.bytes = std::strtoul(argv[3], nullptr, 10);
  if (argc > 4) options.threads = std::strtoul(argv[4], nullptr, 10);
  if (std::string_view(argv[1]) == "httplib") return RunHttplib(options, signals);
  const int status = RunOurs(options, signals);
  Report();
  return status;
}
