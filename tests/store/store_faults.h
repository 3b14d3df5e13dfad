// What the tests of stores with servers share: writers that go on through faults, and skips.
#pragma once

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <livy/clock.h>
#include <livy/log.h>
#include <livy/store.h>

namespace livy {

constexpr int kExitSkipped = 77;  // As Meson understands it.

// Keeps what is told of the connection.
class Lines : public LogSink {
 public:
  void Write(LogLevel, std::string_view domain, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    text_ += fmt::format("{}: {}\n", domain, message);
  }
  bool Has(std::string_view words) const {
    const std::lock_guard lock(mutex_);
    return text_.find(words) != text_.npos;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;  // Guarded by mutex_.
};

// Outlive every store.
inline LogSink& NoLog() {
  static const std::unique_ptr<LogSink> log = MakeNullLogSink();
  return *log;
}

// Threads that change pairs of keys until they are told to stop, whatever happens to the server.
class FaultWriters {
 public:
  FaultWriters(Store& store, int threads) : store_(store), acknowledged_(threads) {
    for (int thread = 0; thread < threads; ++thread)
      threads_.emplace_back([this, thread] { Write(thread); });
  }

  // Blocks until every writer has had so many more changes acknowledged.
  void AwaitMore(int count) {
    const auto clock = MakeSystemClock();
    const auto deadline = clock->Now() + std::chrono::seconds(60);
    for (std::atomic<int>& acknowledged : acknowledged_) {
      const int wanted = acknowledged + count;
      while (acknowledged < wanted && clock->Now() < deadline)
        std::this_thread::yield();
      CHECK(acknowledged >= wanted);
    }
  }

  void Stop() {
    stopped_ = true;
    threads_.clear();  // Joins.
  }

  int failures() const { return failures_; }

  // Nothing that was acknowledged is lost, and nothing is there in part.
  void CheckAll() const {
    for (std::size_t thread = 0; thread < acknowledged_.size(); ++thread) {
      CAPTURE(thread);
      const auto a = store_.Children(fmt::format("a/{}", thread)).value();
      CHECK(a == store_.Children(fmt::format("b/{}", thread)).value());
      const std::set<std::string> names(a.begin(), a.end());
      int missing = 0;
      for (int number = 0; number < acknowledged_[thread]; ++number)
        missing += names.contains(fmt::format("{}", number)) ? 0 : 1;
      CHECK(missing == 0);
      CHECK(static_cast<int>(names.size()) <= acknowledged_[thread] + 1);
      CHECK(store_.Get(fmt::format("last/{}", thread)).value() ==
            fmt::format("{}", static_cast<int>(names.size()) - 1));
    }
  }

 private:
  void Write(int thread) {
    for (int number = 0; !stopped_;) {
      const std::string text = fmt::format("{}", number);
      const std::string key = fmt::format("{}/{}", thread, number);
      if (store_.Apply(
              {{"a/" + key, text}, {"b/" + key, text}, {fmt::format("last/{}", thread), text}})) {
        acknowledged_[static_cast<std::size_t>(thread)] = ++number;
      } else {
        ++failures_;  // The same once more: it may have been made, or not.
      }
    }
  }

  Store& store_;
  std::atomic<bool> stopped_ = false;
  std::atomic<int> failures_ = 0;
  std::vector<std::atomic<int>> acknowledged_;
  std::vector<std::jthread> threads_;
};

// Runs the tests, or tells why they cannot run here.
inline int RunOrSkip(int argc, char** argv, const std::string& missing) {
  if (!missing.empty()) {
    std::printf("SKIP: %s\n", missing.c_str());
    return kExitSkipped;
  }
  return doctest::Context(argc, argv).run();
}

}  // namespace livy
