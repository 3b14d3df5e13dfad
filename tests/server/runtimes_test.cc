// Several Sparks behind one server, over REST.
#include <string>

#include <doctest/doctest.h>

#include "server/rest_fixture.h"

namespace livy::internal {
namespace {

const SparkRules kTwo = {
    .master = "local[1]",
    .default_fs = "hdfs://all",
    .runtimes = {{"old", {.master = "local[3]", .default_fs = "hdfs://old"}},
                 {"new", {.master = "yarn", .deploy_mode = "cluster", .default_fs = "hdfs://new"}}},
    .conf_refused = {"spark.secret"}};

struct Fixture : RestFixture {
  explicit Fixture(const SparkRules& spark = kTwo) : RestFixture({}, spark) {}

  const LaunchRequest& launch(std::size_t index) const { return launcher.requests.at(index); }
};

// The last member of a view, with its value.
std::string LastMember(const HttpResponse& response) {
  return response.body.substr(response.body.rfind(",\"") + 1);
}

TEST_CASE("a session runs where its request says, and shows it") {
  Fixture f;
  const HttpResponse created =
      f.Send("POST", "/sessions", R"({"runtime":"new","jars":["/a.jar"]})");
  CHECK(created.status == 201);
  CHECK(LastMember(created) == R"("runtime":"new"})");
  CHECK(LastMember(f.Get("/sessions/0")) == R"("runtime":"new"})");
  CHECK(f.launch(0).runtime == "new");
  CHECK(f.launch(0).conf.at("spark.master") == "yarn");
  CHECK(f.launch(0).conf.at("spark.submit.deployMode") == "cluster");
  CHECK(f.launch(0).conf.at("spark.jars") == "hdfs://new/a.jar");
}

TEST_CASE("a batch runs where its request says, and shows it") {
  Fixture f;
  const HttpResponse created = f.Send("POST", "/batches", R"({"file":"/pi.py","runtime":"old"})");
  CHECK(created.status == 201);
  CHECK(LastMember(f.Get("/batches/0")) == R"("runtime":"old"})");
  CHECK(f.launch(0).runtime == "old");
  CHECK(f.launch(0).file == "hdfs://old/pi.py");
  CHECK(f.launch(0).conf.at("spark.master") == "local[3]");
  CHECK_FALSE(f.launch(0).conf.contains("spark.submit.deployMode"));
}

TEST_CASE("who names no runtime gets what there is without any, and sees nothing of them") {
  Fixture f;
  const HttpResponse session = f.Send("POST", "/sessions", R"({"runtime":null})");
  const HttpResponse batch = f.Send("POST", "/batches", R"({"file":"/pi.py"})");
  Fixture plain({.master = "local[1]", .default_fs = "hdfs://all"});
  CHECK(session.body == plain.Send("POST", "/sessions", "{}").body);
  CHECK(batch.body == plain.Send("POST", "/batches", R"({"file":"/pi.py"})").body);
  CHECK(f.launch(0).runtime == "");
  CHECK(f.launch(0).conf.at("spark.master") == "local[1]");
  CHECK(f.launch(1).conf == plain.launch(1).conf);
  CHECK(f.launch(1).file == "hdfs://all/pi.py");
  for (const char* key : {"v1/interactive/0", "v1/batch/0"})
    CHECK(f.backing.Get(key).value()->find("runtime") == std::string::npos);
}

TEST_CASE("the default runtime is for requests that name none, and they show it") {
  SparkRules rules = kTwo;
  rules.default_runtime = "old";
  Fixture f(rules);
  CHECK(LastMember(f.Send("POST", "/sessions", "{}")) == R"("runtime":"old"})");
  CHECK(LastMember(f.Send("POST", "/batches", R"({"file":"/pi.py"})")) == R"("runtime":"old"})");
  CHECK(f.launch(0).runtime == "old");
  CHECK(f.launch(1).runtime == "old");
  CHECK(f.launch(1).file == "hdfs://old/pi.py");
}

TEST_CASE("an unknown runtime is refused by its name, and nothing is left behind") {
  Fixture f;
  constexpr char kRefusal[] =
      R"!({"msg":"Rejected, Reason: Unknown runtime: newer (known are: new, old)"})!";
  const HttpResponse session = f.Send("POST", "/sessions", R"({"runtime":"newer"})");
  CHECK(session.status == 400);
  CHECK(session.body == kRefusal);
  const HttpResponse batch = f.Send("POST", "/batches", R"({"file":"/pi.py","runtime":"newer"})");
  CHECK(batch.status == 400);
  CHECK(batch.body == kRefusal);
  CHECK(f.Send("POST", "/sessions", R"({"runtime":["new"]})").status == 400);
  CHECK(f.launcher.requests.empty());
  CHECK(f.Get("/sessions").body == R"({"from":0,"total":0,"sessions":[]})");
  CHECK(f.Get("/batches").body == R"({"from":0,"total":0,"sessions":[]})");
}

TEST_CASE("what requests may not set, they may not set for a runtime either") {
  Fixture f;
  const auto refusal = [&](const std::string& conf) {
    return f.Send("POST", "/sessions", R"({"runtime":"new","conf":{)" + conf + "}}");
  };
  CHECK(refusal(R"("spark.secret":"1")").status == 400);
  CHECK(refusal(R"("spark.submit.deployMode":"client")").status == 400);
  CHECK(refusal(R"("spark.master":"local","spark.own":"1")").status == 201);
  CHECK(f.launch(0).conf.at("spark.master") == "yarn");
  CHECK(f.launch(0).conf.at("spark.own") == "1");
}

}  // namespace
}  // namespace livy::internal
