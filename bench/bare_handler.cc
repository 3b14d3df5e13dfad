// Answers 300 bytes of JSON, by our server or by cpp-httplib's own, for a load generator to
// measure.
//
//   bare_handler ours 8080        bare_handler httplib 8080
//   wrk -t1 -c16 -d5s http://127.0.0.1:8080/
//
// On SIGTERM or SIGINT prints the processor time that each request took.
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

const std::string& Answer() {
  static const std::string answer = R"({"id":0,"pad":")" + std::string(283, 'x') + "\"}";
  return answer;
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

int RunOurs(int port, const sigset_t& signals) {
  using namespace livy::internal;  // NOLINT(google-build-using-namespace): one function.
  auto server = HttpServer::Create({.port = port}, [](const std::shared_ptr<Exchange>& exchange) {
    g_requests.fetch_add(1, std::memory_order_relaxed);
    exchange->Send({.headers = {{"Content-Type", "application/json"}}, .body = Answer()});
  });
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  WaitForSignal(signals);
  (*server)->Stop(std::chrono::milliseconds(0));
  return 0;
}

// With what its users are told to set: no delay, connections that stay, a thread for each client.
int RunHttplib(int port, std::size_t threads, const sigset_t& signals) {
  httplib::Server server;
  server.new_task_queue = [threads] { return new httplib::ThreadPool(threads); };
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000'000);
  server.set_keep_alive_timeout(60);
  server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    g_requests.fetch_add(1, std::memory_order_relaxed);
    response.set_content(Answer(), "application/json");
  });
  if (!server.bind_to_port("127.0.0.1", port)) return 1;
  std::thread thread([&server] { server.listen_after_bind(); });
  WaitForSignal(signals);
  // Its stop() waits for every idle client; what is to be measured is over.
  Report();
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bare_handler ours|httplib PORT [THREADS]\n");
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const int port = std::atoi(argv[2]);
  if (std::string_view(argv[1]) == "httplib") {
    return RunHttplib(port, argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1000, signals);
  }
  const int status = RunOurs(port, signals);
  Report();
  return status;
}
