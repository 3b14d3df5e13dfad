// Hadoop's settings, as far as they tell where YARN is.
#include "launch/hadoop_conf.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../scratch.h"
#include "fake_spark.h"

namespace livy::internal {
namespace {

using testing::Scratch;
using testing::Variable;
using Texts = std::vector<std::string>;

TEST_CASE("properties are read out of XML, with entities and without comments") {
  HadoopConf conf = {{"kept", "1"}, {"a", "old"}};
  ParseHadoopConf(
      "<?xml version=\"1.0\"?>\n<!-- <property><name>no</name><value>1</value></property> -->\n"
      "<configuration>\n<property>\n  <name> a </name>\n  <value>x &lt;&amp;&gt; y</value>\n"
      "  <final>true</final></property>\n<property><name>without</name></property>"
      "<property><value>2</value><name>b</name></property>\n</configuration><property>",
      conf);
  CHECK(conf == HadoopConf{{"a", "x <&> y"}, {"b", "2"}, {"kept", "1"}});
}

TEST_CASE("yarn-site.xml goes over core-site.xml, and references have their values") {
  Scratch scratch;
  scratch.Write("core-site.xml",
                "<property><name>fs.defaultFS</name><value>hdfs://${host}:9000</value></property>"
                "<property><name>host</name><value>core</value></property>"
                "<property><name>loop</name><value>${loop}</value></property>"
                "<property><name>open</name><value>${nothing}/${</value></property>");
  scratch.Write("yarn-site.xml", "<property><name>host</name><value>yarn</value></property>");
  const HadoopConf conf = ReadHadoopConf(scratch.path()).value();
  CHECK(conf.at("fs.defaultFS") == "hdfs://yarn:9000");
  CHECK(conf.at("open") == "${nothing}/${");
  CHECK(ReadHadoopConf("/nowhere").value().empty());
  CHECK(ReadHadoopConf("").value().empty());
}

TEST_CASE("ResourceManagers are where Hadoop looks for them") {
  struct Row {
    HadoopConf conf;
    Texts urls;
  };
  const Row rows[] = {
      {{}, {"http://127.0.0.1:8088"}},
      {{{"yarn.resourcemanager.hostname", "rm"}}, {"http://rm:8088"}},
      {{{"yarn.resourcemanager.hostname", "rm"},
        {"yarn.resourcemanager.webapp.address", "web:1234"}},
       {"http://web:1234"}},
      {{{"yarn.resourcemanager.hostname", "rm"}, {"yarn.http.policy", "HTTPS_ONLY"}},
       {"https://rm:8090"}},
      {{{"yarn.resourcemanager.ha.enabled", "true"},
        {"yarn.resourcemanager.ha.rm-ids", "a, b"},
        {"yarn.resourcemanager.hostname.a", "one"},
        {"yarn.resourcemanager.webapp.address.b", "two:99"}},
       {"http://one:8088", "http://two:99"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.conf);
    CHECK(ResourceManagersOf(row.conf) == row.urls);
  }
}

TEST_CASE("Hadoop's directory is named by either of two variables") {
  const Variable yarn("YARN_CONF_DIR", "/yarn");
  {
    const Variable hadoop("HADOOP_CONF_DIR", nullptr);
    CHECK(HadoopConfDirectory() == "/yarn");
  }
  const Variable hadoop("HADOOP_CONF_DIR", "/hadoop");
  CHECK(HadoopConfDirectory() == "/hadoop");
}

}  // namespace
}  // namespace livy::internal
