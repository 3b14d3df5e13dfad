// How long a statement takes at a client, and how much of that comes after its code has run.
//
//   round_trip URL KIND COUNT
//
// KIND is spark, pyspark or sql. After a warm-up runs two statements COUNT times each: 1+1, and one
// whose value is the monotonic clock when it is computed, which is also this program's clock.
// Prints the figures as JSON, in milliseconds.
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <livy/livy.h>

#include "figures.h"

namespace {

using livy::Result;
using livy::bench::Times;

constexpr std::chrono::minutes kWaitMax{5};
// The Java compiler has done most of its work after as many.
constexpr int kWarmUp = 30;

struct Codes {
  std::string sum;
  std::string now;  // Nanoseconds.
};

Codes CodesOf(livy::Kind kind) {
  switch (kind) {
    case livy::Kind::kPySpark:
      return {.sum = "1+1", .now = "__import__('time').monotonic_ns()"};
    case livy::Kind::kSql:
      return {.sum = "SELECT 1+1", .now = "SELECT java_method('java.lang.System', 'nanoTime')"};
    default:
      return {.sum = "1+1", .now = "System.nanoTime()"};
  }
}

// The longest number in a text; no other number is as long as a time in nanoseconds.
long long LongestNumber(std::string_view text) {
  std::string_view longest;
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::size_t end = at;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0)
      ++end;
    if (end - at > longest.size()) longest = text.substr(at, end - at);
    at = end;
  }
  long long number = 0;
  std::from_chars(longest.data(), longest.data() + longest.size(), number);
  return number;
}

class Measurement {
 public:
  explicit Measurement(const livy::SessionHandle& session) : session_(session) {}

  // Runs the code once. Its value is taken for a time if it can be one.
  Result<void> Run(const std::string& code) {
    const livy::Clock::TimePoint start = clock_->Now();
    const Result<livy::JobHandle> job = session_.Submit({.code = code});
    if (!job) return job.error();
    const livy::Clock::TimePoint accepted = clock_->Now();
    const Result<livy::Statement> statement = job->Wait(kWaitMax);
    const livy::Clock::TimePoint end = clock_->Now();
    if (!statement) return statement.error();
    if (!statement->output || !statement->output->ok) {
      return livy::Error{.message = "The statement failed: " + code};
    }
    submit.push_back(accepted - start);
    round_trip.push_back(end - start);
    const std::string value = statement->output->json().value_or(statement->output->text());
    after.push_back(end.time_since_epoch() - std::chrono::nanoseconds(LongestNumber(value)));
    return {};
  }

  Result<void> Run(const std::string& code, int count) {
    for (int i = 0; i < count; ++i) {
      if (const auto ran = Run(code); !ran) return ran;
    }
    return {};
  }

  void Clear() {
    submit.clear();
    round_trip.clear();
    after.clear();
  }

  Times submit;      // Until the server has accepted the statement.
  Times round_trip;  // Until the client has the result.
  Times after;       // From the time that is the statement's value until the client has it.

 private:
  const livy::SessionHandle session_;
  const std::unique_ptr<livy::Clock> clock_ = livy::MakeSystemClock();
};

Result<std::string> Measure(const livy::SessionHandle& session, livy::Kind kind, int count) {
  if (const auto idle = session.WaitUntilIdle(kWaitMax); !idle) return idle.error();
  const Codes codes = CodesOf(kind);
  Measurement measurement(session);
  for (const std::string& code : {codes.sum, codes.now}) {
    if (const auto ran = measurement.Run(code, kWarmUp); !ran) return ran.error();
  }
  measurement.Clear();
  if (const auto ran = measurement.Run(codes.sum, count); !ran) return ran.error();
  std::string json = livy::bench::Figures("submit", measurement.submit) + "," +
                     livy::bench::Figures("round_trip", measurement.round_trip);
  measurement.Clear();
  if (const auto ran = measurement.Run(codes.now, count); !ran) return ran.error();
  return "{" + json + "," + livy::bench::Figures("after", measurement.after) + "}";
}

Result<std::string> Run(const std::string& url, livy::Kind kind, int count) {
  const Result<livy::LivyClient> client = livy::LivyClient::Create({.http = {.url = url}});
  if (!client) return client.error();
  const Result<livy::SessionHandle> session = client->CreateSession({.kind = kind});
  if (!session) return session.error();
  Result<std::string> figures = Measure(*session, kind, count);
  if (const auto deleted = session->Delete(); !deleted) return deleted.error();
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  const auto kind = argc == 4 ? livy::ParseKind(argv[2]) : std::nullopt;
  if (!kind) {
    fmt::print(stderr, "usage: round_trip URL spark|pyspark|sql COUNT\n");
    return 2;
  }
  const Result<std::string> figures = Run(argv[1], *kind, std::atoi(argv[3]));
  if (!figures) {
    fmt::print(stderr, "round_trip: {}\n", figures.error().message);
    return EXIT_FAILURE;
  }
  fmt::print("{}\n", *figures);
}
