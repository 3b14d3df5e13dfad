// Options of livy-server about clusters.
#include <string>

#include <doctest/doctest.h>

#include "../scratch.h"
#include "made_options.h"

namespace livy::app {
namespace {

using livy::testing::Scratch;

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
  };
  for (const Row& row : rows) {
    CAPTURE(row.conf);
    CHECK(Make(row.conf).warnings.empty() != row.warned);
  }
}

}  // namespace
}  // namespace livy::app
