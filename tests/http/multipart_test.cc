#include "http/multipart.h"

#include <string>

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

const std::string kType = "multipart/form-data; boundary=xyz";

TEST_CASE("a file arrives with its part's name, its own name and every byte") {
  const std::string content = std::string("PK\x03\x04\0\r\n--xy\r\n", 14) + "\xff";
  const std::string body =
      "--xyz\r\nContent-Disposition: form-data; name=\"jar\"; filename=\"a b.jar\"\r\n"
      "Content-Type: application/java-archive\r\n\r\n" +
      content + "\r\n--xyz--\r\n";
  const auto parts = ParseMultipart(kType, body).value();
  REQUIRE(parts.size() == 1);
  CHECK(parts[0].name == "jar");
  CHECK(parts[0].file_name == "a b.jar");
  CHECK(parts[0].content == content);
}

TEST_CASE("forms are understood however they are written") {
  struct Row {
    std::string type;
    std::string body;
  };
  const std::string part = "Content-Disposition: form-data; name=\"f\"\r\n\r\n1\r\n";
  const Row rows[] = {
      {kType, "--xyz\r\n" + part + "--xyz--"},
      {"Multipart/Form-Data; charset=utf-8; boundary=\"x y:z\"",
       "--x y:z\r\n" + part + "--x y:z--"},
      {kType, "to be ignored\r\n--xyz\r\n" + part + "--xyz--\r\nthis too"},
      {kType, "--xyz  \r\ncontent-disposition:form-data;NAME=f\r\n\r\n1\r\n--xyz--"},
      {kType, "--xyz\r\nContent-Type: text/plain\r\n" + part + "--xyz--"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.type);
    CAPTURE(row.body);
    const auto parts = ParseMultipart(row.type, row.body);
    REQUIRE_MESSAGE(parts, parts.error().message);
    REQUIRE(parts->size() == 1);
    CHECK(parts->at(0).name == "f");
    CHECK_FALSE(parts->at(0).file_name);
    CHECK(parts->at(0).content == "1");
  }
}

TEST_CASE("names may have quotes and letters beyond ASCII") {
  const auto name_of = [](std::string_view parameters) {
    const std::string body = "--xyz\r\nContent-Disposition: form-data; name=f; " +
                             std::string(parameters) + "\r\n\r\n\r\n--xyz--";
    return ParseMultipart(kType, body).value().at(0).file_name.value_or("none");
  };
  CHECK(name_of(R"(filename="a\"b\\c.py")") == R"(a"b\c.py)");
  CHECK(name_of(R"(filename="C:\dir\x.py")") == R"(C:\dir\x.py)");
  CHECK(name_of("filename=\"na\xc3\xafve.py\"") == "na\xc3\xafve.py");
  CHECK(name_of("filename*=utf-8''na%C3%AFve.py") == "na\xc3\xafve.py");
  CHECK(name_of("filename=plain.py; filename*=UTF-8'en'%e2%82%ac.py") == "\xe2\x82\xac.py");
  CHECK(name_of("filename=plain.py; filename*=latin1''x") == "plain.py");
  CHECK(name_of("other=1") == "none");
}

TEST_CASE("an empty file and several parts are told apart") {
  const std::string body =
      "--xyz\r\nContent-Disposition: form-data; name=a; filename=x\r\n\r\n\r\n"
      "--xyz\r\nContent-Disposition: form-data; name=b\r\n\r\nB\r\n--xyz--\r\n";
  const auto parts = ParseMultipart(kType, body).value();
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].content.empty());
  CHECK(parts[1].content == "B");
}

TEST_CASE("a form without parts is one") {
  CHECK(ParseMultipart(kType, "--xyz--").value().empty());
}

TEST_CASE("what is no form is refused, and says why") {
  struct Row {
    std::string type;
    std::string body;
    std::string why;
  };
  const std::string head = "Content-Disposition: form-data; name=f";
  std::string many;
  for (int part = 0; part < 101; ++part)
    many += "--xyz\r\n" + head + "\r\n\r\n\r\n";
  const Row rows[] = {
      {"application/json", "{}", "must be multipart/form-data"},
      {"", "", "must be multipart/form-data"},
      {"multipart/form-data", "--xyz--", "names no boundary"},
      {"multipart/form-data; boundary=" + std::string(71, 'x'), "", "names no boundary"},
      {kType, "", "boundary is not in the body"},
      {kType, "--other--", "boundary is not in the body"},
      {kType, "--xyz", "boundary's line has no end"},
      {kType, "--xyz\r\n" + head, "headers have no end"},
      {kType, "--xyz\r\n" + head + std::string(9000, ' ') + "\r\n\r\n\r\n--xyz--", "too long"},
      {kType, "--xyz\r\nno colon\r\n\r\n1\r\n--xyz--", "without a colon"},
      {kType, "--xyz\r\nContent-Type: x/y\r\n\r\n1\r\n--xyz--", "no name"},
      {kType, "--xyz\r\n" + head + "\r\n\r\n1", "last boundary is missing"},
      {kType, many + "--xyz--", "too many parts"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const auto parts = ParseMultipart(row.type, row.body);
    REQUIRE_FALSE(parts);
    CHECK(parts.error().code == ErrorCode::kInvalidArgument);
    CHECK(parts.error().message.find(row.why) != std::string::npos);
  }
}

}  // namespace
}  // namespace livy::internal
