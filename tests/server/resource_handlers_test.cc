#include <future>
#include <string>

#include <doctest/doctest.h>

#include "server/rest_fixture.h"

namespace livy::internal {
namespace {

using Fixture = RestFixture;

constexpr char kForm[] =
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"/x/m.py\"\r\n\r\nx = "
    "1\r\n--b--";
const HttpHeaders kFormType = {{"Content-Type", "multipart/form-data; boundary=b"}};

TEST_CASE("a file that is added is answered when the driver has it, or says why it has not") {
  Fixture f;
  f.StartIdle();
  const auto good = f.Start(
      {.method = "POST", .target = "/sessions/0/add-pyfile", .body = R"({"uri":"hdfs://n/m.py"})"});
  const auto bad = f.Start(
      {.method = "POST", .target = "/sessions/0/add-jar", .body = R"({"uri":"hdfs://n/m.jar"})"});
  CHECK_FALSE(good->response);
  f.Happens({{.number = 2, .what = AddedEvent{.id = 1, .error = "There is no hdfs://n/m.jar."}},
             {.number = 3, .what = AddedEvent{.id = 0}}});
  CHECK(good->response.value().status == 200);
  CHECK(good->response.value().body.empty());
  CHECK(bad->response.value().status == 400);
  CHECK(bad->response.value().body == R"({"msg":"There is no hdfs://n/m.jar."})");
}

TEST_CASE("a file that may not be added is refused as Livy refuses it") {
  Fixture f;
  f.StartIdle();
  struct Row {
    const char* body;
    const char* answer;
  };
  const Row rows[] = {
      {R"({"uri":"rel"})", R"({"msg":"requirement failed: Path 'rel' is not absolute."})"},
      {R"({"uri":"/etc/passwd"})",
       R"({"msg":"requirement failed: Local path /etc/passwd cannot be added to user sessions."})"},
      {R"({})", R"("Field \"uri\" is required")"},
      {R"({"uri":7,"url":"x"})",
       R"x("Unrecognized field \"url\", not marked as ignorable (1 known properties: \"uri\")")x"},
      {R"(x)", R"("The JSON text is wrong at line 1, column 1: Invalid value.")"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const HttpResponse refused = f.Send("POST", "/sessions/0/add-file", row.body);
    CHECK(refused.status == 400);
    CHECK(refused.body == row.answer);
  }
  CHECK(f.Send("POST", "/sessions/7/add-file", "{}").status == 404);
  f.End(0);
  const HttpResponse late = f.Send("POST", "/sessions/0/add-file", R"({"uri":"hdfs:/x"})");
  CHECK(late.status == 400);
  CHECK(late.body == R"({"msg":"requirement failed: Session isn't active."})");
}

TEST_CASE("an uploaded file waits for the driver to fetch it") {
  Fixture f;
  f.StartIdle();
  const auto uploaded = f.Start({.method = "POST",
                                 .target = "/sessions/0/upload-pyfile",
                                 .headers = kFormType,
                                 .body = kForm});
  CHECK_FALSE(uploaded->response);
  CHECK(f.sessions->Find("0")->ReadUpload("m.py").value() == "x = 1");
  f.Happens({{.number = 2, .what = AddedEvent{.id = 0}}});
  CHECK(uploaded->response.value().status == 200);
  f.End(0);
  CHECK(f.sessions->Find("0")->ReadUpload("m.py").error().code == ErrorCode::kNotFound);
}

TEST_CASE("an upload that is none is refused") {
  Fixture f;
  f.StartIdle();
  CHECK(f.Send("POST", "/sessions/0/upload-jar", kForm, kFormType).body == R"("No jar sent!")");
  CHECK(f.Send("POST", "/sessions/0/upload-file", "--b--", kFormType).body == R"("No file sent!")");
  const HttpResponse json = f.Send("POST", "/sessions/0/upload-file", "{}");
  CHECK(json.status == 400);
  CHECK(json.body == R"("The Content-Type of an upload must be multipart/form-data.")");
}

const HttpRequest kAddFile = {
    .method = "POST", .target = "/sessions/0/add-file", .body = R"({"uri":"hdfs:/x"})"};

TEST_CASE("whoever adds a file is told when the session ends") {
  Fixture f;
  f.StartIdle();
  const auto ended = f.Start(kAddFile);
  f.End(0);
  CHECK(ended->response.value().status == 503);
}

TEST_CASE("whoever adds a file does not wait for ever") {
  Fixture f;
  f.StartIdle();
  const auto silent = f.Start(kAddFile);
  std::promise<void> passed;
  f.timer.After(std::chrono::seconds(120), [&] { passed.set_value(); });
  f.clock.Advance(std::chrono::seconds(120));
  passed.get_future().wait();
  REQUIRE(silent->response);
  CHECK(silent->response.value().status == 504);
}

}  // namespace
}  // namespace livy::internal
