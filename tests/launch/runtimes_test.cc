// Several Sparks behind one launcher.
#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <livy/launcher.h>
#include <livy/log.h>

#include "fake_spark.h"
#include "launch/application_handle.h"
#include "launch/hadoop_conf.h"
#include "launch/process.h"

namespace livy::internal {
namespace {

using testing::FakeSpark;
using testing::Recorder;
using testing::Variable;
using Lines = std::vector<std::string>;

class RecordedLog : public LogSink {
 public:
  void Write(LogLevel, std::string_view, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(message);
  }
  Lines WithPrefix(std::string_view prefix) const {
    const std::lock_guard lock(mutex_);
    Lines found;
    std::ranges::copy_if(lines_, std::back_inserter(found),
                         [&](const std::string& line) { return line.starts_with(prefix); });
    return found;
  }

 private:
  mutable std::mutex mutex_;
  Lines lines_;  // Guarded by mutex_.
};

// Two installations. What they submit is written to the log: the environment and the settings.
struct TwoSparks {
  TwoSparks() {
    spark.scratch.WriteProgram("spark4/bin/spark-submit", kScript);
    spark.scratch.Write("spark4/jars/spark-core_2.13-4.0.0.jar", "");
    spark.scratch.Write("spark/conf/spark-defaults.conf", "spark.three true\n");
    spark.scratch.Write("spark4/conf/spark-defaults.conf", "spark.four true\n");
    options.runtimes["spark4"] = {.spark_home = Folder("spark4")};
  }

  std::string Folder(const std::string& name) const {
    return (spark.scratch.path() / name).string();
  }
  Result<std::unique_ptr<Launcher>> Make() { return MakeSparkSubmitLauncher(options, log); }

  // What an application of that runtime wrote.
  Lines Run(const std::string& runtime, std::map<std::string, std::string> conf = {}) {
    const std::unique_ptr<Launcher> launcher = Make().value();
    Recorder recorder;
    const auto application =
        launcher->Launch({.conf = std::move(conf), .runtime = runtime}, recorder.observer())
            .value();
    recorder.WaitForEnd();
    Lines lines = application->Log(0, -1).lines;
    return Lines(lines.begin() + 1, lines.end() - 1);
  }

  static constexpr const char* kScript = "echo $SPARK_HOME $SPARK_CONF_DIR $COLOUR; cat \"$2\"";
  FakeSpark spark{kScript};
  Variable hadoop{"HADOOP_CONF_DIR", nullptr};
  Variable yarn{"YARN_CONF_DIR", nullptr};
  SparkSubmitOptions options = spark.options();
  RecordedLog log = {};
};

TEST_CASE("a runtime is another Spark, with its own settings and environment") {
  TwoSparks two;
  two.options.runtimes["spark4"].environment = {{"COLOUR", "red"}};
  CHECK(two.Run("spark4") ==
        Lines{two.Folder("spark4") + " " + two.Folder("spark4/conf") + " red", "spark.four=true"});
  CHECK(two.Run("") == Lines{two.Folder("spark"), "spark.three=true"});
  CHECK(two.Make().value()->Describe().find("; spark4: Spark 4.0.0 in ") != std::string::npos);
}

TEST_CASE("a request's settings go before those of its runtime") {
  TwoSparks two;
  CHECK(two.Run("spark4", {{"spark.four", "false"}, {"spark.own", "1"}}).back() == "spark.own=1");
  const Lines lines = two.Run("spark4", {{"spark.four", "false"}});
  CHECK(lines.back() == "spark.four=false");
}

TEST_CASE("a runtime has the settings of its conf-dir, else of its own Spark, else those for all") {
  TwoSparks two;
  two.spark.scratch.Write("all/spark-defaults.conf", "spark.all true\n");
  two.spark.scratch.Write("own/spark-defaults.conf", "spark.own true\n");
  const Variable conf_dir("SPARK_CONF_DIR", two.Folder("all").c_str());
  SparkRuntime& runtime = two.options.runtimes["spark4"];
  CHECK(two.Run("").back() == "spark.all=true");
  CHECK(two.Run("spark4").back() == "spark.four=true");
  runtime.environment = {{"SPARK_CONF_DIR", two.Folder("own")}};
  CHECK(two.Run("spark4").back() == "spark.own=true");
  runtime.environment = {};
  runtime.conf_dir = two.Folder("own");
  CHECK(two.Run("spark4").front() == two.Folder("spark4") + " " + two.Folder("own"));
  CHECK(two.Run("spark4").back() == "spark.own=true");
  runtime = {};
  CHECK(two.Run("spark4") == two.Run(""));
}

TEST_CASE("a runtime can have a Java of its own") {
  TwoSparks two;
  two.spark.scratch.WriteProgram("java21/bin/java", "exit 1");
  two.spark.scratch.Write("java21/release", "JAVA_VERSION=\"21.0.1\"\n");
  two.options.runtimes["spark4"].environment = {{"JAVA_HOME", two.Folder("java21")}};
  const std::string described = two.Make().value()->Describe();
  CHECK(described.find("Java 17.0.15; spark4: ") != std::string::npos);
  CHECK(described.ends_with("Java 21.0.1"));
}

TEST_CASE("what is wrong with a runtime is said when the launcher is made") {
  TwoSparks two;
  std::string sentence;
  SUBCASE("no Spark") {
    two.options.runtimes["spark9"] = {.spark_home = "/nowhere"};
    sentence = "Runtime spark9: SPARK_HOME is '/nowhere', which is not a directory.";
  }
  SUBCASE("no Java") {
    two.options.runtimes["spark4"].environment = {{"JAVA_HOME", "/nowhere"}};
    sentence = "Runtime spark4: JAVA_HOME is '/nowhere', where there is no bin/java.";
  }
  SUBCASE("no name") {
    two.options.runtimes["a;b"] = {};
    sentence = "'a;b' is no name of a runtime: it has letters, digits, '-' and '_'.";
  }
  const auto launcher = two.Make();
  REQUIRE_FALSE(launcher);
  CHECK(launcher.error() == Error{ErrorCode::kInvalidArgument, sentence});
}

TEST_CASE("with runtimes there need be no Spark for all, and then each launch names one") {
  TwoSparks two;
  two.options.spark_home.clear();
  CHECK(two.Run("spark4").back() == "spark.four=true");
  const std::unique_ptr<Launcher> launcher = two.Make().value();
  CHECK(launcher->Launch({}, {}).error().message ==
        "No runtime was chosen, and SPARK_HOME is not set.");
  CHECK(launcher->Launch({.runtime = "spark5"}, {}).error() ==
        Error{ErrorCode::kInvalidArgument, "There is no runtime 'spark5'."});
  two.options.runtimes["other"] = {.conf_dir = "/conf"};
  CHECK(two.Make().error().message == "Runtime other: SPARK_HOME is not set: where is Spark?");
}

TEST_CASE("Hadoop's directory is a runtime's, before ours, and an empty variable is not set") {
  const Variable hadoop("HADOOP_CONF_DIR", "/ours");
  const Variable yarn("YARN_CONF_DIR", nullptr);
  CHECK(HadoopConfDirectory({{"HADOOP_CONF_DIR", "/its"}}) == "/its");
  CHECK(HadoopConfDirectory({{"YARN_CONF_DIR", "/its"}}) == "/ours");
  CHECK(HadoopConfDirectory({{"HADOOP_CONF_DIR", ""}, {"YARN_CONF_DIR", "/its"}}) == "/its");
  CHECK(HadoopConfDirectory({{"COLOUR", "red"}}) == "/ours");
}

TEST_CASE("runtimes of one cluster are followed together, those of others apart") {
  TwoSparks two;
  two.spark.scratch.Write("hadoop/yarn-site.xml",
                          "<property><name>yarn.resourcemanager.webapp.address</name>"
                          "<value>127.0.0.1:1</value></property>");
  two.options.cluster.resource_manager_urls = {"http://127.0.0.1:2"};
  two.options.runtimes["same"] = {.resource_manager_urls = {"http://127.0.0.1:2"}};
  two.options.runtimes["own"] = {.environment = {{"HADOOP_CONF_DIR", two.Folder("hadoop")}}};
  const std::unique_ptr<Launcher> launcher = two.Make().value();
  const std::map<std::string, std::string> conf = {{"spark.master", "yarn"},
                                                   {"spark.submit.deployMode", "cluster"}};
  for (const char* runtime : {"", "same", "own", "own"}) {
    Recorder recorder;
    REQUIRE(launcher->Launch({.tag = "livy-batch-1-x", .conf = conf, .runtime = runtime},
                             recorder.observer()));
  }
  CHECK(two.log.WithPrefix("following ") ==
        Lines{"following YARN at http://127.0.0.1:2", "following YARN at http://127.0.0.1:1"});
}

TEST_CASE("an application of a runtime that is gone is followed as far as that goes without it") {
  TwoSparks two;
  const std::unique_ptr<Launcher> launcher = two.Make().value();
  const auto recover = [&](SparkTarget target, const std::string& process) {
    return launcher->Recover("tag",
                             FormatHandle({.target = target,
                                           .runtime = "spark3",
                                           .master = "yarn",
                                           .app_id = "application_1_0001",
                                           .process = process}),
                             [](const ApplicationStatus&) {});
  };
  const std::string process = IdentityOf(getpid());
  CHECK(recover({}, process));
  CHECK(recover({.kind = ClusterKind::kYarn}, process));
  CHECK(two.log.WithPrefix("application=tag is followed by its process alone: ") ==
        Lines{"application=tag is followed by its process alone: its runtime 'spark3' is not in "
              "the configuration any more"});
  CHECK(recover({.kind = ClusterKind::kYarn, .is_cluster_mode = true}, "").error() ==
        Error{ErrorCode::kUnavailable,
              "its runtime 'spark3' is not in the configuration any more, and it may still run in "
              "its cluster as application_1_0001"});
}

}  // namespace
}  // namespace livy::internal
