#include "server/spark_settings.h"

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

TEST_CASE("a request's fields win over its conf, and the operator's master over both") {
  const SparkConf conf =
      SparkConfFor(
          SessionRequest{
              .driver_memory = "1g",
              .driver_cores = 2,
              .executor_memory = "3g",
              .executor_cores = 4,
              .num_executors = 5,
              .queue = "q",
              .conf = {{"spark.master", "yarn"}, {"spark.driver.memory", "9g"}, {"x", "y"}}},
          {.master = "local[2]", .deploy_mode = "client"})
          .value();
  CHECK(conf == SparkConf{{"spark.master", "local[2]"},
                          {"spark.submit.deployMode", "client"},
                          {"spark.driver.memory", "1g"},
                          {"spark.driver.cores", "2"},
                          {"spark.executor.memory", "3g"},
                          {"spark.executor.cores", "4"},
                          {"spark.executor.instances", "5"},
                          {"spark.yarn.queue", "q"},
                          {"x", "y"}});
}

TEST_CASE("lists of files are merged, the request's first, and resolved") {
  const SparkConf conf =
      SparkConfFor(
          SessionRequest{.jars = {"/a.jar", ""}, .conf = {{"spark.jars", "hdfs:///b.jar, /c.jar"}}},
          {.default_fs = "hdfs://nn/"})
          .value();
  CHECK(conf.at("spark.jars") == "hdfs://nn/a.jar,hdfs:///b.jar,hdfs://nn/c.jar");
}

TEST_CASE("settings that the operator calls lists of files are resolved like Spark's own") {
  const SessionRequest request = {.conf = {{"spark.more", "/a /b"}, {"spark.other", "/c"}}};
  const SparkConf conf =
      SparkConfFor(request, {.default_fs = "hdfs://nn", .file_lists = {"spark.more", "spark.none"}})
          .value();
  CHECK(conf.at("spark.more") == "hdfs://nn/a,hdfs://nn/b");
  CHECK(conf.at("spark.other") == "/c");
  CHECK_FALSE(conf.contains("spark.none"));
}

TEST_CASE("a file is resolved by its scheme, and a local one must be in an allowed directory") {
  struct Row {
    const char* uri;
    const char* expected;  // The URI, or the error.
  };
  const SparkRules rules = {.local_dirs_allowed = {"/allowed", "/also/"}};
  const Row rows[] = {
      {"hdfs://nn/x", "hdfs://nn/x"},
      {"local:/x.jar", "local:/x.jar"},
      {"/allowed/x#y", "file:///allowed/x#y"},
      {"file:/allowed/x", "file:/allowed/x"},
      {"file://host/also/x", "file://host/also/x"},
      {"x.jar", "requirement failed: Path 'x.jar' is not absolute."},
      {"/allowed_not/x",
       "requirement failed: Local path /allowed_not/x cannot be added to user sessions."},
      {"file:///allowed/../etc/passwd",
       "requirement failed: Local path /etc/passwd cannot be added to user sessions."},
      {"a b:%%",
       "java.net.URISyntaxException: Illegal character in scheme name at index 1: a b:%%"},
      {"1a:x", "java.net.URISyntaxException: Illegal character in scheme name at index 0: 1a:x"},
      {":x", "java.net.URISyntaxException: Expected scheme name at index 0: :x"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.uri);
    const Result<std::string> resolved = ResolveUri(row.uri, rules);
    CHECK((resolved ? *resolved : resolved.error().message) == row.expected);
  }
}

TEST_CASE("settings that requests may not make are named in the refusal") {
  const SessionRequest request = {
      .conf = {{"spark.master", "x"}, {"spark.submit.deployMode", "cluster"}, {"spark.ok", "1"}}};
  const Result<SparkConf> refused = SparkConfFor(request, {.conf_refused = {"spark.master"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "Blacklisted configuration values in session config: spark.master, "
        "spark.submit.deployMode");
  CHECK(SparkConfFor(request, {.custom_classpath_allowed = true}));
}

TEST_CASE("who asks for no runtime gets the default, or the Spark that has no name") {
  SparkRules rules = {.master = "local[1]",
                      .runtimes = {{"a", {.master = "yarn", .deploy_mode = "cluster"}},
                                   {"b", {.master = "local[2]", .default_fs = "hdfs://b"}}}};
  CHECK(ChooseRuntime(std::nullopt, rules)->name == "");
  CHECK(ChooseRuntime(std::nullopt, rules)->rules.master == "local[1]");
  CHECK(ChooseRuntime("a", rules)->rules.deploy_mode == "cluster");
  rules.default_runtime = "b";
  const RuntimeChoice choice = ChooseRuntime(std::nullopt, rules).value();
  CHECK(choice.name == "b");
  CHECK(choice.rules.master == "local[2]");
  CHECK(choice.rules.default_fs == "hdfs://b");
  CHECK(ChooseRuntime("a", rules)->name == "a");
}

TEST_CASE("an unknown runtime is refused by its name, an empty one too") {
  const SparkRules rules = {.runtimes = {{"a", {}}, {"b", {}}}, .default_runtime = "b"};
  CHECK(ChooseRuntime("c", rules).error() ==
        Error{ErrorCode::kInvalidArgument, "Unknown runtime: c (known are: a, b)"});
  CHECK(ChooseRuntime("", rules).error().message == "Unknown runtime:  (known are: a, b)");
  CHECK(ChooseRuntime("c", {}).error().message == "Unknown runtime: c (known are: none)");
}

}  // namespace
}  // namespace livy::internal
