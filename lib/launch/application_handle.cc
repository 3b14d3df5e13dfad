#include "launch/application_handle.h"

#include <sstream>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace livy::internal {
namespace {

// Neither masters nor names of runtimes have it.
constexpr char kSeparator = ';';
constexpr std::size_t kParts = 7;
constexpr const char* kSession = "session";

constexpr std::pair<const char*, SparkTarget> kTargets[] = {
    {"yarn-client", {ClusterKind::kYarn, false}},
    {"yarn-cluster", {ClusterKind::kYarn, true}},
    {"standalone-cluster", {ClusterKind::kStandalone, true}},
    {"kubernetes-cluster", {ClusterKind::kKubernetes, true}},
};

}  // namespace

std::string FormatHandle(const ApplicationHandle& handle) {
  for (const auto& [name, target] : kTargets) {
    if (target != handle.target) continue;
    std::string text = fmt::format("{};{};{};{};{}", name, handle.runtime, handle.master,
                                   handle.app_id, handle.process);
    if (!handle.place.empty())
      text += fmt::format(";{};{}", handle.place, handle.is_session ? kSession : "");
    return text;
  }
  return handle.process;
}

Result<ApplicationHandle> ParseHandle(const std::string& text) {
  if (text.find(kSeparator) == text.npos) return ApplicationHandle{.process = text};
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, kSeparator);)
    parts.push_back(std::move(part));
  parts.resize(kParts);
  for (const auto& [name, target] : kTargets) {
    if (parts[0] != name) continue;
    return ApplicationHandle{.target = target,
                             .runtime = parts[1],
                             .master = parts[2],
                             .app_id = parts[3],
                             .process = parts[4],
                             .place = parts[5],
                             .is_session = parts[6] == kSession};
  }
  return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' is no application.", text)};
}

}  // namespace livy::internal
