// What spark-submit is called with.
#include "launch/spark_command.h"

#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../scratch.h"

namespace livy::internal {
namespace {

using testing::Scratch;
using Texts = std::vector<std::string>;

SparkHome HomeIn(const Scratch& scratch) {
  return {.directory = scratch.path(), .spark_version = "3.5.7"};
}

TEST_CASE("the cluster and the deploy mode are what Spark's own settings say") {
  struct Row {
    Properties settings;
    SparkTarget target;
  };
  const char* mode = "spark.submit.deployMode";
  const Row rows[] = {
      {{}, {}},
      {{{"spark.master", "local[*]"}}, {}},
      {{{"spark.master", "local"}, {mode, "cluster"}}, {}},
      {{{"spark.master", "spark://a:7077,b:7077"}}, {ClusterKind::kStandalone, false}},
      {{{"spark.master", "spark://a:7077"}, {mode, "cluster"}}, {ClusterKind::kStandalone, true}},
      {{{"spark.master", "yarn"}}, {ClusterKind::kYarn, false}},
      {{{"spark.master", "yarn"}, {mode, "client"}}, {ClusterKind::kYarn, false}},
      {{{"spark.master", "yarn"}, {mode, "cluster"}}, {ClusterKind::kYarn, true}},
      {{{"spark.master", "k8s://https://a:6443"}, {mode, "cluster"}},
       {ClusterKind::kKubernetes, true}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.settings);
    CHECK((TargetOf(row.settings) == row.target));
  }
}

TEST_CASE("settings are the request's over the defaults, and what the cluster needs over both") {
  const Properties defaults = {{"spark.ui.enabled", "false"}, {"spark.app.name", "default"}};
  const Properties common = {{"spark.ui.enabled", "false"}, {"spark.app.name", "a name"}};
  struct Row {
    const char* what;
    Properties conf;
    Properties added;  // To `conf` and `common`; an empty value: taken away.
  };
  const Row rows[] = {
      {"local", {{"spark.master", "local[2]"}, {"spark.driver.memory", "1g"}}, {}},
      {"archives without YARN",
       {{"spark.master", "local"}, {"spark.yarn.dist.archives", "/a.zip"}},
       {{"spark.archives", "/a.zip"}, {"spark.yarn.dist.archives", ""}}},
      {"archives of both names",
       {{"spark.master", "local"}, {"spark.yarn.dist.archives", "/a"}, {"spark.archives", "/b"}},
       {{"spark.archives", "/b,/a"}, {"spark.yarn.dist.archives", ""}}},
      {"standalone",
       {{"spark.master", "spark://a:7077"}},
       {{"spark.standalone.submit.waitAppCompletion", "false"}}},
      {"YARN",
       {{"spark.master", "yarn"}, {"spark.yarn.dist.archives", "/a.zip"}},
       {{"spark.yarn.tags", "livy-batch-7-abc"}, {"spark.yarn.submit.waitAppCompletion", "false"}}},
      {"YARN with the user's tags",
       {{"spark.master", "yarn"},
        {"spark.yarn.tags", "red,green"},
        {"spark.yarn.submit.waitAppCompletion", "true"}},
       {{"spark.yarn.tags", "livy-batch-7-abc,red,green"},
        {"spark.yarn.submit.waitAppCompletion", "false"}}},
      {"Kubernetes",
       {{"spark.master", "k8s://https://a"}, {"spark.submit.deployMode", "cluster"}},
       {{"spark.kubernetes.driver.label.spark-app-tag", "livy-batch-7-abc"},
        {"spark.kubernetes.executor.label.spark-app-tag", "livy-batch-7-abc"},
        {"spark.kubernetes.submission.waitAppCompletion", "false"},
        {"spark.ui.proxyBase", "/livy-batch-7-abc"}}},
  };
  const Scratch scratch;
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Properties expected = row.conf;
    expected.insert(common.begin(), common.end());
    for (const auto& [key, value] : row.added)
      expected[key] = value;
    std::erase_if(expected, [](const auto& entry) { return entry.second.empty(); });
    const LaunchRequest request = {
        .tag = "livy-batch-7-abc", .name = "a name", .conf = row.conf, .file = "/job.py"};
    CHECK(SettingsFor(request, defaults, HomeIn(scratch)) == expected);
  }
}

TEST_CASE(
    "tags of a request by which a server would know its own are left out as YARN reads them") {
  struct Row {
    const char* tags;
    const char* kept;  // After our own.
  };
  const Row rows[] = {
      {"livy-batch-1-a", ""},
      {"red, livy-batch-1-a,green", ",red,green"},
      {"LIVY-batch-1-a,Livy-batch-1-a", ""},
      {"\tlivy-batch-1-a,\n\x01 livy-batch-1-a", ""},
      {"${spark.a},li${spark.a},${spark.a,b}", ",b}"},
      {" ,,red ,lively-,alivy-,$,{x}", ", ,red ,lively-,alivy-,$,{x}"},
  };
  const Scratch scratch;
  LaunchRequest request = {.tag = "livy-batch-7-abc", .file = "/job.py"};
  request.conf["spark.master"] = "yarn";
  for (const Row& row : rows) {
    CAPTURE(row.tags);
    request.conf["spark.yarn.tags"] = row.tags;
    const Properties settings = SettingsFor(request, {}, HomeIn(scratch));
    CHECK(settings.at("spark.yarn.tags") == "livy-batch-7-abc" + std::string(row.kept));
  }
  request.conf.erase("spark.yarn.tags");
  const Properties settings =
      SettingsFor(request, {{"spark.yarn.tags", "${user.name}"}}, HomeIn(scratch));
  CHECK(settings.at("spark.yarn.tags") == "livy-batch-7-abc,${user.name}");
}

TEST_CASE("a session on YARN has one driver, with what Python and R need in its container") {
  Scratch scratch;
  const LaunchRequest request = {
      .tag = "livy-session-1-abc",
      .conf = {{"spark.master", "yarn"}, {"spark.yarn.maxAppAttempts", "3"}}};
  SUBCASE("with neither in the installation") {
    const Properties settings = SettingsFor(request, {}, HomeIn(scratch));
    CHECK(settings.at("spark.yarn.maxAppAttempts") == "1");
    CHECK_FALSE(settings.contains("spark.yarn.isPython"));
    CHECK_FALSE(settings.contains("spark.yarn.dist.archives"));
  }
  SUBCASE("with both") {
    scratch.Write("python/lib/pyspark.zip", "");
    scratch.Write("R/lib/sparkr.zip", "");
    const Properties settings = SettingsFor(request, {}, HomeIn(scratch));
    CHECK(settings.at("spark.yarn.isPython") == "true");
    CHECK(settings.at("spark.yarn.dist.archives") ==
          "file://" + (scratch.path() / "R/lib/sparkr.zip#sparkr").string());
  }
}

TEST_CASE("a command line has the settings' file, the program and its arguments, and no setting") {
  struct Row {
    LaunchRequest request;
    Texts expected;  // After the settings' file.
  };
  const Texts driver = {"--class", "org.livy.driver.DriverMain", "/driver.jar"};
  const Row rows[] = {
      {{.conf = {{"spark.livy.driver.secret", "s3cr3t"}}}, driver},
      {{.proxy_user = "ada"},
       {"--class", "org.livy.driver.DriverMain", "--proxy-user", "ada", "/driver.jar"}},
      {{.main_class = "Main"}, {"--class", "Main", "/driver.jar"}},
      {{.file = "hdfs:///a.jar", .main_class = "Main", .args = {"1", "", "--conf"}},
       {"--class", "Main", "hdfs:///a.jar", "1", "", "--conf"}},
      {{.file = "/a.py", .proxy_user = "ada"}, {"--proxy-user", "ada", "/a.py"}},
  };
  for (const Row& row : rows) {
    Texts expected = {"/spark/bin/spark-submit", "--properties-file", "/file"};
    expected.insert(expected.end(), row.expected.begin(), row.expected.end());
    CHECK(CommandFor(row.request, {.directory = "/spark"}, "/file", "/driver.jar") == expected);
  }
}

}  // namespace
}  // namespace livy::internal
