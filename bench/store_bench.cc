// What a durable change costs: Apply() calls per second on a store, by one thread and by eight.
//
//   store_bench DIRECTORY
//
// The directory decides the result: it should be on the disk that the server will use.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <livy/clock.h>
#include <livy/store.h>

namespace {

constexpr int kChanges = 20000;

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

void Measure(const char* name, livy::Store& store, int threads) {
  const std::unique_ptr<livy::Clock> clock = livy::MakeSystemClock();
  const livy::Clock::TimePoint start = clock->Now();
  std::vector<std::jthread> writers;
  for (int thread = 0; thread < threads; ++thread) {
    writers.emplace_back([&store, thread, threads] {
      if (!Write(store, thread, kChanges / threads)) fmt::print("A change failed.\n");
    });
  }
  writers.clear();  // Joins.
  const std::chrono::duration<double> taken = clock->Now() - start;
  fmt::print("{}, {} threads: {:.0f} changes/s\n", name, threads, kChanges / taken.count());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: store_bench DIRECTORY\n");
    return 2;
  }
  const std::filesystem::path file = std::filesystem::path(argv[1]) / "store_bench.db";
  for (const int threads : {1, 8}) {
    const std::unique_ptr<livy::Store> memory = livy::MakeMemoryStore();
    Measure("memory", *memory, threads);
    {
      const auto store = livy::OpenSqliteStore(file);
      if (!store) {
        fmt::print(stderr, "{}\n", store.error().message);
        return 1;
      }
      Measure("sqlite", **store, threads);
    }
    std::filesystem::remove(file);
  }
}
