// What the bare handlers have in common: an answer that is always the same, how they are started
// and ended, and what they report. Each is a program of its own that a load generator measures.
//
//   NAME [PORT [BYTES [THREADS]]]
//   wrk -t1 -c16 -d5s http://127.0.0.1:8080/
//
// Prints "listening on URL", and on SIGTERM or SIGINT the processor time that each request took.
#pragma once

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/resource.h>

namespace livy::bench {

inline std::atomic<long> g_requests = 0;

struct Options {
  int port = 0;             // 0: any.
  std::size_t bytes = 300;  // Of the answer.
  std::size_t threads = 1000;
};

inline std::string MakeAnswer(std::size_t bytes) {
  const std::string answer = R"({"id":0,"pad":")";
  const std::size_t rest = answer.size() + 2;
  return answer + std::string(bytes > rest ? bytes - rest : 0, 'x') + "\"}";
}

inline void Announce(int port) {
  std::printf("listening on http://127.0.0.1:%d\n", port);
  std::fflush(stdout);
}

inline void Report() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const double micros = 1e6 * static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                        static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  const long requests = g_requests;
  std::printf("%ld requests, %.1f us each\n", requests,
              micros / static_cast<double>(requests > 0 ? requests : 1));
}

inline void WaitForSignal(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
}

// The signals that end a handler, kept for WaitForSignal() in all threads that begin after this.
inline sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

inline Options ReadOptions(int argc, char** argv) {
  Options options;
  if (argc > 1) options.port = std::atoi(argv[1]);
  if (argc > 2) options.bytes = std::strtoul(argv[2], nullptr, 10);
  if (argc > 3) options.threads = std::strtoul(argv[3], nullptr, 10);
  return options;
}

}  // namespace livy::bench
