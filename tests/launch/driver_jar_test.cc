#include "launch/driver_jar.h"

#include <string>
#include <sys/stat.h>

#include <doctest/doctest.h>

#include "fake_spark.h"
#include "files/private_file.h"

namespace livy::internal {
namespace {

using testing::Scratch;
using testing::Variable;

int ModeOf(const std::filesystem::path& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 ? static_cast<int>(status.st_mode & 0777) : -1;
}

std::size_t Count(const std::filesystem::path& directory) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    count += entry.exists() ? 1 : 0;
  return count;
}

TEST_CASE("a jar is built into the program byte for byte") {
  CHECK(EmbeddedDriverJar() == ReadFile(DRIVER_JAR_STAND_IN).value());
}

TEST_CASE("the jar is installed once and used again") {
  const Scratch scratch;
  const std::filesystem::path directory = scratch.path() / "a" / "work";
  const std::filesystem::path file = InstallDriverJar("content", directory).value();
  CHECK(file.parent_path() == directory);
  CHECK(file.filename().string().starts_with("livy-driver-"));
  CHECK(file.filename().string().size() == std::string("livy-driver-123456789012.jar").size());
  CHECK(ReadFile(file).value() == "content");
  CHECK(ModeOf(file) == 0600);
  CHECK(ModeOf(directory) == 0700);

  struct stat before = {};
  REQUIRE(stat(file.c_str(), &before) == 0);
  CHECK(InstallDriverJar("content", directory).value() == file);
  struct stat after = {};
  REQUIRE(stat(file.c_str(), &after) == 0);
  CHECK(after.st_ino == before.st_ino);
  CHECK(Count(directory) == 1);
}

TEST_CASE("a jar that was changed or cut short is replaced") {
  const Scratch scratch;
  for (const char* damaged : {"cOntent", "cont", ""}) {
    const std::filesystem::path file = InstallDriverJar("content", scratch.path()).value();
    scratch.Write(file.filename(), damaged);
    CHECK(InstallDriverJar("content", scratch.path()).value() == file);
    CHECK(ReadFile(file).value() == "content");
  }
  CHECK(Count(scratch.path()) == 1);
}

TEST_CASE("another content has another name") {
  const Scratch scratch;
  CHECK(InstallDriverJar("one", scratch.path()).value() !=
        InstallDriverJar("two", scratch.path()).value());
}

TEST_CASE("LIVY_DRIVER_JAR names another jar, which must exist") {
  const Scratch scratch;
  scratch.Write("my.jar", "mine");
  {
    const Variable variable("LIVY_DRIVER_JAR", (scratch.path() / "my.jar").c_str());
    CHECK(ProvideDriverJar(scratch.path() / "work").value() == scratch.path() / "my.jar");
    CHECK_FALSE(std::filesystem::exists(scratch.path() / "work"));
  }
  const Variable variable("LIVY_DRIVER_JAR", "/nowhere.jar");
  const Result<std::filesystem::path> missing = ProvideDriverJar(scratch.path());
  REQUIRE_FALSE(missing);
  CHECK(missing.error() == Error{ErrorCode::kInvalidArgument,
                                 "LIVY_DRIVER_JAR is '/nowhere.jar', which is not a file."});
}

TEST_CASE("a private file is its owner's alone and goes with its object") {
  const Scratch scratch;
  std::filesystem::path path;
  {
    const PrivateFile file = PrivateFile::Create(scratch.path(), "p-", ".txt", "text").value();
    path = file.path();
    CHECK(ReadFile(path).value() == "text");
    CHECK(ModeOf(path) == 0600);
    CHECK(path.extension() == ".txt");
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(PrivateFile::Create(scratch.path() / "missing", "p-", ".txt", ""));
}

}  // namespace
}  // namespace livy::internal
