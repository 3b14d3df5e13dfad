// LogSink: where the library's log lines go.
#pragma once

#include <memory>
#include <string_view>

namespace livy {

enum class LogLevel {
  kDebug,    // What crosses the wire to drivers.
  kInfo,     // A session, a batch or the server began or ended.
  kWarning,  // An operator may have to act.
  kError,    // An operator must act.
};

// Called from several threads at once, and never with a lock of the library's own held.
class LogSink {
 public:
  virtual ~LogSink() = default;

  // One event on one line, with ids as in "session=7 statement=3". `domain` is the part of the
  // library that speaks, such as "launch". Never contains code or credentials.
  virtual void Write(LogLevel level, std::string_view domain, std::string_view message) = 0;
};

// Drops everything.
std::unique_ptr<LogSink> MakeNullLogSink();

// Lines on standard error, with the time of day, from `least` on upwards.
std::unique_ptr<LogSink> MakeStderrLogSink(LogLevel least);

}  // namespace livy
