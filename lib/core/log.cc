#include <livy/log.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <livy/clock.h>

namespace livy {
namespace {

class NullLogSink : public LogSink {
 public:
  void Write(LogLevel, std::string_view, std::string_view) override {}
};

class StderrLogSink : public LogSink {
 public:
  explicit StderrLogSink(LogLevel least) : least_(least), clock_(MakeSystemClock()) {}

  void Write(LogLevel level, std::string_view domain, std::string_view message) override {
    if (level < least_) return;
    const std::time_t now = std::chrono::system_clock::to_time_t(clock_->Wall());
    const std::string line = fmt::format("{:%y/%m/%d %H:%M:%S} {} {}: {}\n", fmt::localtime(now),
                                         Name(level), domain, message);
    // One call a line: lines of several threads do not mix.
    std::fwrite(line.data(), 1, line.size(), stderr);
  }

 private:
  static std::string_view Name(LogLevel level) {
    switch (level) {
      case LogLevel::kDebug:
        return "DEBUG";
      case LogLevel::kInfo:
        return "INFO";
      case LogLevel::kWarning:
        return "WARN";
      case LogLevel::kError:
        return "ERROR";
    }
    return "ERROR";
  }

  const LogLevel least_;
  const std::unique_ptr<Clock> clock_;
};

}  // namespace

std::unique_ptr<LogSink> MakeNullLogSink() {
  return std::make_unique<NullLogSink>();
}

std::unique_ptr<LogSink> MakeStderrLogSink(LogLevel least) {
  return std::make_unique<StderrLogSink>(least);
}

}  // namespace livy
