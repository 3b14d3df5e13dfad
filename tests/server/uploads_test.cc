#include "server/uploads.h"

#include <filesystem>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "scratch.h"

namespace livy::internal {
namespace {

using std::filesystem::exists;
using std::filesystem::perms;
using std::filesystem::status;

TEST_CASE("an uploaded file is there until its session's folder goes, and only for its owner") {
  const testing::Scratch scratch;
  const std::filesystem::path folder = scratch.path() / "uploads" / "s";
  auto uploads = std::make_unique<Uploads>(folder, 100);
  CHECK_FALSE(exists(folder));
  REQUIRE(uploads->Keep("a b.py", std::string("x\0y", 3)));
  CHECK(uploads->Read("a b.py").value() == std::string("x\0y", 3));
  CHECK(status(folder).permissions() == perms::owner_all);
  CHECK(status(folder / "a b.py").permissions() == (perms::owner_read | perms::owner_write));
  CHECK(uploads->Read("other").error().code == ErrorCode::kNotFound);
  uploads.reset();
  CHECK_FALSE(exists(folder));
}

TEST_CASE("a file of the same name replaces the one before") {
  const testing::Scratch scratch;
  Uploads uploads(scratch.path() / "s", 10);
  REQUIRE(uploads.Keep("a", "12345678"));
  REQUIRE(uploads.Keep("a", "abcdefghij"));
  CHECK(uploads.Read("a").value() == "abcdefghij");
}

TEST_CASE("all files of a session together are bounded") {
  const testing::Scratch scratch;
  Uploads uploads(scratch.path() / "s", 10);
  REQUIRE(uploads.Keep("a", "12345"));
  REQUIRE(uploads.Keep("b", "12345"));
  CHECK(uploads.Keep("c", "1").error().code == ErrorCode::kResourceExhausted);
  CHECK(uploads.Keep("a", "123456").error().code == ErrorCode::kResourceExhausted);
  CHECK(uploads.Read("a").value() == "12345");
}

TEST_CASE("what is no file's name is refused, and nothing is written") {
  const testing::Scratch scratch;
  Uploads uploads(scratch.path() / "s", 10);
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("a\nb"),
        std::string("a\0b", 3), std::string(201, 'x')}) {
    CAPTURE(name);
    CHECK(uploads.Keep(name, "x").error().code == ErrorCode::kInvalidArgument);
  }
  CHECK_FALSE(exists(scratch.path() / "s"));
}

TEST_CASE("a folder that cannot be made is told") {
  const testing::Scratch scratch;
  const std::filesystem::path in_the_way = scratch.Write("uploads", "a file");
  Uploads uploads(in_the_way / "s", 10);
  CHECK(uploads.Keep("a", "x").error().code == ErrorCode::kUnavailable);
  CHECK(uploads.Read("a").error().code == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace livy::internal
