#include <livy/job_handle.h>

#include <algorithm>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "client/fake_server.h"

namespace livy::testing {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

HttpResponse StatementIn(std::string_view state, double progress = 0) {
  return Answer(200, fmt::format(R"({{"id":3,"state":"{}","progress":{}}})", state, progress));
}

// A statement of a session on a server that answers by `serve`.
struct JobFixture : Fixture {
  explicit JobFixture(FakeServer::Serve serve)
      : Fixture([serve, opened = false](const HttpRequest& request, milliseconds timeout) mutable {
          return std::exchange(opened, true) ? serve(request, timeout)
                                             : Result<HttpResponse>(Answer(200, R"({"id":7})"));
        }),
        job(Client().OpenSession(7).value().Open(3)) {
    server->requests.clear();
  }

  Clock::Duration Elapsed() const { return clock->Now().time_since_epoch(); }

  JobHandle job;
};

// How Apache Livy answers: at once, final from `end` on.
FakeServer::Serve LivyUntil(const std::shared_ptr<FakeClock>& clock, Clock::Duration end) {
  return [clock, end](const HttpRequest&, milliseconds) {
    return StatementIn(clock->Now().time_since_epoch() >= end ? "available" : "running");
  };
}

struct LivyFixture : JobFixture {
  explicit LivyFixture(Clock::Duration end)
      : JobFixture([this, end](const HttpRequest& request, milliseconds timeout) {
          return LivyUntil(clock, end)(request, timeout);
        }) {}
};

// The seconds in "?wait=30s"; 0 without.
seconds WaitIn(const HttpRequest& request) {
  const std::size_t at = request.target.find("?wait=");
  return seconds(at == std::string::npos ? 0 : std::stoi(request.target.substr(at + 6)));
}

// A server that keeps an answer until the statement is final, which it is from `end` on.
struct WaitingFixture : JobFixture {
  explicit WaitingFixture(Clock::Duration end)
      : JobFixture([this, end](const HttpRequest& request, milliseconds) {
          const Clock::Duration until_end = end - Elapsed();
          clock->Sleep(std::min<Clock::Duration>(WaitIn(request), until_end));
          HttpResponse answer = StatementIn(Elapsed() >= end ? "available" : "running");
          if (WaitIn(request) > seconds(0))
            answer.headers = {{"livy-wait", fmt::format("{}s", WaitIn(request).count())}};
          return answer;
        }) {}
};

TEST_CASE("Fetch asks for the statement as it is") {
  const JobFixture fixture(
      [](const HttpRequest&, milliseconds) { return StatementIn("running", 0.25); });
  const Statement statement = fixture.job.Fetch().value();
  CHECK(statement.state == StatementState::kRunning);
  CHECK(statement.progress == 0.25);
  CHECK(fixture.server->requests[0].http.target == "/sessions/7/statements/3");
}

TEST_CASE("Cancel posts and believes any success") {
  const JobFixture fixture(
      [](const HttpRequest&, milliseconds) { return Recorded("B118-cancel-running"); });
  CHECK(fixture.job.Cancel());
  CHECK(fixture.server->requests[0].http.method == "POST");
  CHECK(fixture.server->requests[0].http.target == "/sessions/7/statements/3/cancel");
}

TEST_CASE("Wait returns a statement whose code failed: that is a result") {
  const JobFixture fixture(
      [](const HttpRequest&, milliseconds) { return Recorded("B058-spark-exception-result"); });
  const Statement statement = fixture.job.Wait(hours(1)).value();
  CHECK_FALSE(statement.output->ok);
  CHECK(statement.output->evalue == "java.lang.RuntimeException: boom");
  CHECK(fixture.Elapsed() == seconds(0));
}

TEST_CASE("Wait sees through cancelling to cancelled") {
  const JobFixture fixture([asked = 0](const HttpRequest&, milliseconds) mutable {
    return Recorded(++asked < 3 ? "B119-running-after-cancel-immediate"
                                : "B120-running-after-cancel-4s");
  });
  CHECK(fixture.job.Wait(hours(1)).value().state == StatementState::kCancelled);
}

TEST_CASE("with Apache Livy the pauses grow from 100 ms to 5 s") {
  const LivyFixture fixture(seconds(60));
  REQUIRE(fixture.job.Wait(hours(1)));
  // 0.1 + 0.2 + ... + 3.2 are 6.3 s; eleven times 5 s more pass the minute.
  CHECK(fixture.Elapsed() == milliseconds(6300 + 11 * 5000));
  CHECK(fixture.server->requests.size() == 1 + 6 + 11);
}

TEST_CASE("Apache Livy is asked to wait once, and when it does not, no more") {
  const LivyFixture fixture(seconds(20));
  REQUIRE(fixture.job.Wait(hours(1)));
  const auto& requests = fixture.server->requests;
  CHECK(requests[0].http.target == "/sessions/7/statements/3?wait=30s");
  for (std::size_t i = 1; i < requests.size(); ++i)
    CHECK(requests[i].http.target == "/sessions/7/statements/3");

  // The client remembers it for all its handles.
  REQUIRE(fixture.job.Wait(hours(1)));
  CHECK(requests.back().http.target == "/sessions/7/statements/3");
}

TEST_CASE("Wait gives up at its timeout and says how far the statement was") {
  const LivyFixture fixture(hours(2));
  CHECK(fixture.job.Wait(hours(1)).error() ==
        Error{ErrorCode::kDeadlineExceeded, "Statement 3 was still running after 3600000 ms."});
  // The last 100 ms are for the last answer, which took no time here.
  CHECK(fixture.Elapsed() == hours(1) - milliseconds(100));
}

TEST_CASE("a statement that ends during the last pause is returned") {
  const LivyFixture fixture(milliseconds(59'900));
  CHECK(fixture.job.Wait(seconds(60)));
}

TEST_CASE("Wait with no time asks once") {
  for (const milliseconds timeout : {milliseconds(0), milliseconds(-5)}) {
    const LivyFixture ended(seconds(0));
    CHECK(ended.job.Wait(timeout));
    const LivyFixture running(hours(1));
    CHECK(running.job.Wait(timeout).error().code == ErrorCode::kDeadlineExceeded);
    CHECK(running.server->requests.size() == 1);
    CHECK(running.Elapsed() == seconds(0));
  }
}

TEST_CASE("Wait can be as long as time goes") {
  const LivyFixture fixture(hours(1000));
  CHECK(fixture.job.Wait(milliseconds::max()));
}

TEST_CASE("a server that waits is asked every 30 s and answers when the statement ends") {
  const WaitingFixture fixture(hours(1) + milliseconds(5));
  REQUIRE(fixture.job.Wait(hours(2)));
  CHECK(fixture.Elapsed() == hours(1) + milliseconds(5));
  CHECK(fixture.server->requests.size() == 121);
  for (const FakeServer::Request& request : fixture.server->requests) {
    CHECK(request.http.target == "/sessions/7/statements/3?wait=30s");
    CHECK(request.timeout == seconds(90));
  }
}

TEST_CASE("a server that waits is not asked to wait beyond the timeout") {
  const WaitingFixture fixture(hours(1));
  CHECK(fixture.job.Wait(milliseconds(45'500)).error() ==
        Error{ErrorCode::kDeadlineExceeded, "Statement 3 was still running after 45500 ms."});
  CHECK(fixture.Elapsed() == milliseconds(45'400));
  CHECK(fixture.server->requests[1].http.target == "/sessions/7/statements/3?wait=15s");
  for (const FakeServer::Request& request : fixture.server->requests)
    CHECK(request.timeout <= milliseconds(45'500));
}

TEST_CASE("no question may take longer than what is left") {
  struct Row {
    milliseconds timeout;
    milliseconds first;
  };
  const Row rows[] = {
      {milliseconds(0), milliseconds(100)},
      {milliseconds(50), milliseconds(100)},
      {milliseconds(500), milliseconds(500)},
      {seconds(40), seconds(40)},
      {hours(1), seconds(90)},
  };
  for (const Row& row : rows) {
    CAPTURE(row.timeout.count());
    // A server that hangs: the connection gives up when it has to.
    JobFixture fixture([&](const HttpRequest&, milliseconds timeout) {
      fixture.clock->Advance(timeout);
      return Error{ErrorCode::kDeadlineExceeded, "No answer."};
    });
    CHECK(fixture.job.Wait(row.timeout).error().code == ErrorCode::kDeadlineExceeded);
    CHECK(fixture.server->requests[0].timeout == row.first);
    CHECK(fixture.Elapsed() <= std::max(row.timeout, milliseconds(100)));
  }
}

TEST_CASE("a timeout at a server that hangs says that nothing is known") {
  JobFixture fixture([&](const HttpRequest&, milliseconds timeout) {
    fixture.clock->Advance(timeout);
    return Error{ErrorCode::kDeadlineExceeded, "No answer."};
  });
  CHECK(fixture.job.Wait(seconds(10)).error().message ==
        "Statement 3 was still in an unknown state after 10000 ms.");
}

TEST_CASE("a server that says it waited but did not is asked with pauses") {
  const JobFixture fixture([](const HttpRequest&, milliseconds) {
    HttpResponse answer = StatementIn("running");
    answer.headers = {{"Livy-Wait", "0s"}};
    return answer;
  });
  CHECK_FALSE(fixture.job.Wait(seconds(60)));
  CHECK(fixture.server->requests.size() < 30);
}

TEST_CASE("Wait survives a server that is away for a moment, but not one that stays away") {
  const HttpResponse overloaded = Answer(503, R"({"msg":"Busy."})");
  for (const bool connected : {true, false}) {
    const auto serve = [&](int failures) {
      return [&, failures, asked = 0](const HttpRequest&, milliseconds) mutable {
        if (asked++ >= failures) return Result<HttpResponse>(StatementIn("available"));
        return connected ? Result<HttpResponse>(overloaded)
                         : Result<HttpResponse>(Error{ErrorCode::kUnavailable, "Refused."});
      };
    };
    const JobFixture moment(serve(4));
    CHECK(moment.job.Wait(hours(1)));

    const JobFixture away(serve(1000));
    CHECK(away.job.Wait(hours(1)).error() ==
          Error{ErrorCode::kUnavailable, connected ? "Busy." : "Refused."});
    CHECK(away.server->requests.size() == 5);
  }
}

TEST_CASE("a server that asks for a pause gets it, within the timeout") {
  const auto serve = [asked = 0](const HttpRequest&, milliseconds) mutable {
    HttpResponse busy = Answer(429, "");
    busy.headers = {{"Retry-After", "20"}};
    return ++asked == 1 ? busy : StatementIn("available");
  };
  const JobFixture patient(serve);
  CHECK(patient.job.Wait(hours(1)));
  CHECK(patient.Elapsed() == seconds(20));

  const JobFixture hurried(serve);
  CHECK(hurried.job.Wait(seconds(10)));
  CHECK(hurried.Elapsed() < seconds(10));
}

TEST_CASE("after a failure a server is asked plainly, since a proxy may have cut the wait short") {
  const JobFixture fixture([](const HttpRequest& request, milliseconds) {
    return WaitIn(request) > seconds(0) ? Answer(504, "") : StatementIn("available");
  });
  CHECK(fixture.job.Wait(hours(1)));
  CHECK(fixture.server->requests.size() == 2);
}

TEST_CASE("pauses are short again after a server has answered in its own time") {
  // Every third question fails; between two failures are a plain answer and one after 30 s.
  JobFixture fixture([&, asked = 0](const HttpRequest& request, milliseconds) mutable {
    if (++asked % 3 == 1) return Answer(503, "");
    HttpResponse answer = StatementIn(asked == 15 ? "available" : "running");
    if (WaitIn(request) > seconds(0)) {
      fixture.clock->Advance(WaitIn(request));
      answer.headers = {{"livy-wait", "30s"}};
    }
    return answer;
  });
  REQUIRE(fixture.job.Wait(hours(1)));
  CHECK(fixture.Elapsed() == 5 * (milliseconds(100) + milliseconds(200) + seconds(30)));
}

TEST_CASE("an answer that refuses ends the wait at once") {
  const JobFixture fixture(
      [](const HttpRequest&, milliseconds) { return Recorded("B030-statement-unknown"); });
  CHECK(fixture.job.Wait(hours(1)).error() == Error{ErrorCode::kNotFound, "Statement not found"});
  CHECK(fixture.server->requests.size() == 1);
}

TEST_CASE("if the session dies while waiting, the error holds the end of its log") {
  const JobFixture fixture([asked = 0](const HttpRequest& request, milliseconds) mutable {
    if (request.target == "/sessions/7")
      return Answer(200, R"({"id":7,"state":"dead","log":["Out of memory","Bye"]})");
    return ++asked < 3 ? StatementIn("running") : Recorded("S044-dead-statements");
  });
  CHECK(
      fixture.job.Wait(hours(1)).error() ==
      Error{ErrorCode::kUnavailable, "Session 7 is dead; its log ends with:\nOut of memory\nBye"});
}

TEST_CASE("if the reason of a session's end cannot be found, the error is the server's") {
  const JobFixture fixture([](const HttpRequest& request, milliseconds) {
    return request.target == "/sessions/7" ? Recorded("B145-get-deleted")
                                           : Recorded("S044-dead-statements");
  });
  CHECK(fixture.job.Wait(hours(1)).error() ==
        Error{ErrorCode::kUnavailable, "requirement failed: Session isn't active."});
}

}  // namespace
}  // namespace livy::testing
