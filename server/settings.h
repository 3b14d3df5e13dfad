// Settings: the keys of livy.conf with their values, each taken into what it sets.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <livy/result.h>

#include "core/duration.h"
#include "core/number.h"

namespace livy::app {

using Conf = std::map<std::string, std::string>;

// Deadlines are counted in nanoseconds, of which 64 bits hold some 290 years.
constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24) * 10000;
constexpr std::size_t kGigabyte = std::size_t{1} << 30;

// Keys that other parts of a Livy installation read, or that set what needs no setting here; they
// are no mistake in livy.conf. docs/configuration.md has the reasons.
inline bool HasNoEffect(std::string_view key) {
  static const std::set<std::string_view> kKeys = {
      "livy.rsc.channel.log.level",
      "livy.rsc.client.connect.timeout",
      "livy.rsc.job-cancel.trigger-interval",
      "livy.rsc.launcher.port",
      "livy.rsc.launcher.port.range",
      "livy.rsc.secret.bits",
      "livy.server.heartbeat-watchdog.interval",
      "livy.server.kubernetes.app-lookup.max-failed.times",
      "livy.server.kubernetes.app-lookup.thread-pool.size",
  };
  return kKeys.contains(key) || key.starts_with("livy.client.") ||
         key.starts_with("livy.rsc.rpc.") || key.starts_with("livy.server.session.manage.");
}

// Takes settings by key, remembers the first value that is wrong, and which keys it was not asked
// for.
class Settings {
 public:
  explicit Settings(Conf conf) : conf_(std::move(conf)) {}

  void Take(std::string_view key, std::string& target) {
    if (const std::string* value = Find(key)) target = *value;
  }

  void Take(std::string_view key, bool& target) {
    // As Livy reads it: "true" in any case, and everything else is false.
    if (const std::string* value = Find(key)) target = Lower(*value) == "true";
  }

  template <typename Number>
    requires std::is_integral_v<Number>
  void Take(std::string_view key, Number& target, Number least, Number most) {
    const std::string* value = Find(key);
    if (value == nullptr) return;
    const std::optional<Number> number = internal::ParseNumber<Number>(*value);
    if (!number || *number < least || *number > most) {
      return Fail(key, *value, fmt::format("a number from {} to {}", least, most));
    }
    target = *number;
  }

  void Take(std::string_view key, std::chrono::milliseconds& target,
            std::chrono::milliseconds least = std::chrono::milliseconds(1)) {
    const std::string* value = Find(key);
    if (value == nullptr) return;
    const Result<std::chrono::milliseconds> time = internal::ParseDuration(*value);
    if (!time || *time < least || *time > kLongest) {
      return Fail(key, *value,
                  fmt::format("a time such as 90s or 1h, from {}ms to 10000d", least.count()));
    }
    target = *time;
  }

  void Take(std::string_view key, std::filesystem::path& target) {
    if (const std::string* value = Find(key)) target = *value;
  }

  // A list, split at commas and blanks.
  void Take(std::string_view key, std::vector<std::string>& target) {
    const std::string* value = Find(key);
    if (value == nullptr) return;
    target.clear();
    std::string spaced = *value;
    for (char& c : spaced)
      c = c == ',' ? ' ' : c;
    std::istringstream words(spaced);
    target.assign(std::istream_iterator<std::string>(words), {});
  }

  void Fail(std::string_view key, std::string_view value, std::string_view wanted) {
    FailWith(fmt::format("{} = {}: it must be {}.", key, value, wanted));
  }
  void FailWith(std::string sentence) {
    if (wrong_.empty()) wrong_ = std::move(sentence);
  }

  // What follows `prefix` in the keys that begin with it.
  std::vector<std::string> KeysAfter(std::string_view prefix) const {
    std::vector<std::string> rests;
    for (const auto& [key, value] : conf_) {
      if (key.starts_with(prefix)) rests.push_back(key.substr(prefix.size()));
    }
    return rests;
  }

  bool Has(std::string_view key) const { return conf_.contains(std::string(key)); }

  const std::string& wrong() const { return wrong_; }

  std::vector<std::string> UnknownKeys() const {
    std::vector<std::string> unknown;
    for (const auto& [key, value] : conf_) {
      if (!known_.contains(key) && !HasNoEffect(key)) unknown.push_back(key);
    }
    return unknown;
  }

 private:
  const std::string* Find(std::string_view key) {
    known_.emplace(key);
    const auto found = conf_.find(std::string(key));
    return found == conf_.end() ? nullptr : &found->second;
  }

  static std::string Lower(std::string text) {
    for (char& c : text)
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
  }

  const Conf conf_;
  std::set<std::string, std::less<>> known_;
  std::string wrong_;
};

}  // namespace livy::app
