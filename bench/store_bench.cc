// What a durable change costs: Apply() calls per second on a store, by one thread and by sixteen.
//
//   store_bench DIRECTORY [--zookeeper HOSTS] [--redis SOCKET]
//
// The directory decides the result: it should be on the disk that the server will use. So should be
// those of ZooKeeper and Redis.
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <livy/clock.h>
#include <livy/log.h>
#include <livy/store.h>

namespace {

using Open = std::function<livy::Result<std::unique_ptr<livy::Store>>()>;

// What a statement's record is like.
const std::string kValue(1000, 'v');

// False if a change failed.
bool Write(livy::Store& store, int thread, int changes) {
  for (int i = 0; i < changes; ++i) {
    const std::string key = fmt::format("v1/interactive/{}/statements/{}", thread, i);
    if (!store.Apply({{key, kValue}, {fmt::format("v1/interactive/{}", thread), kValue}}))
      return false;
  }
  return true;
}

void Measure(const std::string& name, const Open& open, int changes) {
  const std::unique_ptr<livy::Clock> clock = livy::MakeSystemClock();
  for (const int threads : {1, 16}) {
    const auto store = open();
    if (!store) {
      fmt::print("{}\n", store.error().message);
      return;
    }
    const int of_one = changes * (threads == 1 ? 1 : 2) / threads;
    const livy::Clock::TimePoint start = clock->Now();
    std::vector<std::jthread> writers;
    for (int thread = 0; thread < threads; ++thread) {
      writers.emplace_back([&store, thread, of_one] {
        if (!Write(**store, thread, of_one)) fmt::print("A change failed.\n");
      });
    }
    writers.clear();  // Joins.
    const std::chrono::duration<double> taken = clock->Now() - start;
    fmt::print("{}, {} threads: {:.0f} changes/s\n", name, threads,
               of_one * threads / taken.count());
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc % 2 != 0) {
    fmt::print(stderr, "usage: store_bench DIRECTORY [--zookeeper HOSTS] [--redis SOCKET]\n");
    return 2;
  }
  const std::filesystem::path folder = std::filesystem::path(argv[1]) / "store_bench";
  const std::unique_ptr<livy::LogSink> log = livy::MakeNullLogSink();
  Measure("memory", [] { return livy::MakeMemoryStore(); }, 20000);
  Measure("sqlite", [&] { return livy::OpenSqliteStore(folder / "state.db"); }, 20000);
  Measure("files", [&] { return livy::OpenFileStore(folder / "files"); }, 400);
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string what = argv[i];
    const std::string where = argv[i + 1];
    if (what == "--zookeeper") {
      Measure(
          "zookeeper",
          [&] { return livy::OpenZooKeeperStore({.hosts = where, .prefix = "bench"}, *log); },
          4000);
    } else {
      Measure(
          "redis",
          [&] { return livy::OpenRedisStore({.unix_socket = where, .prefix = "bench"}, *log); },
          10000);
    }
  }
  std::filesystem::remove_all(folder);
}
