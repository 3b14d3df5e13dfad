// Router: finds what serves a method and a path, by path segments.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace livy::internal {

// Splits "/a/b?x=1" into its path and its query, both still percent-encoded.
struct Target {
  std::string_view path = {};
  std::string_view query = {};
};
Target SplitTarget(std::string_view target);

// The first value of `name` in a query such as "from=0&size=10", decoded; nullopt if absent.
// Malformed escapes stay as they are.
std::optional<std::string> QueryValue(std::string_view query, std::string_view name);

// Routes are patterns such as "/sessions/:id/log": a segment ":name" stands for any one segment.
// A fixed segment is preferred to ":name". Each route leads to a number, given by the caller.
// Build it once; then safe to use from several threads.
class Router {
 public:
  struct Match {
    std::optional<int> route = {};         // Unset: not found, or not with this method.
    std::vector<std::string> params = {};  // Decoded, in the pattern's order.
    std::string allow = {};                // If only the method was wrong: "GET, HEAD".
  };

  // "GET" serves "HEAD" too.
  void Add(std::string_view method, std::string_view pattern, int route);

  // `path` is percent-encoded and without a query. Path parameters (";x=y") are ignored. A trailing
  // slash makes another path.
  Match Find(std::string_view method, std::string_view path) const;

 private:
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> fixed = {};
    std::unique_ptr<Node> any = {};
    std::vector<std::pair<std::string, int>> methods = {};
  };

  static const Node* Walk(const Node* node, const std::vector<std::string>& segments,
                          std::size_t at, std::vector<std::string>& params);

  Node root_;
};

}  // namespace livy::internal
