// Options of livy-server about clusters, and about several Sparks.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../scratch.h"
#include "made_options.h"

namespace livy::app {
namespace {

using livy::testing::Scratch;

TEST_CASE("a runtime has from the settings for all what it leaves out") {
  const Options options = Make({{"livy.spark.master", "local[3]"},
                                {"livy.spark.deploy-mode", "client"},
                                {"livy.runtime.default", "new"},
                                {"livy.runtime.old.spark-home", "/spark3"},
                                {"livy.runtime.new.spark-home", "/spark4"},
                                {"livy.runtime.new.conf-dir", "/conf4"},
                                {"livy.runtime.new.master", "spark://host:7077"},
                                {"livy.runtime.new.deploy-mode", ""},
                                {"livy.runtime.new.env.COLOUR", "red"}});
  CHECK(options.warnings.empty());
  const SparkRules& rules = options.server.spark;
  CHECK(rules.default_runtime == "new");
  CHECK(rules.runtimes.size() == 2);
  CHECK(rules.runtimes.at("old").master == "local[3]");
  CHECK(rules.runtimes.at("old").deploy_mode == "client");
  CHECK(rules.runtimes.at("new").master == "spark://host:7077");
  CHECK(rules.runtimes.at("new").deploy_mode == "");
  const auto& runtimes = options.spark_submit.runtimes;
  CHECK(runtimes.size() == 2);
  CHECK(runtimes.at("old").spark_home == "/spark3");
  CHECK(runtimes.at("old").environment.empty());
  CHECK(runtimes.at("new").spark_home == "/spark4");
  CHECK(runtimes.at("new").conf_dir == "/conf4");
  CHECK(runtimes.at("new").environment == Conf{{"COLOUR", "red"}});
  CHECK(options.spark_submit.spark_home.empty());
}

TEST_CASE("what is said of a cluster is not for runtimes on another one") {
  using Urls = std::vector<std::string>;
  const Options options = Make({{"livy.spark.master", "spark://all:7077"},
                                {"livy.runtime.default", "same"},
                                {"livy.server.yarn.resource-managers", "http://rm:8088"},
                                {"livy.server.standalone.masters", "http://all:8080"},
                                {"livy.runtime.same.env.COLOUR", "red"},
                                {"livy.runtime.other.master", "spark://other:7077"},
                                {"livy.runtime.other.env.YARN_CONF_DIR", "/other"},
                                {"livy.runtime.named.master", "spark://named:7077"},
                                {"livy.runtime.named.yarn.resource-managers", "http://b,http://c"},
                                {"livy.runtime.named.standalone.masters", "http://d"}});
  CHECK(options.warnings.empty());
  const auto& runtimes = options.spark_submit.runtimes;
  CHECK(runtimes.at("same").resource_manager_urls == Urls{"http://rm:8088"});
  CHECK(runtimes.at("same").standalone_urls == Urls{"http://all:8080"});
  CHECK(runtimes.at("other").resource_manager_urls.empty());
  CHECK(runtimes.at("other").standalone_urls.empty());
  CHECK(runtimes.at("named").resource_manager_urls == Urls{"http://b", "http://c"});
  CHECK(runtimes.at("named").standalone_urls == Urls{"http://d"});
}

TEST_CASE("paths without a scheme are in the file system of a runtime's own Hadoop") {
  Scratch scratch;
  const auto write = [&](const std::string& folder, const std::string& value) {
    scratch.Write(folder + "/core-site.xml",
                  "<property><name>fs.defaultFS</name><value>" + value + "</value></property>");
    return (scratch.path() / folder).string();
  };
  const std::string all = write("all", "hdfs://all");
  const std::string own = write("own", "hdfs://own");
  const Options options = MakeOptions({{"livy.runtime.default", "same"},
                                       {"livy.runtime.same.env.COLOUR", "red"},
                                       {"livy.runtime.own.env.HADOOP_CONF_DIR", own},
                                       {"livy.runtime.none.env.HADOOP_CONF_DIR", ""},
                                       {"livy.runtime.second.env.YARN_CONF_DIR", own}},
                                      Variables({{"HOME", "/home/ada"}, {"HADOOP_CONF_DIR", all}}))
                              .value();
  const SparkRules& rules = options.server.spark;
  CHECK(rules.default_fs == "hdfs://all");
  CHECK(rules.runtimes.at("same").default_fs == "hdfs://all");
  CHECK(rules.runtimes.at("own").default_fs == "hdfs://own");
  CHECK(rules.runtimes.at("none").default_fs == "file:///");
  CHECK(rules.runtimes.at("second").default_fs == "hdfs://all");  // As Spark looks for it.
}

TEST_CASE("paths without a scheme are where Hadoop's settings say") {
  Scratch scratch;
  scratch.Write("core-site.xml",
                "<property><name>fs.defaultFS</name><value>hdfs://nn:9000</value></property>");
  const std::string folder = scratch.path().string();
  const auto default_fs = [](const std::string& variable, const std::string& value) {
    return MakeOptions({}, Variables({{"HOME", "/home/ada"}, {variable, value}}))
        ->server.spark.default_fs;
  };
  CHECK(default_fs("YARN_CONF_DIR", folder) == "hdfs://nn:9000");
  CHECK(default_fs("HADOOP_CONF_DIR", "/nowhere") == "file:///");
}

TEST_CASE("an address that drivers on a cluster cannot reach is warned of") {
  struct Row {
    Conf conf;
    bool warned;
  };
  const Row rows[] = {
      {{}, false},
      {{{"livy.spark.master", "yarn"}, {"livy.spark.deploy-mode", "cluster"}}, true},
      {{{"livy.spark.master", "yarn"}, {"livy.spark.deploy-mode", "client"}}, false},
      {{{"livy.spark.deploy-mode", "cluster"}}, false},
      {{{"livy.spark.master", "yarn"},
        {"livy.spark.deploy-mode", "cluster"},
        {"livy.server.driver.host", "0.0.0.0"}},
       false},
      {{{"livy.spark.master", "yarn"},
        {"livy.spark.deploy-mode", "cluster"},
        {"livy.rsc.launcher.address", "gateway.example"}},
       false},
      {{{"livy.runtime.a.master", "yarn"},
        {"livy.runtime.a.deploy-mode", "cluster"},
        {"livy.runtime.default", "a"}},
       true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.conf);
    CHECK(Make(row.conf).warnings.empty() != row.warned);
  }
}

TEST_CASE("a runtime that cannot be is named when the server starts") {
  struct Row {
    Conf conf;
    std::string refusal;
  };
  const Row rows[] = {
      {{{"livy.runtime.default", "x"}},
       "livy.runtime.default = x: it must be the name of a runtime."},
      {{{"livy.runtime.a.master", ""}, {"livy.runtime.default", "a"}},
       "livy.runtime.a.master = : it must be a master such as local[*]."},
      {{{"livy.runtime.a.deploy-mode", "both"}, {"livy.runtime.default", "a"}},
       "livy.runtime.a.deploy-mode = both: it must be client, cluster or empty."},
      {{{"livy.runtime.default.master", "yarn"}},
       "livy.runtime.default.*: a runtime needs another name."},
      {{{"livy.runtime.a.master", "yarn"}},
       "livy.runtime.default = : it must be the name of a runtime, because SPARK_HOME is not set."},
  };
  for (const Row& row : rows) {
    CAPTURE(row.conf);
    CHECK(Refusal(row.conf) == row.refusal);
  }
  CHECK(Refusal({{"livy.runtime.a.master", "yarn"}},
                Variables({{"HOME", "/home/ada"}, {"SPARK_HOME", "/spark"}})) == "");
  CHECK(Refusal({{"livy.runtime.a.master", "yarn"}, {"livy.server.spark-home", "/spark"}}) == "");
  CHECK(Make({{"livy.runtime.a.colour", "red"}, {"livy.runtime.default", "a"}}).warnings.size() ==
        1);
}

TEST_CASE("what proves this server to Kubernetes is a token, or a file with one, or a whole pair") {
  const std::string certificate = "livy.server.kubernetes.clientCertFile";
  const std::string key = "livy.server.kubernetes.clientKeyFile";
  const std::string prefix = "livy.server.kubernetes.";
  const Options options = Make({{certificate, "/c.pem"}, {key, "/k.pem"}});
  CHECK(options.spark_submit.kubernetes.certificate_file == "/c.pem");
  CHECK(options.spark_submit.kubernetes.key_file == "/k.pem");
  CHECK(Refusal({{certificate, "/c.pem"}}).starts_with(key + " = : "));
  CHECK(Refusal({{key, "/k.pem"}}).starts_with(certificate + " = : "));
  const std::string both =
      Refusal({{prefix + "oauthTokenValue", "secret"}, {prefix + "oauthTokenFile", "/t"}});
  CHECK(both ==
        "livy.server.kubernetes.oauthTokenValue and livy.server.kubernetes.oauthTokenFile cannot "
        "both be set.");
}

}  // namespace
}  // namespace livy::app
