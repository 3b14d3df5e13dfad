#include "launch/cluster_http.h"

#include <utility>

#include <fmt/format.h>

#include "http/http_connection.h"

namespace livy::internal {
namespace {

// What a cluster says of some hundred applications.
constexpr std::size_t kAnswerBytesMax = 64 << 20;

}  // namespace

ClusterHttp::ClusterHttp(std::vector<std::string> urls, std::chrono::milliseconds timeout,
                         ClusterFiles files)
    : urls_(std::move(urls)),
      timeout_(timeout),
      files_(std::move(files)),
      connections_(urls_.size()) {}

Result<HttpResponse> ClusterHttp::Send(const HttpRequest& request, const InCharge& in_charge) {
  const std::size_t first = current_;
  Result<HttpResponse> answer = Error{ErrorCode::kUnavailable, "There is no address."};
  for (std::size_t i = 0; i < urls_.size(); ++i) {
    current_ = (first + i) % urls_.size();
    answer = SendTo(current_, request, in_charge);
    if (answer || answer.error().code != ErrorCode::kUnavailable) return answer;
  }
  current_ = first;
  return answer;
}

Result<HttpResponse> ClusterHttp::SendTo(std::size_t index, const HttpRequest& request,
                                         const InCharge& in_charge) {
  std::shared_ptr<Connection>& connection = connections_[index];
  if (connection == nullptr) {
    Result<std::shared_ptr<Connection>> made =
        MakeInterruptible({.url = urls_[index],
                           .ca_file = files_.authorities,
                           .certificate_file = files_.certificate,
                           .key_file = files_.key,
                           .connections_max = 1,
                           .connect_timeout = timeout_,
                           .response_bytes_max = kAnswerBytesMax},
                          interrupt_);
    if (!made) return Error{ErrorCode::kUnavailable, made.error().message};
    connection = *std::move(made);
  }
  Result<HttpResponse> answer = connection->Send(request, timeout_);
  if (!answer) {
    connection.reset();
    return Error{ErrorCode::kUnavailable, answer.error().message};
  }
  if (in_charge(*answer)) return answer;
  ErrorCode code = ErrorCode::kUnavailable;
  if (answer->status == 401 || answer->status == 403) code = ErrorCode::kPermissionDenied;
  if (answer->status == 404) code = ErrorCode::kNotFound;
  // Without the query, which is long and ours.
  const std::string_view target(request.target);
  return Error{code, fmt::format("{} answered {} with status {}.", urls_[index],
                                 target.substr(0, target.find('?')), answer->status)};
}

}  // namespace livy::internal
