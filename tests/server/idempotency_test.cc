// Requests with an Idempotency-Key, which may come twice.
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "server/rest_fixture.h"

namespace livy::internal {
namespace {

using std::chrono::hours;

struct KeyFixture : RestFixture {
  using RestFixture::RestFixture;

  HttpResponse Create(std::string key, std::string body = R"({"kind":"spark"})",
                      HttpHeaders headers = {}) {
    headers.push_back({"Idempotency-Key", std::move(key)});
    return Send("POST", "/sessions", std::move(body), std::move(headers));
  }
  HttpResponse Submit(std::string key, std::string body = R"({"code":"1"})") {
    return Send("POST", "/sessions/0/statements", std::move(body),
                {{"Idempotency-Key", std::move(key)}});
  }
  // What a server finds that is started on the same store.
  void Restart() {
    keys.emplace(IdempotencyOptions{.keys_max = services.limits.idempotency_keys_max}, writer,
                 clock, *log);
    REQUIRE(keys->Load());
    rest.emplace(RestOptions{}, *sessions, *batches, *keys, access, &authenticator, *log);
  }
  std::size_t StoredKeys() { return backing.Children("v1/liblivy/keys").value().size(); }
};

std::string Header(const HttpResponse& response, std::string_view name) {
  return std::string(FindHeader(response.headers, name).value_or(""));
}

TEST_CASE("the same key and body give the same session, as it is now") {
  KeyFixture f;
  const HttpResponse first = f.Create("k");
  CHECK(first.status == 201);
  CHECK(Header(first, "Idempotency-Key") == "k");
  CHECK(Header(first, "Idempotent-Replayed") == "");
  f.Happens({{.number = 1, .what = StateEvent{.state = SessionState::kIdle}}});

  const HttpResponse again = f.Create("k");
  CHECK(again.status == 201);
  CHECK(Header(again, "Location") == "/sessions/0");
  CHECK(Header(again, "Idempotent-Replayed") == "true");
  CHECK(again.body.find(R"("state":"idle")") != again.body.npos);
  CHECK(f.launcher.requests.size() == 1);
  CHECK(Header(f.Create("k2"), "Location") == "/sessions/1");
}

TEST_CASE("the same key and body give the same batch, which is launched once") {
  KeyFixture f;
  const auto create = [&f] {
    return f.Send("POST", "/batches", R"({"file":"hdfs:/a.jar"})", {{"Idempotency-Key", "k"}});
  };
  CHECK(Header(create(), "Location") == "/batches/0");
  const HttpResponse again = create();
  CHECK(again.status == 201);
  CHECK(Header(again, "Location") == "/batches/0");
  CHECK(Header(again, "Idempotent-Replayed") == "true");
  f.Restart();
  CHECK(Header(create(), "Location") == "/batches/0");
  CHECK(f.launcher.requests.size() == 1);
}

TEST_CASE("the same key and body give the same statement, also after a restart") {
  KeyFixture f;
  f.StartIdle();
  CHECK(Header(f.Submit("k"), "Location") == "/sessions/0/statements/0");
  CHECK(Header(f.Submit("k"), "Location") == "/sessions/0/statements/0");
  f.Restart();
  const HttpResponse again = f.Submit("k");
  CHECK(again.status == 201);
  CHECK(Header(again, "Location") == "/sessions/0/statements/0");
  CHECK(again.body == f.Get("/sessions/0/statements/0").body);
  CHECK(Header(f.Submit("other"), "Location") == "/sessions/0/statements/1");
}

TEST_CASE("a key that was sent with another request is refused, and the header named") {
  KeyFixture f;
  f.Create("k");
  for (const HttpResponse& refused : {f.Create("k", R"({"kind":"pyspark"})"), f.Submit("k")}) {
    CHECK(refused.status == 422);
    CHECK(refused.body == R"({"msg":"Idempotency-Key 'k' was sent with another request before."})");
  }
  CHECK(f.launcher.requests.size() == 1);
}

TEST_CASE("each user has keys of its own") {
  KeyFixture f;
  CHECK(Header(f.Create("k"), "Location") == "/sessions/0");
  CHECK(Header(f.Create("k", "{}", {{"X-User", "ada"}}), "Location") == "/sessions/1");
  CHECK(Header(f.Create("k", "{}", {{"X-User", "bob"}}), "Location") == "/sessions/2");
  CHECK(Header(f.Create("k", "{}", {{"X-User", "ada"}}), "Location") == "/sessions/1");
}

TEST_CASE("a key that is empty, too long or not printable is refused") {
  KeyFixture f;
  for (const std::string& key : {std::string(), std::string(256, 'k'), std::string("k\xc3\xa4")}) {
    CAPTURE(key);
    const HttpResponse refused = f.Create(key);
    CHECK(refused.status == 400);
    CHECK(refused.body.find("Idempotency-Key") != refused.body.npos);
  }
  CHECK(f.Create(std::string(255, 'k')).status == 201);
}

TEST_CASE("a request that comes again while the first is under way waits, and gets the same") {
  KeyFixture f;
  f.StartIdle();
  std::shared_ptr<FakeExchange> second;
  f.backing.before_change = [&] {
    second = f.Start({.method = "POST",
                      .target = "/sessions/0/statements",
                      .headers = {{"Idempotency-Key", "k"}},
                      .body = R"({"code":"1"})"});
    CHECK_FALSE(second->response);
  };
  CHECK(Header(f.Submit("k"), "Location") == "/sessions/0/statements/0");
  REQUIRE(second->response);
  CHECK(Header(*second->response, "Location") == "/sessions/0/statements/0");
  CHECK(Header(*second->response, "Idempotent-Replayed") == "true");
}

TEST_CASE("if the first is refused by its store, so is one that has waited") {
  KeyFixture f;
  f.StartIdle();
  std::shared_ptr<FakeExchange> second;
  f.backing.failure = Error{ErrorCode::kUnavailable, "The disk is full."};
  f.backing.before_change = [&] {
    second = f.Start({.method = "POST",
                      .target = "/sessions/0/statements",
                      .headers = {{"Idempotency-Key", "k"}},
                      .body = R"({"code":"1"})"});
    f.backing.before_change = [] { FAIL("It was asked once more."); };
  };
  const HttpResponse refused = f.Submit("k");
  CHECK(refused.status == 503);
  REQUIRE(second->response);
  CHECK(second->response->status == 503);
  CHECK(second->response->body == refused.body);
  CHECK(Header(*second->response, "Idempotency-Key") == "k");
  f.backing.before_change = nullptr;
  f.backing.failure.reset();
  CHECK(f.Submit("k").status == 201);
}

TEST_CASE("if the first fails, one that has waited is the first") {
  KeyFixture f;
  f.StartIdle();
  std::shared_ptr<FakeExchange> second;
  f.backing.failure = Error{ErrorCode::kInvalidArgument, "It is too large."};
  f.backing.before_change = [&] {
    second = f.Start({.method = "POST",
                      .target = "/sessions/0/statements",
                      .headers = {{"Idempotency-Key", "k"}},
                      .body = R"({"code":"1"})"});
    f.backing.before_change = [&] { f.backing.failure.reset(); };
  };
  CHECK(f.Submit("k").status == 400);
  CHECK(f.StoredKeys() == 1);
  REQUIRE(second->response);
  CHECK(second->response->status == 201);
  CHECK(Header(*second->response, "Idempotent-Replayed") == "");
}

TEST_CASE("what was refused leaves no key behind") {
  KeyFixture f;
  CHECK(f.Create("k", R"({"kind":"cobol"})").status == 400);
  CHECK(f.StoredKeys() == 0);
  CHECK(f.Create("k").status == 201);
  CHECK(f.StoredKeys() == 1);
}

TEST_CASE("a key costs no transaction of its own") {
  KeyFixture f;
  f.StartIdle();
  const int before = f.backing.changes_made;
  f.Submit("k");
  CHECK(f.backing.changes_made == before + 1);
}

TEST_CASE("what was created and then deleted is told to be gone, and is not created again") {
  KeyFixture f;
  f.Create("k");
  f.End(0);
  CHECK(f.Send("DELETE", "/sessions/0").status == 200);
  for (int round = 0; round < 2; ++round) {
    const HttpResponse gone = f.Create("k");
    CHECK(gone.status == 410);
    CHECK(
        gone.body ==
        R"({"msg":"What the request with Idempotency-Key 'k' has created, number 0 of /sessions, is gone."})");
    f.Restart();
  }
  CHECK(f.launcher.requests.size() == 1);
}

TEST_CASE("keys are forgotten when there are too many, the oldest first, also in the store") {
  KeyFixture f({.idempotency_keys_max = 2});
  f.StartIdle();
  f.Submit("a");
  f.Submit("b");
  f.Submit("c");
  CHECK(f.StoredKeys() == 2);
  CHECK(Header(f.Submit("b"), "Location") == "/sessions/0/statements/1");
  CHECK(Header(f.Submit("a"), "Location") == "/sessions/0/statements/3");
  CHECK(f.StoredKeys() == 2);
}

TEST_CASE("keys are forgotten when their time is over") {
  KeyFixture f;
  f.services.expiry.timeout = hours(0);
  f.StartIdle();
  f.sessions->Find("0")->OnDriverConnected("boot");
  f.Submit("a");
  f.clock.Advance(hours(23));
  CHECK(Header(f.Submit("a"), "Location") == "/sessions/0/statements/0");
  f.clock.Advance(hours(1));
  CHECK(Header(f.Submit("a"), "Location") == "/sessions/0/statements/1");
  CHECK(Header(f.Submit("a"), "Location") == "/sessions/0/statements/1");
  f.clock.Advance(hours(24));
  f.Submit("b");
  CHECK(f.StoredKeys() == 1);
}

TEST_CASE("a damaged record of a key is left out") {
  KeyFixture f;
  f.Create("k");
  REQUIRE(f.backing.Apply({{"v1/liblivy/keys/x", "{"}}));
  f.Restart();
  CHECK(Header(f.Create("k"), "Idempotent-Replayed") == "true");
}

}  // namespace
}  // namespace livy::internal
