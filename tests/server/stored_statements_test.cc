// What of statements is in the store, and when.
#include <chrono>
#include <future>
#include <string>

#include <doctest/doctest.h>

#include "server/one_session.h"

namespace livy::internal {
namespace {

using std::chrono::milliseconds;
using Fixture = SessionUnderTest;

TEST_CASE("a statement costs two changes of the store, dropping an old one included") {
  Fixture f({.statements_retained_max = 1});
  f.BecomeIdle();
  f.Run(0);
  const int before = f.backing.changes_made;

  f.session->Submit("1", Kind::kSpark).value();
  f.Happens({Started(1)});
  f.Happens({Finished(1, "{}"), Idle()});

  CHECK(f.backing.changes_made == before + 2);
  CHECK(f.Stored(0) == std::nullopt);
  CHECK(f.Stored(1)->find(R"("started":10,"completed":20)") != std::string::npos);
}

TEST_CASE("whatever happens only to a statement that runs shows that it has started") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.session->Submit("2", Kind::kSpark).value();
  f.Happens({{.what = ProgressEvent{.id = 0, .progress = 0}}});
  CHECK(f.StateOf(0) == StatementState::kRunning);

  f.Happens({{.what = FinishedEvent{
                  .id = 1, .at = At(20), .ran = milliseconds(15), .output_json = "{}"}}});
  CHECK(f.session->FindStatement(1)->started == At(5));
}

TEST_CASE("the store ends with what became of a statement, also if two tell of it at once") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("1", Kind::kSpark).value();
  f.Happens({Started(0)});

  std::future<Result<void>> cancelled;
  f.backing.before_change = [&] {
    cancelled = std::async(std::launch::async, [&] { return f.session->CancelStatement(0); });
    cancelled.wait_for(milliseconds(20));  // It must wait for us; a wrong one is through by then.
  };
  f.Happens({Finished(0, "{}"), Idle()});
  CHECK(cancelled.get());

  const std::string state(ToString(f.StateOf(0)));
  CHECK(f.Stored(0)->find(R"("state":")" + state) != std::string::npos);
}

}  // namespace
}  // namespace livy::internal
