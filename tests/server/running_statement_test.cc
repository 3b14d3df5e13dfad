// What is seen of a statement while it runs.
#include <string>

#include <doctest/doctest.h>

#include "server/one_session.h"

namespace livy::internal {
namespace {

using Fixture = SessionUnderTest;

DriverEvent Printed(int id, std::string text) {
  return {.what = OutputEvent{.id = id, .text = std::move(text)}};
}

std::string Shown(const Fixture& f, int id) {
  JsonWriter json;
  Write(f.session->FindStatement(id).value(), json);
  return json.Take();
}

TEST_CASE("what a statement prints is shown while it runs, as the last member") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("x", Kind::kSpark).value();
  const std::string none =
      R"({"id":0,"code":"x","state":"running","output":null,"progress":0.0,"started":10,)"
      R"("completed":0)";
  f.Happens({Started(0)});
  CHECK(Shown(f, 0) == none + "}");

  f.Happens({Printed(0, "a\n")});
  const StatementRecord before = f.session->FindStatement(0).value();
  f.Happens({Printed(0, "b"), Printed(0, "")});

  CHECK(Shown(f, 0) == none + R"(,"stdout":"a\nb"})");
  CHECK(*before.printed == "a\n");
  CHECK(f.Stored(0)->find("stdout") == std::string::npos);

  f.session->CancelStatement(0).value();
  CHECK(Shown(f, 0).find(R"("stdout":"a\nb")") != std::string::npos);
}

TEST_CASE("what was printed goes when the statement has ended, and does not come back") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("x", Kind::kSpark).value();
  f.Happens({Started(0), Printed(0, "a"), Finished(0, R"({"status":"ok"})"), Printed(0, "late")});
  CHECK(Shown(f, 0).ends_with(R"("completed":20})"));

  f.session->Submit("y", Kind::kSpark).value();
  f.Happens({Printed(1, "a")});
  f.process().observer(kExited);
  CHECK(f.session->FindStatement(1)->state == StatementState::kCancelled);
  CHECK(f.session->FindStatement(1)->printed == nullptr);
}

TEST_CASE("what was printed is cut at the bound of an output, between two characters") {
  Fixture f({.output_bytes_max = 7});
  f.BecomeIdle();
  f.session->Submit("x", Kind::kSpark).value();
  f.Happens({Printed(0, "12345"), Printed(0, "6\xc3\xa4x"), Printed(0, "\xc3\xa4")});
  CHECK(*f.session->FindStatement(0)->printed == "123456");
}

TEST_CASE("progress never goes back, and is 1 only when the statement has ended") {
  Fixture f;
  f.BecomeIdle();
  f.session->Submit("x", Kind::kSpark).value();
  const auto progress = [&](double told) {
    f.Happens({{.what = ProgressEvent{.id = 0, .progress = told}}});
    return f.session->FindStatement(0)->progress;
  };
  CHECK(progress(0.5) == 0.5);
  CHECK(progress(0.25) == 0.5);
  CHECK(progress(1) == 0.99);
  f.Happens({Finished(0, "{}")});
  CHECK(f.session->FindStatement(0)->progress == 1);
}

}  // namespace
}  // namespace livy::internal
