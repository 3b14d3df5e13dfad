// How livy-server finds and reads its files.
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "../scratch.h"
#include "made_options.h"
#include "server/options.h"

namespace livy::app {
namespace {

using Warnings = std::vector<std::string>;
using livy::testing::Scratch;

TEST_CASE("livy.conf has the syntax of Java's properties, and later lines win") {
  const Scratch scratch;
  const auto file = scratch.Write("livy.conf",
                                  "# a comment\n! another\n"
                                  "livy.server.port = 1\nlivy.server.port: 2\r\n"
                                  "livy.spark.master   local[\\\n    2]\n"
                                  "livy.server.host=\\u0061  \n");
  Warnings warnings;
  CHECK(ReadConf(file, Variables({}), warnings).value() == Conf{{"livy.server.port", "2"},
                                                                {"livy.spark.master", "local[2]"},
                                                                {"livy.server.host", "a"}});
  CHECK(warnings.empty());
}

TEST_CASE("keys of others in livy.conf are left out with a warning") {
  const Scratch scratch;
  const auto file = scratch.Write("livy.conf", "spark.master = yarn\nlivy.server.port = 1\n");
  Warnings warnings;
  CHECK(ReadConf(file, Variables({}), warnings).value() == Conf{{"livy.server.port", "1"}});
  CHECK(warnings == Warnings{"spark.master is not a setting of this server."});
}

TEST_CASE("the file of the command line wins over LIVY_CONF_DIR") {
  const Scratch folder;
  const Scratch other;
  folder.Write("livy.conf", "livy.server.port = 1\n");
  const auto named = other.Write("mine.conf", "livy.server.port = 2\n");
  const Environment environment = Variables({{"LIVY_CONF_DIR", folder.path().string()}});
  Warnings warnings;
  CHECK(ReadConf("", environment, warnings).value() == Conf{{"livy.server.port", "1"}});
  CHECK(ReadConf(named, environment, warnings).value() == Conf{{"livy.server.port", "2"}});
  CHECK(ConfFolder("", environment) == folder.path());
  CHECK(ConfFolder(named, environment) == other.path());
}

TEST_CASE("no livy.conf means defaults, but a file that was named must be there") {
  const Scratch empty;
  Warnings warnings;
  CHECK(ReadConf("", Variables({}), warnings).value().empty());
  for (const auto& folder : {empty.path(), empty.path() / "none"}) {
    CHECK(ReadConf("", Variables({{"LIVY_CONF_DIR", folder.string()}}), warnings).value().empty());
  }
  for (const auto& file : {empty.path() / "none.conf", empty.path()}) {
    const auto conf = ReadConf(file, Variables({}), warnings);
    REQUIRE_FALSE(conf);
    CHECK(conf.error() ==
          Error{ErrorCode::kInvalidArgument, fmt::format("{} cannot be read.", file.string())});
  }
}

TEST_CASE("a livy.conf that is no file is an error, and not an absence") {
  const Scratch scratch;
  std::filesystem::create_directory(scratch.path() / "livy.conf");
  Warnings warnings;
  CHECK_FALSE(ReadConf("", Variables({{"LIVY_CONF_DIR", scratch.path().string()}}), warnings));
}

TEST_CASE("a file named without a folder lies in the working directory") {
  CHECK(ConfFolder("livy.conf", Variables({})) == std::filesystem::current_path());
  CHECK(ConfFolder("", Variables({})).empty());
}

TEST_CASE("spark-blacklist.conf has a setting a line, and may be missing but not unreadable") {
  const Scratch scratch;
  const auto file = scratch.Write(
      "spark-blacklist.conf", "# comment\n\n  spark.master  \nspark.yarn.jar # why\n#spark.x\n");
  CHECK(ReadBlacklist(file).value() == std::set<std::string>{"spark.master", "spark.yarn.jar"});
  CHECK(ReadBlacklist(scratch.path() / "none").value().empty());
  CHECK_FALSE(ReadBlacklist(scratch.path()));
}

}  // namespace
}  // namespace livy::app
