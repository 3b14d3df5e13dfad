#include "server/session_settings.h"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/duration.h"
#include "core/number.h"

namespace livy::internal {
namespace {

using std::chrono::milliseconds;

// A request's; what the server keeps of all sessions is its operator's business.
constexpr int kRetainedMax = 10'000;
constexpr milliseconds kLongest = std::chrono::hours(24);
// Also how long a server that stops may have to wait.
constexpr milliseconds kLongestShutdown = std::chrono::minutes(10);

// Takes settings out of a request, and remembers the first that is wrong.
class Reader {
 public:
  explicit Reader(const SessionRequest& request) : conf_(request.conf) {}

  void Take(std::string_view key, int& target, int most) {
    const std::string* value = Find(key);
    if (value == nullptr) return;
    const std::optional<int> number = ParseNumber<int>(*value);
    if (!number || *number < 1 || *number > most) {
      return Fail(key, *value, fmt::format("a number from 1 to {}", most));
    }
    target = *number;
  }

  void Take(std::string_view key, milliseconds& target, milliseconds least, milliseconds most) {
    const std::string* value = Find(key);
    if (value == nullptr) return;
    const Result<milliseconds> time = ParseDuration(*value);
    if (!time || *time < least || *time > most) {
      return Fail(key, *value,
                  fmt::format("a time such as 90s or 1h, from {} to {}", FormatDuration(least),
                              FormatDuration(most)));
    }
    target = *time;
  }

  const std::string& wrong() const { return wrong_; }

 private:
  const std::string* Find(std::string_view key) const {
    const auto found = conf_.find(std::string(key));
    return found == conf_.end() ? nullptr : &found->second;
  }

  void Fail(std::string_view key, std::string_view value, std::string_view wanted) {
    if (wrong_.empty()) wrong_ = fmt::format("{} = {}: it must be {}.", key, value, wanted);
  }

  const std::map<std::string, std::string>& conf_;
  std::string wrong_;
};

}  // namespace

Result<SessionSettings> SettingsFor(const SessionRequest& request, SessionSettings defaults) {
  SessionSettings settings = defaults;
  Reader reader(request);
  const milliseconds none(0);
  const milliseconds some(1);
  reader.Take("livy.rsc.retained-statements", settings.statements_retained_max, kRetainedMax);
  reader.Take("livy.rsc.sql.num-rows", settings.sql_rows_max, kSqlRowsMax);
  reader.Take("livy.rsc.server.connect.timeout", settings.driver_connect_timeout, some, kLongest);
  reader.Take("livy.rsc.client.shutdown-timeout", settings.driver_shutdown_timeout, none,
              kLongestShutdown);
  reader.Take("livy.rsc.job-cancel.timeout", settings.driver_cancel_timeout, some, kLongest);
  reader.Take("livy.rsc.server.idle-timeout", settings.driver_server_lost_timeout, some, kLongest);
  if (!reader.wrong().empty()) return Error{ErrorCode::kInvalidArgument, reader.wrong()};
  return settings;
}

}  // namespace livy::internal
