#include <algorithm>
#include <functional>
#include <numeric>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <livy/client.h>

#include "client/fake_server.h"

namespace livy::testing {
namespace {

using std::chrono::milliseconds;
using Ids = std::vector<int>;

HttpResponse Page(const Ids& ids, int total) {
  std::vector<std::string> sessions;
  for (const int id : ids)
    sessions.push_back(fmt::format(R"({{"id":{}}})", id));
  return Answer(200,
                fmt::format(R"({{"total":{},"sessions":[{}]}})", total, fmt::join(sessions, ",")));
}

// Answers the pages in turn, the last one again and again.
FakeServer::Serve InTurn(std::vector<HttpResponse> pages) {
  return [pages, next = std::size_t{0}](const HttpRequest&, milliseconds) mutable {
    return pages[std::min(next++, pages.size() - 1)];
  };
}

std::vector<std::string> Targets(const Fixture& fixture) {
  std::vector<std::string> targets;
  for (const FakeServer::Request& request : fixture.server->requests)
    targets.push_back(request.http.target);
  return targets;
}

// The ids in order, and -1 for an error.
Ids Walk(const Fixture& fixture, int page_size) {
  Ids ids;
  SessionRange sessions = fixture.Client(page_size).Sessions();
  for (const Result<Session>& session : sessions)
    ids.push_back(session ? session->id : -1);
  CHECK(sessions.begin() == sessions.end());  // Nothing is asked again.
  return ids;
}

TEST_CASE("sessions are listed page by page, each once, whatever the count says meanwhile") {
  struct Row {
    const char* what;
    std::vector<HttpResponse> pages;
    Ids ids;
    std::size_t requests;
  };
  const Row rows[] = {
      {"none", {Page({}, 0)}, {}, 1},
      {"one page", {Page({1, 2}, 2)}, {1, 2}, 1},
      {"full pages", {Page({1, 2}, 4), Page({3, 4}, 4)}, {1, 2, 3, 4}, 2},
      {"a short last page", {Page({1, 2}, 3), Page({3}, 3)}, {1, 2, 3}, 2},
      {"pages smaller than asked", {Page({1}, 3), Page({2}, 3), Page({3}, 3)}, {1, 2, 3}, 3},
      {"more have come", {Page({1, 2}, 3), Page({3, 4}, 5), Page({5}, 5)}, {1, 2, 3, 4, 5}, 3},
      {"some have gone", {Page({1, 2}, 4), Page({}, 2)}, {1, 2}, 2},
      {"no count", {Page({1, 2}, -1), Page({3}, -1), Page({}, -1)}, {1, 2, 3}, 3},
      {"one comes twice", {Page({1, 2}, 5), Page({2, 3}, 5), Page({4}, 5)}, {1, 2, 3, 4}, 3},
      {"the same page for ever", {Page({1, 2}, 1000000)}, {1, 2}, 2},
      {"the server fails", {Page({1, 2}, 4), Answer(500, "")}, {1, 2, -1}, 2},
      {"no list", {Answer(200, "{}")}, {-1}, 1},
      {"no session in the list",
       {Answer(200, R"({"total":9,"sessions":[{"id":1},{"name":"x"},{"id":2}]})")},
       {1, -1},
       1},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string_view(row.what));
    const Fixture fixture(InTurn(row.pages));
    CHECK(Walk(fixture, 2) == row.ids);
    CHECK(fixture.server->requests.size() == row.requests);
  }
}

TEST_CASE("each page is asked for from where the one before ended") {
  const Fixture fixture(InTurn({Page({1, 2, 3}, 7), Page({4, 5}, 7), Page({6, 7}, 7)}));
  Walk(fixture, 3);
  CHECK(Targets(fixture) == std::vector<std::string>{"/sessions?from=0&size=3",
                                                     "/sessions?from=3&size=3",
                                                     "/sessions?from=5&size=3"});
}

TEST_CASE("nothing is asked of the server before the walk, and no page before it is needed") {
  const Fixture fixture(InTurn({Page({1, 2}, 3), Page({3}, 3)}));
  SessionRange sessions = fixture.Client(2).Sessions();
  CHECK(fixture.server->requests.empty());
  auto session = sessions.begin();
  CHECK((*session)->id == 1);
  ++session;
  CHECK((*session)->id == 2);
  CHECK(fixture.server->requests.size() == 1);
  ++session;
  CHECK((*session)->id == 3);
  ++session;
  CHECK(session == sessions.end());
  CHECK(fixture.server->requests.size() == 2);
}

TEST_CASE("Apache Livy's list is read whole") {
  const Fixture fixture(Recorded("S038-list-two"));
  CHECK(Walk(fixture, 100) == Ids{13, 14});
}

}  // namespace
}  // namespace livy::testing
