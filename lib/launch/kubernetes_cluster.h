// KubernetesCluster: applications in cluster mode on Kubernetes, as its API server tells of the
// pods that their drivers run in.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <livy/launcher.h>

#include "core/json.h"
#include "launch/cluster.h"
#include "launch/cluster_http.h"

namespace livy::internal {

// The API server's URL in "k8s://https://host:port"; https where there is no scheme.
std::string ApiServerOf(std::string_view master);

// Whether it may be one: letters, digits and hyphens.
bool IsNamespace(std::string_view name);

// Finds drivers by the tag of their launch, in the namespace that is the key's place.
class KubernetesCluster : public Cluster {
 public:
  // `log_lines_max`: of a driver's log.
  KubernetesCluster(std::string url, KubernetesOptions options, int log_lines_max);

  Result<Reports> Ask(const std::vector<ClusterKey>& keys) override;
  Result<void> Kill(const ClusterReport& application) override;
  Result<std::string> DriverLog(const ClusterReport& application) override;
  void BreakOff() override { http_.BreakOff(); }
  std::string Describe() const override;

 private:
  Result<void> AskSome(const std::vector<ClusterKey>& keys, std::size_t begin, std::size_t end,
                       Reports& reports);
  void AddIngress(const JsonValue& pod, ClusterReport& report);
  Result<std::vector<JsonValue>> List(const std::string& target, std::string_view what);
  Result<HttpResponse> Send(HttpRequest request, std::string_view what);
  Result<HttpResponse> Exchange(HttpRequest request);
  Error Refusal(const HttpResponse& answer, std::string_view what) const;

  const KubernetesOptions options_;
  const int log_lines_max_;
  ClusterHttp http_;
  // By the pods' identities: why there is no ingress; empty: there is one.
  std::map<std::string, std::string> ingresses_ = {};
};

}  // namespace livy::internal
