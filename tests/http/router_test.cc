#include "http/router.h"

#include <doctest/doctest.h>

#include "core/percent.h"

namespace livy::internal {
namespace {

Router MakeRouter() {
  Router router;
  router.Add("GET", "/sessions", 1);
  router.Add("POST", "/sessions", 2);
  router.Add("GET", "/sessions/", 3);
  router.Add("GET", "/sessions/:id", 4);
  router.Add("DELETE", "/sessions/:id", 5);
  router.Add("GET", "/sessions/:id/statements/:statement", 6);
  router.Add("GET", "/sessions/current", 7);
  router.Add("GET", "/", 8);
  return router;
}

TEST_CASE("a path leads to its route with the parameters decoded") {
  struct Row {
    const char* method;
    const char* path;
    std::optional<int> route;
    std::vector<std::string> params;
    const char* allow;
  };
  const Row rows[] = {
      {"GET", "/", 8, {}, ""},
      {"GET", "/sessions", 1, {}, ""},
      {"HEAD", "/sessions", 1, {}, ""},
      {"POST", "/sessions", 2, {}, ""},
      {"GET", "/sessions/", 3, {}, ""},
      {"GET", "/sessions/7", 4, {"7"}, ""},
      {"DELETE", "/sessions/a%20b", 5, {"a b"}, ""},
      {"GET", "/sessions/a%2Fb", 4, {"a/b"}, ""},
      {"GET", "/sessions/current", 7, {}, ""},
      {"DELETE", "/sessions/current", std::nullopt, {}, "GET, HEAD"},
      {"GET", "/sessions/current/statements/2", 6, {"current", "2"}, ""},
      {"GET", "/sessions;a=b/7;c", 4, {"7"}, ""},
      {"GET", "/sessions/7/", std::nullopt, {}, ""},
      {"GET", "//sessions", std::nullopt, {}, ""},
      {"GET", "/sessions.json", std::nullopt, {}, ""},
      {"GET", "/sessions/%zz", std::nullopt, {}, ""},
      {"GET", "/sessions/%00", std::nullopt, {}, ""},
      {"GET", "sessions", std::nullopt, {}, ""},
      {"PUT", "/sessions", std::nullopt, {}, "GET, POST, HEAD"},
      {"OPTIONS", "/sessions/7", std::nullopt, {}, "GET, DELETE, HEAD"},
  };
  const Router router = MakeRouter();
  for (const Row& row : rows) {
    CAPTURE(row.method);
    CAPTURE(row.path);
    const Router::Match match = router.Find(row.method, row.path);
    CHECK(match.route == row.route);
    CHECK(match.params == row.params);
    CHECK(match.allow == row.allow);
  }
}

TEST_CASE("a target is split at its first question mark") {
  CHECK(SplitTarget("/a?b?c").path == "/a");
  CHECK(SplitTarget("/a?b?c").query == "b?c");
  CHECK(SplitTarget("/a").query.empty());
}

TEST_CASE("percent escapes are decoded, and refused if malformed or controls") {
  CHECK(PercentDecode("%C3%A9+") == "\xC3\xA9+");
  CHECK(PercentDecode("a+b", true) == "a b");
  for (const char* bad : {"%", "%1", "%zz", "%00", "%0d", "%7f"}) {
    CAPTURE(bad);
    CHECK(PercentDecode(bad) == std::nullopt);
  }
  CHECK(PercentEncode("a/\xC3\xA9~ b") == "a%2F%C3%A9~%20b");
}

TEST_CASE("the first value of a query's name is found and decoded") {
  CHECK(QueryValue("from=0&size=1%30&from=2", "from") == "0");
  CHECK(QueryValue("from=0&size=1%30", "size") == "10");
  CHECK(QueryValue("a=b+c", "a") == "b c");
  CHECK(QueryValue("a=%zz", "a") == "%zz");
  CHECK(QueryValue("a&b=", "a") == "");
  CHECK(QueryValue("a&b=", "b") == "");
  CHECK(QueryValue("ab=1", "a") == std::nullopt);
}

}  // namespace
}  // namespace livy::internal
