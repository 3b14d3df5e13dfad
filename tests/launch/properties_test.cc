#include "launch/properties.h"

#include <string>

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

TEST_CASE("settings are read as Java and Spark read them") {
  struct Row {
    const char* text;
    Properties properties;
  };
  const Row rows[] = {
      {"", {}},
      {"# comment = 1\n  ! another\n\n \t\n", {}},
      {"spark.master  local[2]", {{"spark.master", "local[2]"}}},
      {"a=1\nb = 2\r\nc:3\rd : 4\n e\t5",
       {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}}},
      {"a =  two words \t", {{"a", "two words"}}},
      {"a == 1", {{"a", "= 1"}}},
      {"a", {{"a", ""}}},
      {"a 1\na 2", {{"a", "2"}}},
      {"key\\ with\\:all\\= 1", {{"key with:all=", "1"}}},
      {"opts -Dx=y -Dz=\\\n   more", {{"opts", "-Dx=y -Dz=more"}}},
      {"a 1\\\\\nb 2", {{"a", "1\\"}, {"b", "2"}}},
      {"a \\t\\n.\\q", {{"a", "\n.q"}}},
      {"# comments do not go on \\\na 1", {{"a", "1"}}},
      {"a \\u00e4\\uD83D\\uDE00\xc3\xa4", {{"a", "\xc3\xa4\xf0\x9f\x98\x80\xc3\xa4"}}},
      {"a \\uD83D", {{"a", "\xef\xbf\xbd"}}},
      {"a C:\\user", {{"a", "C:\\user"}}},
      {"\xef\xbb\xbf"
       "a 1",
       {{"a", "1"}}},
      {"a \\", {{"a", ""}}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(ParseProperties(row.text) == row.properties);
  }
}

TEST_CASE("settings are written so that nothing in them is syntax") {
  CHECK(FormatProperties({}).empty());
  CHECK(FormatProperties({{"a", "b c"}}) == "a=b\\ c\n");
  CHECK(FormatProperties({{"k=:#! \\", "v"}}) == "k\\=\\:\\#\\!\\ \\\\=v\n");
  CHECK(FormatProperties({{"a", "1\nspark.evil=2\r"}}) == "a=1\\u000Aspark.evil\\=2\\u000D\n");
  CHECK(FormatProperties({{"a", "\xc3\xa4\xf0\x9f\x98\x80"}}) == "a=\\u00E4\\uD83D\\uDE00\n");
}

TEST_CASE("bytes that are not UTF-8 are replaced when they are written") {
  for (const char* text : {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80"}) {
    CAPTURE(text);
    CHECK(FormatProperties({{"a", text}}).starts_with("a=\\uFFFD"));
  }
}

TEST_CASE("what is written is read back") {
  const Properties properties = {
      {"spark.driver.extraJavaOptions", "-Da='b c' -XX:+Use\\G1 #no ! comment"},
      {"spark.\xc3\xa4\xe2\x82\xac", "\xf0\x9f\x98\x80"},
      {" key ", "tab\tinside"},
      {"empty", ""},
  };
  CHECK(ParseProperties(FormatProperties(properties)) == properties);
}

}  // namespace
}  // namespace livy::internal
