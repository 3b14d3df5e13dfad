#include "server/output_log.h"

#include <filesystem>
#include <string>
#include <sys/stat.h>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "scratch.h"

namespace livy::internal {
namespace {

using testing::Scratch;

constexpr std::size_t kAll = 1 << 20;

int ModeOf(const std::filesystem::path& path) {
  struct stat status = {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

TEST_CASE("what is written can be read from any place") {
  const Scratch scratch;
  OutputLog log(scratch.path() / "a/livy-batch-0", 1000);
  REQUIRE(log.Append("one\ntwo\n"));
  REQUIRE(log.Append("three"));
  CHECK(log.end() == 13);
  CHECK(log.Read(0, kAll).value() ==
        OutputPage{.offset = 0, .next = 13, .end = 13, .text = "one\ntwo\nthree"});
  CHECK(log.Read(4, kAll)->text == "two\nthree");
  CHECK(log.Read(-5, kAll)->text == "three");
  CHECK(log.Read(-100, kAll)->offset == 0);
  CHECK(log.Read(13, kAll).value() == OutputPage{.offset = 13, .next = 13, .end = 13});
  CHECK(log.Read(99, kAll)->offset == 13);
}

TEST_CASE("the files are their owner's alone, and there are none without output") {
  const Scratch scratch;
  OutputLog log(scratch.path() / "livy-batch-0", 1000);
  CHECK(log.Read(0, kAll)->text.empty());
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "livy-batch-0"));
  REQUIRE(log.Append("secret"));
  CHECK(ModeOf(scratch.path() / "livy-batch-0") == 0700);
  CHECK(ModeOf(scratch.path() / "livy-batch-0/0") == 0600);
  log.Remove();
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "livy-batch-0"));
  REQUIRE(log.Append("late"));
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "livy-batch-0"));
}

TEST_CASE("of too much the oldest goes, and places stay what they were") {
  const Scratch scratch;
  OutputLog log(scratch.path() / "log", 20);
  for (int i = 0; i < 100; ++i)
    REQUIRE(log.Append(fmt::format("{:03}\n", i)));
  CHECK(log.end() == 400);
  const OutputPage page = log.Read(0, kAll).value();
  CHECK(page.offset == 380);
  CHECK(page.text == "095\n096\n097\n098\n099\n");
  CHECK(std::distance(std::filesystem::directory_iterator(scratch.path() / "log"), {}) == 2);
  CHECK(log.Read(396, kAll)->text == "099\n");
  // More at once than is kept.
  REQUIRE(log.Append(std::string(95, 'x')));
  CHECK(log.end() == 495);
  CHECK(log.Read(0, kAll)->offset == 480);
  CHECK(log.Read(0, kAll)->text == std::string(15, 'x'));
}

TEST_CASE("a part ends behind a line, or else between characters") {
  const Scratch scratch;
  OutputLog log(scratch.path() / "log", 1000);
  REQUIRE(log.Append("one\ntwo\n\xE2\x98\x83\xE2\x98\x83\n"));
  CHECK(log.Read(0, 7)->text == "one\n");
  CHECK(log.Read(0, 7)->next == 4);
  CHECK(log.Read(8, 4)->text == "\xE2\x98\x83");
  CHECK(log.Read(8, 5)->next == 11);
  CHECK(log.Read(8, 2)->next == 10);  // Whoever asks for less than a character gets on.
  REQUIRE(log.Append("\xE2\x98"));
  CHECK(log.Read(15, kAll)->text == "\xE2\x98");
  REQUIRE(log.Append("\x83 x\xE2"));
  CHECK(log.Read(15, kAll)->text == "\xE2\x98\x83 x");
}

TEST_CASE("a later server finds what there is, and goes on behind it") {
  const Scratch scratch;
  {
    OutputLog log(scratch.path() / "log", 20);
    REQUIRE(log.Append("0123456789abcdef"));
  }
  scratch.Write("log/other", "not ours");
  OutputLog log(scratch.path() / "log", 20);
  CHECK(log.Read(8, kAll)->text == "89abcdef");
  REQUIRE(log.Append("ghijkl"));
  CHECK(log.Read(0, kAll).value() ==
        OutputPage{.offset = 10, .next = 22, .end = 22, .text = "abcdefghijkl"});
}

TEST_CASE("what cannot be written is an error once, and a line says how much is missing") {
  const Scratch scratch;
  scratch.Write("file", "");
  OutputLog log(scratch.path() / "file/log", 100);
  CHECK(log.Append("abc").error().code == ErrorCode::kUnavailable);
  CHECK(log.Append("de"));
  std::filesystem::remove(scratch.path() / "file");
  CHECK(log.Append("there"));
  CHECK(log.Append(" again"));
  const std::string all = "\n5 bytes are missing here: they could not be written.\nthere again";
  CHECK(log.Read(0, 1000)->text == all);
  CHECK(log.Append(""));
  CHECK(log.Read(0, 1000)->text == all);
  OutputLog none(scratch.path() / "none", 0);
  CHECK_FALSE(none.keeps());
  CHECK(none.Append("x"));
  CHECK(none.end() == 0);
}

}  // namespace
}  // namespace livy::internal
