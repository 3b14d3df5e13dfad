// What applications write, read and followed over REST.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "scratch.h"
#include "server/output_follower.h"
#include "server/rest_fixture.h"

namespace livy::internal {
namespace {

struct Fixture : testing::Scratch, RestFixture {
  Fixture() {
    services.output = {.folder = path() / "output", .bytes_max = 1000};
    batch_services.output = services.output;
  }

  void Submit() { REQUIRE(Send("POST", "/batches", R"({"file":"hdfs:/p"})").status == 201); }
  // As the application that was launched as number `process`.
  void Print(std::size_t process, std::string_view text) {
    launcher.requests.at(process).output(text);
  }
  std::string Output(const std::string& query = "") {
    return Get("/batches/0/output" + query).body;
  }
  std::filesystem::path Folder() { return path() / "output" / launcher.requests.at(0).tag; }
};

TEST_CASE("all that a batch writes is read from any place, while it runs and after its end") {
  Fixture f;
  f.Submit();
  CHECK(f.Output() == R"({"id":0,"offset":0,"next":0,"end":0,"ended":false,"text":""})");
  f.Print(0, "one\ntwo\n");
  CHECK(f.Output() == R"({"id":0,"offset":0,"next":8,"end":8,"ended":false,"text":"one\ntwo\n"})");
  CHECK(f.Output("?offset=4") ==
        R"({"id":0,"offset":4,"next":8,"end":8,"ended":false,"text":"two\n"})");
  CHECK(f.Output("?size=5") ==
        R"({"id":0,"offset":0,"next":4,"end":8,"ended":false,"text":"one\n"})");
  CHECK(f.Output("?offset=-4") ==
        R"({"id":0,"offset":4,"next":8,"end":8,"ended":false,"text":"two\n"})");
  f.End(0);
  CHECK(f.Output("?offset=8") == R"({"id":0,"offset":8,"next":8,"end":8,"ended":true,"text":""})");
  CHECK(f.Get("/batches/0/log").body ==
        R"({"id":0,"from":0,"total":2,"log":["stdout: ","\nstderr: "]})");
}

TEST_CASE("a session's driver is read like a batch, and that is a heartbeat") {
  Fixture f;
  f.StartIdle();
  f.Print(0, "from the driver\n");
  CHECK(f.Get("/sessions/0/output?offset=5").body ==
        R"({"id":0,"offset":5,"next":16,"end":16,"ended":false,"text":"the driver\n"})");
  f.End(0);
  CHECK(f.Get("/sessions/0/output").body.find(R"("ended":true)") != std::string::npos);
}

TEST_CASE("a client that waits for output is answered when there is some, or will be none") {
  Fixture f;
  f.Submit();
  f.Print(0, "one\n");
  CHECK(f.Output("?wait=30s").find(R"("text":"one\n")") != std::string::npos);
  const auto more = f.Start({.target = "/batches/0/output?offset=4&wait=30s"});
  const auto left = f.Start({.target = "/batches/0/output?offset=4&wait=30s"});
  CHECK_FALSE(more->response);
  left->gone();
  f.Print(0, "two\n");
  REQUIRE(more->response);
  CHECK(more->response->body ==
        R"({"id":0,"offset":4,"next":8,"end":8,"ended":false,"text":"two\n"})");
  CHECK(FindHeader(more->response->headers, "Livy-Wait") == "30000ms");
  CHECK_FALSE(left->response);
  const auto end = f.Start({.target = "/batches/0/output?offset=8&wait=30s"});
  CHECK_FALSE(end->response);
  f.End(0);
  CHECK(end->response.value().body.find(R"("ended":true,"text":"")") != std::string::npos);
}

TEST_CASE("a client that follows gets what was written, what is written, and the end") {
  Fixture f;
  f.Submit();
  f.Print(0, "one\n");
  const auto followed = f.Start({.target = "/batches/0/output?follow=true"});
  REQUIRE(followed->stream);
  CHECK(FindHeader(followed->response->headers, "Content-Type") == "text/event-stream");
  f.Print(0, "two\n");
  f.launcher.processes.at(0)->observer({.state = ApplicationState::kFinished});
  CHECK(followed->stream->written ==
        "id: 4\nevent: output\ndata: {\"offset\":0,\"text\":\"one\\n\"}\n\n"
        "id: 8\nevent: output\ndata: {\"offset\":4,\"text\":\"two\\n\"}\n\n"
        "id: end\nevent: end\ndata: {\"state\":\"success\"}\n\n");
  CHECK(followed->stream->closed);
  const auto again =
      f.Start({.target = "/batches/0/output?follow=true", .headers = {{"Last-Event-ID", "4"}}});
  CHECK(again->stream->written.starts_with("id: 8\n"));
  CHECK(f.Get("/batches/0/output?follow=true", {{"Last-Event-ID", "end"}}).status == 204);
  CHECK(f.Get("/batches/0/output?follow=true", {{"Last-Event-ID", "x"}}).status == 400);
}

TEST_CASE("a slow follower gets the next piece when it has taken the one before") {
  Fixture f;
  f.Submit();
  const auto followed = f.Start({.target = "/batches/0/output?follow=true"});
  followed->stream->fills = true;
  f.Print(0, "one\n");
  f.Print(0, "two\n");
  f.Print(0, "three\n");
  CHECK(followed->stream->written.find("two") == std::string::npos);
  followed->stream->Drain();
  CHECK(followed->stream->written.find("two\\nthree\\n") != std::string::npos);
  followed->gone();
  const std::string before = followed->stream->written;
  followed->stream->Drain();
  f.Print(0, "four\n");
  CHECK(followed->stream->written == before);
}

TEST_CASE("a follower without news is shown that the connection is alive") {
  Fixture f;
  f.Submit();
  const auto followed = f.Start({.target = "/batches/0/output?follow=true"});
  std::promise<void> passed;
  f.timer.After(std::chrono::seconds(15), [&] { passed.set_value(); });
  f.clock.Advance(std::chrono::seconds(15));
  passed.get_future().wait();
  CHECK(followed->stream->written == ": \n\n");
  followed->gone();
}

TEST_CASE("what could not be written at the end is told there") {
  const testing::Scratch scratch;
  scratch.Write("file", "");
  SessionFixture f;
  const auto output = std::make_shared<ApplicationOutput>(
      OutputOptions{.folder = scratch.path() / "file", .bytes_max = 1000}, "tag", f.timer, *f.log);
  output->Sink()("lost");
  std::filesystem::remove(scratch.path() / "file");
  output->Finish();
  CHECK(output->Read(0, 1000)->text == "\n4 bytes are missing here: they could not be written.\n");
}

TEST_CASE("output is written, read, waited for and followed from several threads") {
  const testing::Scratch scratch;
  const std::unique_ptr<Clock> clock = MakeSystemClock();
  Timer timer(*clock);
  const std::unique_ptr<LogSink> log = MakeNullLogSink();
  const auto output = std::make_shared<ApplicationOutput>(
      OutputOptions{.folder = scratch.path(), .bytes_max = 1 << 20}, "tag", timer, *log);
  constexpr int kLines = 2000;
  std::atomic<int> waits = 0;
  std::vector<std::shared_ptr<FakeStream>> streams;
  std::vector<std::shared_ptr<OutputFollower>> followers;
  for (int i = 0; i < 3; ++i) {
    streams.push_back(std::make_shared<FakeStream>());
    followers.push_back(std::make_shared<OutputFollower>(output, streams.back(), 0,
                                                         [] { return std::string("success"); }));
  }
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([&] {
      const OutputSink sink = output->Sink();
      for (int i = 0; i < kLines; ++i)
        sink("a line\n");
      output->Finish();
    });
    for (const auto& follower : followers)
      threads.emplace_back([&] { follower->Begin(); });
    threads.emplace_back([&] {
      for (OutputPage page; !page.ended || page.next < page.end;) {
        page = output->Read(page.next, 100).value();
        const auto token = output->Await(page.next, std::chrono::seconds(1), [&] { ++waits; });
        if (waits % 2 == 0) output->StopAwaiting(token);
      }
    });
  }
  for (const auto& stream : streams) {
    CHECK(stream->closed);
    CHECK(stream->written.ends_with("id: end\nevent: end\ndata: {\"state\":\"success\"}\n\n"));
    CHECK(stream->written.find(fmt::format("id: {}\n", 7 * kLines)) != std::string::npos);
  }
  CHECK(output->Read(0, 1 << 20)->text.size() == 7 * kLines);
  timer.Stop();
}

TEST_CASE("output is for those who may view, and questions about it must make sense") {
  Fixture f;
  f.Send("POST", "/batches", R"({"file":"hdfs:/p"})", {{"X-User", "ada"}});
  CHECK(f.Get("/batches/0/output", {{"X-User", "bob"}}).status == 403);
  CHECK(f.Get("/batches/1/output").status == 404);
  CHECK(f.Get("/batches/0/output?offset=x").body == R"({"msg":"For input string: \"x\""})");
  CHECK(f.Get("/batches/0/output?size=0").body ==
        R"({"msg":"size = 0: it must be a number from 1 to 1048576."})");
  CHECK(f.Get("/batches/0/output?wait=x").status == 400);
}

TEST_CASE("a server that keeps no output says so, and asks launchers for none") {
  RestFixture f;
  f.Send("POST", "/batches", R"({"file":"hdfs:/p"})");
  CHECK_FALSE(f.launcher.requests.at(0).output);
  const HttpResponse answer = f.Get("/batches/0/output");
  CHECK(answer.status == 404);
  CHECK(answer.body == R"({"msg":"What applications write is not kept by this server."})");
}

TEST_CASE("output goes with its batch, and what nobody owns goes when a server starts") {
  Fixture f;
  f.Submit();
  f.Print(0, "one\n");
  CHECK(std::filesystem::exists(f.Folder()));
  f.Write("output/livy-batch-9-aaaaaaaa/0", "left");
  f.Write("output/other/0", "not ours");
  RemoveOutputBut(f.path() / "output", f.batches->Tags());
  CHECK(std::filesystem::exists(f.Folder()));
  CHECK_FALSE(std::filesystem::exists(f.path() / "output/livy-batch-9-aaaaaaaa"));
  CHECK(std::filesystem::exists(f.path() / "output/other"));
  f.End(0);
  f.Send("DELETE", "/batches/0");
  CHECK_FALSE(std::filesystem::exists(f.Folder()));
}

}  // namespace
}  // namespace livy::internal
