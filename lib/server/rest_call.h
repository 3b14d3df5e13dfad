// The one request that a handler of RestService works on, and reading what it asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <livy/access_manager.h>
#include <livy/clock.h>
#include <livy/http.h>
#include <livy/result.h>

#include "core/number.h"
#include "http/exchange.h"
#include "server/rest_service.h"

namespace livy::internal {

struct RestService::Call {
  const RestService& service;
  std::shared_ptr<Exchange> exchange;
  User user = {};                        // Who sent it.
  std::string_view query = {};           // Into the exchange's request.
  std::vector<std::string> params = {};  // Of the path.

  const HttpRequest& request() const { return exchange->request(); }

  // Sends the answer with the headers that all answers have.
  void Reply(HttpResponse response) const;
  void ReplyJson(std::string json) const;
  // Null where there can be no stream; the client has been told.
  std::shared_ptr<ResponseStream> Stream(HttpResponse head) const;
};

// An integer of a query or a path, such as "-5". Fails with Livy's words.
template <typename Number = int>
Result<Number> ParseInteger(std::string_view text) {
  if (const std::optional<Number> number = ParseNumber<Number>(text)) return *number;
  return Error{ErrorCode::kInvalidArgument, fmt::format("For input string: \"{}\"", text)};
}

// A query parameter's integer; `absent` if there is none.
Result<int> QueryInteger(std::string_view query, std::string_view name, int absent);

// Which page of a list a request asks for; see RangeOfPage().
struct PageQuery {
  int from = 0;
  int size = 0;
};

// The parameters `from` and `size`; those of `absent` if there are none.
Result<PageQuery> QueryPage(std::string_view query, PageQuery absent);

// How long the client asks to be kept waiting by `wait=30s`: zero if it does not, `max` at most.
Result<Clock::Duration> QueryWait(std::string_view query, Clock::Duration max);

// Whether an `order` parameter asks for the newest first.
bool IsDescending(std::string_view order);

}  // namespace livy::internal
