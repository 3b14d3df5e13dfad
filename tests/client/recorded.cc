#include <cstdlib>
#include <fstream>
#include <iostream>

#include "client/fake_server.h"
#include "core/json.h"

namespace livy::testing {
namespace {

using internal::JsonValue;

JsonValue Exchange(std::string_view name) {
  std::ifstream file(std::string(LIVY_WIRE_DIR) + "/" + std::string(name.substr(0, 1)) + ".jsonl");
  for (std::string line; std::getline(file, line);) {
    const Result<JsonValue> exchange = internal::ParseJson(line);
    if (exchange && *exchange->Find("name")->AsString() == name) return *exchange;
  }
  std::cerr << "Nothing is recorded as " << name << '\n';
  std::abort();
}

}  // namespace

HttpResponse Recorded(std::string_view name) {
  const JsonValue exchange = Exchange(name);
  const JsonValue& response = *exchange.Find("response");
  HttpResponse answer =
      Answer(*response.Find("status")->AsInt(), *response.Find("body")->AsString());
  for (const auto& [header, value] : response.Find("headers")->members())
    answer.headers.push_back({header, *value.AsString()});
  return answer;
}

std::string RecordedRequest(std::string_view name) {
  const JsonValue exchange = Exchange(name);
  return *exchange.Find("request")->Find("body")->AsString();
}

}  // namespace livy::testing
