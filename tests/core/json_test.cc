#include "core/json.h"

#include <string>

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

TEST_CASE("numbers stay the text they were, and are read into the type that is asked for") {
  const JsonValue root =
      ParseJson(R"({"a":1,"b":1.50,"c":9007199254740993,"d":99999999999999999999})").value();
  CHECK(root.Find("a")->AsInt() == 1);
  CHECK(root.Find("b")->text() == "1.50");
  CHECK(root.Find("b")->AsInt() == std::nullopt);
  CHECK(root.Find("b")->AsDouble() == 1.5);
  CHECK(root.Find("c")->AsInt64() == 9007199254740993);
  CHECK(root.Find("c")->AsInt() == std::nullopt);
  CHECK(root.Find("d")->AsInt64() == std::nullopt);
}

TEST_CASE("of members with the same name the last one counts") {
  CHECK(ParseJson(R"({"a":1,"a":2})").value().Find("a")->AsInt() == 2);
}

TEST_CASE("what follows the value is ignored") {
  CHECK(ParseJson(R"({"a":1} trailing)").value().Find("a")->AsInt() == 1);
}

TEST_CASE("a byte order mark and UTF-16 are understood") {
  CHECK(ParseJson("\xEF\xBB\xBF{\"a\":1}").value().Find("a")->AsInt() == 1);
  const std::string utf16("\xFF\xFE{\0\"\0\xE9\0\"\0:\0001\0}\0", 16);
  CHECK(ParseJson(utf16).value().Find("é")->AsInt() == 1);
}

TEST_CASE("a raw member keeps its JSON, numbers to the digit") {
  const JsonValue root =
      ParseJson(R"({"id":3,"output":{"x":[1.0,1E20,"\u00e9\n"],"y":{}},"z":{"output":1}})",
                {.raw_member = "output"})
          .value();
  CHECK(root.Find("output")->text() == R"({"x":[1.0,1E20,"é\n"],"y":{}})");
  CHECK(root.Find("id")->AsInt() == 3);
  CHECK(root.Find("z")->Find("output")->AsInt() == 1);
  CHECK(ParseJson(R"({"output":null})", {.raw_member = "output"}).value().Find("output")->text() ==
        "null");
}

TEST_CASE("wrong JSON is refused with the place and the reason") {
  struct Row {
    std::string text;
    const char* message;
  };
  const Row rows[] = {
      {"", "The JSON text is wrong at line 1, column 1: The document is empty."},
      {"{\n\"a\": kind}", "The JSON text is wrong at line 2, column 6: Invalid value."},
      {"\"\xFF\"", "The JSON text is wrong at line 1, column 2: Invalid encoding in string."},
      {std::string(65, '['),
       "The JSON text is wrong at line 1, column 65: It is nested too deeply."},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Result<JsonValue> root = ParseJson(row.text);
    REQUIRE_FALSE(root);
    CHECK(root.error().code == ErrorCode::kInvalidArgument);
    CHECK(root.error().message == row.message);
  }
}

TEST_CASE("a million brackets are refused without harm") {
  CHECK_FALSE(ParseJson(std::string(1'000'000, '[')));
  CHECK_FALSE(ParseJson("{\"output\":" + std::string(1'000'000, '['), {.raw_member = "output"}));
}

TEST_CASE("writing gives compact JSON with members in the order of writing") {
  JsonWriter json;
  json.BeginObject().Key("b").Int(1).Key("a").Double(1).Key("n").StringOrNull(std::nullopt);
  json.Key("r").Raw("[1.50]").Key("s").Strings({"x", "\""}).Key("m").StringMap({{"k", "v"}});
  json.Key("t").Bool(true).Key("z").Null().EndObject();
  CHECK(json.Take() ==
        R"({"b":1,"a":1.0,"n":null,"r":[1.50],"s":["x","\""],"m":{"k":"v"},"t":true,"z":null})");
}

TEST_CASE("strings that are not UTF-8 are made so") {
  CHECK(JsonString("a\xFFz\xC3") == "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\"");
  CHECK(JsonString("\xED\xA0\x80") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK(JsonString("é\xF0\x9F\x98\x80") == "\"é\xF0\x9F\x98\x80\"");
}

}  // namespace
}  // namespace livy::internal
