// How many statements a server takes from several clients at once.
//
//   statements URL THREADS SECONDS
//
// Each thread goes round its share of the server's sessions and runs one statement after another,
// each to its end. Prints the figures as JSON.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <livy/livy.h>

#include "figures.h"

namespace {

using livy::Result;
using livy::bench::Times;

constexpr std::chrono::minutes kWaitMax{1};

Result<void> RunOne(const livy::SessionHandle& session) {
  const Result<livy::JobHandle> job = session.Submit({.code = "1+1"});
  if (!job) return job.error();
  const Result<livy::Statement> statement = job->Wait(kWaitMax);
  if (!statement) return statement.error();
  return {};
}

struct Share {
  std::vector<livy::SessionHandle> sessions = {};
  Times times = {};  // Of one statement each.
};

void Work(Share& share, livy::Clock::TimePoint until, std::atomic<int>& failures) {
  const std::unique_ptr<livy::Clock> clock = livy::MakeSystemClock();
  livy::Clock::TimePoint start = clock->Now();
  for (std::size_t next = 0; start < until && !share.sessions.empty(); ++next) {
    if (!RunOne(share.sessions[next % share.sessions.size()])) ++failures;
    const livy::Clock::TimePoint end = clock->Now();
    share.times.push_back(end - start);
    start = end;
  }
}

Result<std::string> Measure(const std::string& url, int threads, int seconds) {
  const Result<livy::LivyClient> client =
      livy::LivyClient::Create({.http = {.url = url, .connections_max = threads}});
  if (!client) return client.error();
  std::vector<Share> shares(static_cast<std::size_t>(threads));
  std::size_t count = 0;
  for (const Result<livy::Session>& session : client->Sessions()) {
    if (!session) return session.error();
    const Result<livy::SessionHandle> handle = client->OpenSession(session->id);
    if (!handle) return handle.error();
    shares[count++ % shares.size()].sessions.push_back(*handle);
  }

  const std::unique_ptr<livy::Clock> clock = livy::MakeSystemClock();
  const livy::Clock::TimePoint start = clock->Now();
  const livy::Clock::TimePoint until = start + std::chrono::seconds(seconds);
  std::atomic<int> failures = 0;
  std::vector<std::jthread> workers;
  for (Share& share : shares)
    workers.emplace_back([&share, until, &failures] { Work(share, until, failures); });
  workers.clear();  // Joins.
  const std::chrono::duration<double> taken = clock->Now() - start;

  Times times;
  for (const Share& share : shares)
    times.insert(times.end(), share.times.begin(), share.times.end());
  return fmt::format(R"({{"sessions":{},"seconds":{:.3f},"failures":{},{}}})", count, taken.count(),
                     failures.load(), livy::bench::Figures("statements", std::move(times)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 || std::atoi(argv[2]) < 1) {
    fmt::print(stderr, "usage: statements URL THREADS SECONDS\n");
    return 2;
  }
  const Result<std::string> figures = Measure(argv[1], std::atoi(argv[2]), std::atoi(argv[3]));
  if (!figures) {
    fmt::print(stderr, "statements: {}\n", figures.error().message);
    return EXIT_FAILURE;
  }
  fmt::print("{}\n", *figures);
}
