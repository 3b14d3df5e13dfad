#include "http/router.h"

#include <algorithm>
#include <utility>

#include "core/percent.h"

namespace livy::internal {
namespace {

// "a+b%zz" to "a b%zz": what cannot be decoded is left alone.
std::string DecodeLeniently(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int byte = text[at] == '%' ? EscapedByte(text, at) : -1;
    if (byte >= 0) {
      decoded += static_cast<char>(byte);
      at += 2;
    } else {
      decoded += text[at] == '+' ? ' ' : text[at];
    }
  }
  return decoded;
}

// "/a/b" to {"a", "b"}, "/a/" to {"a", ""}, "/" to {""}. A text without a leading slash is one
// segment that no pattern has.
std::vector<std::string_view> SplitPath(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

Target SplitTarget(std::string_view target) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {.path = target};
  return {.path = target.substr(0, mark), .query = target.substr(mark + 1)};
}

std::optional<std::string> QueryValue(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const std::size_t equals = pair.find('=');
    if (DecodeLeniently(pair.substr(0, equals)) != name) continue;
    if (equals == std::string_view::npos) return std::string();
    return DecodeLeniently(pair.substr(equals + 1));
  }
  return std::nullopt;
}

void Router::Add(std::string_view method, std::string_view pattern, int route) {
  Node* node = &root_;
  for (const std::string_view segment : SplitPath(pattern)) {
    std::unique_ptr<Node>& next =
        segment.starts_with(':') ? node->any : node->fixed[std::string(segment)];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  node->methods.emplace_back(method, route);
}

const Router::Node* Router::Walk(const Node* node, const std::vector<std::string>& segments,
                                 std::size_t at, std::vector<std::string>& params) {
  if (at == segments.size()) return node->methods.empty() ? nullptr : node;
  if (const auto fixed = node->fixed.find(segments[at]); fixed != node->fixed.end()) {
    if (const Node* found = Walk(fixed->second.get(), segments, at + 1, params)) return found;
  }
  if (!node->any || segments[at].empty()) return nullptr;
  params.push_back(segments[at]);
  if (const Node* found = Walk(node->any.get(), segments, at + 1, params)) return found;
  params.pop_back();
  return nullptr;
}

Router::Match Router::Find(std::string_view method, std::string_view path) const {
  Match match;
  // Split first and decode then, so that "%2F" stays inside its segment.
  std::vector<std::string> segments;
  if (!path.starts_with('/')) return match;
  for (const std::string_view segment : SplitPath(path)) {
    std::optional<std::string> decoded = PercentDecode(segment.substr(0, segment.find(';')));
    if (!decoded) return match;
    segments.push_back(*std::move(decoded));
  }
  const Node* node = Walk(&root_, segments, 0, match.params);
  if (node == nullptr) {
    match.params.clear();
    return match;
  }
  std::optional<int> as_get;
  for (const auto& [name, route] : node->methods) {
    if (name == method) match.route = route;
    if (name == "GET") as_get = route;
  }
  if (!match.route && method == "HEAD") match.route = as_get;
  if (match.route) return match;
  for (const auto& [name, route] : node->methods) {
    match.allow += match.allow.empty() ? "" : ", ";
    match.allow += name;
  }
  const bool has_head = std::ranges::any_of(
      node->methods, [](const std::pair<std::string, int>& row) { return row.first == "HEAD"; });
  if (as_get && !has_head) match.allow += ", HEAD";
  match.params.clear();
  return match;
}

}  // namespace livy::internal
