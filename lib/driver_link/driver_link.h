// DriverLink: the server's end of the wire to one session's driver.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <livy/result.h>

#include "driver_link/wire.h"
#include "http/exchange.h"

namespace livy::internal {

// What a session needs of its driver.
class DriverCommands {
 public:
  virtual ~DriverCommands() = default;

  // Numbers the command and sends it; keeps it until the driver has it. Never blocks.
  virtual void Send(const DriverCommand& command) = 0;

  // Whether a driver holds a command stream open now.
  virtual bool connected() const = 0;
};

// What hears of a driver's events.
class DriverEventSink {
 public:
  virtual ~DriverEventSink() = default;

  // Takes new events, in their order, each once, one call at a time for each driver. When it
  // succeeds they are stored and the driver forgets them; when it fails they come again. Called
  // with no lock held.
  virtual Result<void> OnDriverEvents(const std::vector<DriverEvent>& events) = 0;

  // The driver has opened a command stream, for the first time or again. `boot` names this run of
  // the driver program; no other one will be admitted.
  virtual void OnDriverConnected(std::string_view boot) = 0;

  // A file that the driver was told to fetch. Fails with kNotFound if there is none of that name.
  virtual Result<std::string> ReadUpload(std::string_view name) = 0;
};

// What a later server must know to go on with a driver.
struct DriverCredentials {
  std::string secret = {};
  std::string boot = {};  // Empty: the first that comes.
};

// Made by DriverListener::Open(). Safe to use from several threads.
class DriverLink : public DriverCommands, public std::enable_shared_from_this<DriverLink> {
 public:
  DriverLink(DriverCredentials credentials, std::weak_ptr<DriverEventSink> sink)
      : secret_(std::move(credentials.secret)),
        sink_(std::move(sink)),
        boot_(std::move(credentials.boot)) {}

  void Send(const DriverCommand& command) override;
  bool connected() const override;

  const std::string& secret() const { return secret_; }

  // Answers GET .../commands of a driver that has taken commands up to `have`.
  void ServeCommands(const std::shared_ptr<Exchange>& exchange, std::string_view boot,
                     std::int64_t have);

  // Answers POST .../events.
  void ServeEvents(const std::shared_ptr<Exchange>& exchange, std::string_view boot,
                   std::int64_t have);

  // Answers GET .../files/NAME.
  void ServeFile(const std::shared_ptr<Exchange>& exchange, std::string_view boot,
                 std::string_view name);

  // Shows the driver that the server is there.
  void Ping();

  // Ends the command stream. What comes after is refused with 404.
  void Close();

 private:
  struct Numbered {
    std::int64_t number;  // 0: the driver has not come yet and said where to go on.
    DriverCommand command;
  };

  // Whether a request's events may go to the sink, and what to answer once they are stored.
  struct Claim {
    int status = 200;
    std::string_view why = {};
    std::int64_t acknowledged = 0;
  };

  // Leaves in `events` those that are new.
  Claim ClaimEvents(std::string_view boot, std::int64_t have, std::vector<DriverEvent>& events);
  void Forget(const std::shared_ptr<ResponseStream>& stream);

  // Both are called with mutex_ held.
  // Binds the session to the first boot that comes; the status to refuse others with, else 200.
  int Admit(std::string_view boot);
  void ForgetTaken(std::int64_t have);
  void NumberBacklog(std::int64_t have);

  const std::string secret_;
  const std::weak_ptr<DriverEventSink> sink_;

  mutable std::mutex mutex_;
  std::string boot_;               // Guarded by mutex_. Empty until a driver came.
  std::deque<Numbered> backlog_;   // Guarded by mutex_. Sent or not, but not yet taken.
  std::int64_t last_number_ = -1;  // Guarded by mutex_. -1: no command has a number yet.
  std::int64_t acknowledged_ = 0;  // Guarded by mutex_. The last event that is stored.
  bool applying_ = false;          // Guarded by mutex_. A request's events are at the sink.
  bool closed_ = false;            // Guarded by mutex_.
  std::shared_ptr<ResponseStream> stream_;  // Guarded by mutex_. Its Write() never blocks.
};

}  // namespace livy::internal
