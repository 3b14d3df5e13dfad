// FakeDriver: speaks a driver's side of the wire, from threads of this process.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <livy/statement.h>

#include "core/json.h"
#include "http/pinned_client.h"

namespace livy::internal {

// Safe to use from several threads.
class FakeDriver {
 public:
  using Interpreter = std::function<StatementOutput(const StatementRequest& statement)>;

  // `conf`: the Spark settings of a launch, which say where the server is. `ended` is called once
  // when the driver has been told to stop or has lost its server, from a thread of the driver.
  FakeDriver(const std::map<std::string, std::string>& conf, Interpreter interpreter,
             std::function<void()> ended);

  // Disconnects, and waits for a statement that runs and for `ended`.
  ~FakeDriver();

  FakeDriver(const FakeDriver&) = delete;
  FakeDriver& operator=(const FakeDriver&) = delete;

  // As a killed process: connections break, nothing more is sent.
  void Disconnect();

 private:
  struct Queued {
    int id = 0;
    StatementRequest request = {};
    bool cancelled = false;
  };

  std::unique_ptr<PinnedClient> Dial() const;
  void ReadCommands();
  void OnCommand(const JsonValue& command);
  void Work();
  void Run(const Queued& statement);
  // Sends the lines, each an event without its number.
  void Post(const std::vector<std::string>& events);

  const std::map<std::string, std::string> conf_;
  const Interpreter interpreter_;
  const std::function<void()> ended_;
  const std::string path_;
  const HttpHeaders headers_;
  std::unique_ptr<PinnedClient> commands_;  // Set once, before the threads begin.
  std::unique_ptr<PinnedClient> events_;    // The same; used by Work() only.
  std::int64_t last_event_ = 0;             // Work() only.

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Queued> queue_;  // Guarded by mutex_.
  bool stopping_ = false;     // Guarded by mutex_. After what is queued before it.
  bool gone_ = false;         // Guarded by mutex_. At once.

  std::thread reader_;
  std::thread worker_;
};

}  // namespace livy::internal
