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

TEST_CASE("the newest statement stays, because a later server counts on from its id") {
  Fixture f({.statements_retained_max = 1});
  f.BecomeIdle();
  f.session->Submit("0", Kind::kSpark).value();
  f.session->Submit("1", Kind::kSpark).value();
  f.Happens({Started(0)});
  REQUIRE(f.session->CancelStatement(1));
  f.Happens({Finished(0, "{}")});
  CHECK(f.Stored(1).has_value());
}

TEST_CASE("the newest that is stored stays while a newer one is being stored, or was refused") {
  for (const bool is_refused : {false, true}) {
    CAPTURE(is_refused);
    SessionUnderTest f({.statements_retained_max = 1});
    f.BecomeIdle();
    f.session->Submit("0", Kind::kSpark).value();
    f.session->Submit("1", Kind::kSpark).value();
    f.Happens({Started(0)});
    REQUIRE(f.session->CancelStatement(1));
    const auto end_and_look = [&] {
      f.Happens({Finished(0, "{}")});
      CHECK(f.Stored(1).has_value());
    };
    if (is_refused) {
      f.backing.failure = Error{ErrorCode::kUnavailable, "The disk is full."};
      REQUIRE_FALSE(f.session->Submit("2", Kind::kSpark));
      f.backing.failure.reset();
      end_and_look();
    } else {
      f.backing.before_change = end_and_look;
      f.session->Submit("2", Kind::kSpark).value();
    }
  }
}

TEST_CASE("long texts of older statements are in the store only, and read when somebody looks") {
  Fixture f({.statements_cached_bytes_max = 100});
  f.BecomeIdle();
  for (int id = 0; id < 4; ++id) {
    f.session->Submit("code " + std::to_string(id), Kind::kSpark).value();
    f.Happens({Started(id), Finished(id, '"' + std::string(40, 'x') + '"')});
  }
  CHECK(f.session->FindStatement(0)->is_abridged);
  CHECK(f.session->FindStatement(0)->output_json == nullptr);
  CHECK_FALSE(f.session->FindStatement(3)->is_abridged);
  CHECK(*f.session->ReadStatement(0).value()->code == "code 0");
  CHECK(f.session->ReadStatement(0).value()->output_json->size() == 42);
  CHECK(f.session->ReadStatement(0).value()->started == At(10));
  const StatementSlice page = f.session->ReadStatements(0, 10, false).value();
  REQUIRE(page.statements.size() == 4);
  for (int id = 0; id < 4; ++id)
    CHECK(*page.statements[static_cast<std::size_t>(id)].code == "code " + std::to_string(id));
}

TEST_CASE("a list leaves out what is dropped while it is read") {
  SessionUnderTest f({.statements_cached_bytes_max = 0});
  f.BecomeIdle();
  f.Run(0);
  f.Run(1);
  REQUIRE(f.backing.Apply({{.key = "v1/interactive/7/statements/0"}}));
  const StatementSlice page = f.session->ReadStatements(0, 10, false).value();
  CHECK(page.total == 1);
  REQUIRE(page.statements.size() == 1);
  CHECK(page.statements[0].id == 1);
}

TEST_CASE("an end that is told twice does not cost what is in the store") {
  Fixture f({.statements_cached_bytes_max = 0});
  f.BecomeIdle();
  f.Run(0);
  f.Run(1);
  REQUIRE(f.session->FindStatement(0)->is_abridged);
  const std::optional<std::string> stored = f.Stored(0);
  f.Happens({Finished(0, "{}"), Idle()});
  CHECK(f.Stored(0) == stored);
}

TEST_CASE("a statement that was cancelled and not told of yet keeps its code") {
  Fixture f({.statements_cached_bytes_max = 0});
  f.BecomeIdle();
  f.session->Submit("first", Kind::kSpark).value();
  f.session->Submit("second", Kind::kSpark).value();
  REQUIRE(f.session->CancelStatement(1));
  f.Happens({Started(0), Finished(0, "{}")});
  f.Happens({Cancelled(1)});
  CHECK(f.Stored(1)->find(R"("code":"second")") != std::string::npos);
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
