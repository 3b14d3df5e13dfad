#include "launch/spark_home.h"

#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "fake_spark.h"

namespace livy::internal {
namespace {

using testing::FakeSpark;
using testing::Variable;

Error Refusal(const std::filesystem::path& directory) {
  const Result<SparkHome> home = FindSparkHome(directory);
  return home ? Error{.message = "It was accepted."} : home.error();
}

TEST_CASE("the versions of Spark, Scala and Java are told without starting them") {
  const FakeSpark spark("exit 1");
  const SparkHome home = FindSparkHome(spark.options().spark_home).value();
  CHECK(home.spark_version == "3.5.7");
  CHECK(home.scala_version == "2.12.18");
  CHECK(home.java_version == "17.0.15");
  CHECK(home.submit() == spark.scratch.path() / "spark/bin/spark-submit");
}

TEST_CASE("SPARK_HOME counts if no directory is given") {
  const FakeSpark spark("exit 1");
  const Variable variable("SPARK_HOME", spark.options().spark_home.c_str());
  CHECK(FindSparkHome({}).value().directory == spark.options().spark_home);
}

TEST_CASE("what is missing of Spark is said in one sentence") {
  const FakeSpark spark("exit 1");
  const std::filesystem::path directory = spark.options().spark_home;
  const std::string name = directory.string();
  Error error;

  SUBCASE("no SPARK_HOME") {
    error = Refusal({});
    CHECK(error.message == "SPARK_HOME is not set: where is Spark?");
  }
  SUBCASE("no directory") {
    error = Refusal(name + "x");
    CHECK(error.message == fmt::format("SPARK_HOME is '{}x', which is not a directory.", name));
  }
  SUBCASE("no program") {
    std::filesystem::permissions(directory / "bin/spark-submit", std::filesystem::perms::none);
    std::filesystem::remove(directory / "bin/spark-submit");
    error = Refusal(directory);
    CHECK(error.message ==
          fmt::format("SPARK_HOME is '{}', where there is no program bin/spark-submit.", name));
  }
  SUBCASE("no jars") {
    std::filesystem::remove_all(directory / "jars");
    error = Refusal(directory);
    CHECK(error.message ==
          fmt::format("SPARK_HOME is '{}', where there is no jars/spark-core_*.jar.", name));
  }
  SUBCASE("an old Spark") {
    std::filesystem::rename(directory / "jars/spark-core_2.12-3.5.7.jar",
                            directory / "jars/spark-core_2.11-2.4.8.jar");
    error = Refusal(directory);
    CHECK(error.message ==
          fmt::format("Spark 2.4.8 in '{}' is too old: it must be 3.0 or newer.", name));
  }
  SUBCASE("a wrong JAVA_HOME") {
    const Variable variable("JAVA_HOME", "/nowhere");
    error = Refusal(directory);
    CHECK(error.message == "JAVA_HOME is '/nowhere', where there is no bin/java.");
  }
  SUBCASE("no Java") {
    const Variable java_home("JAVA_HOME", nullptr);
    const Variable path("PATH", "/nowhere");
    error = Refusal(directory);
    CHECK(error.message == "Spark needs Java: JAVA_HOME is not set, and there is no java in PATH.");
  }
  CHECK(error.code == ErrorCode::kInvalidArgument);
}

TEST_CASE("Java is found in PATH") {
  const FakeSpark spark("exit 1");
  const Variable java_home("JAVA_HOME", "");
  const Variable path(
      "PATH", fmt::format("/nowhere:{}/java/bin:/bin", spark.scratch.path().string()).c_str());
  CHECK(FindSparkHome(spark.options().spark_home).value().java_version == "17.0.15");
}

TEST_CASE("a newer Spark with another Scala is known, too") {
  const FakeSpark spark("exit 1");
  const std::filesystem::path jars = spark.options().spark_home / "jars";
  std::filesystem::rename(jars / "spark-core_2.12-3.5.7.jar",
                          jars / "spark-core_2.13-4.1.0-SNAPSHOT.jar");
  std::filesystem::remove(jars / "scala-library-2.12.18.jar");
  const SparkHome home = FindSparkHome(spark.options().spark_home).value();
  CHECK(home.spark_version == "4.1.0-SNAPSHOT");
  CHECK(home.scala_version == "2.13");
}

TEST_CASE("spark-defaults.conf is in SPARK_CONF_DIR or else in the installation") {
  const FakeSpark spark("exit 1");
  const SparkHome home = FindSparkHome(spark.options().spark_home).value();
  CHECK(ReadSparkDefaults(home).value().empty());
  spark.scratch.Write("spark/conf/spark-defaults.conf", "spark.master local[3]\n");
  CHECK(ReadSparkDefaults(home).value() == Properties{{"spark.master", "local[3]"}});
  spark.scratch.Write("conf/spark-defaults.conf", "spark.master=yarn\n");
  const Variable variable("SPARK_CONF_DIR", (spark.scratch.path() / "conf").c_str());
  CHECK(ReadSparkDefaults(home).value() == Properties{{"spark.master", "yarn"}});
}

TEST_CASE("defaults that cannot be read are an error and not an empty set") {
  const FakeSpark spark("exit 1");
  const SparkHome home = FindSparkHome(spark.options().spark_home).value();
  std::filesystem::create_directories(home.directory / "conf/spark-defaults.conf");
  const Result<Properties> defaults = ReadSparkDefaults(home);
  REQUIRE_FALSE(defaults);
  CHECK(defaults.error().code == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace livy::internal
