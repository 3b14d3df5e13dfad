#include "launch/kubernetes_ingress.h"

#include <map>

#include <fmt/format.h>

#include "launch/kubernetes_pod.h"

namespace livy::internal {
namespace {

constexpr int kWebPort = 4040;
constexpr std::size_t kNameBytesMax = 63;
constexpr std::string_view kNginx = "nginx.ingress.kubernetes.io/";

// As Spark names the service, unless the pod's name was chosen by hand.
std::string ServiceOf(const JsonValue& pod) {
  constexpr std::string_view kSuffix = "-svc";
  return MetadataOf(pod, "name").substr(0, kNameBytesMax - kSuffix.size()) + std::string(kSuffix);
}

// Spark's own links begin with the tag (spark.ui.proxyBase); what it is asked for does not.
std::map<std::string, std::string> AnnotationsFor(std::string_view tag,
                                                  const IngressOptions& options) {
  std::map<std::string, std::string> annotations = {
      {fmt::format("{}rewrite-target", kNginx), "/$1"},
      {fmt::format("{}x-forwarded-prefix", kNginx), fmt::format("/{}", tag)}};
  if (!options.nginx_snippet.empty())
    annotations[fmt::format("{}configuration-snippet", kNginx)] = options.nginx_snippet;
  for (const auto& [name, value] : options.annotations)
    annotations[name] = value;
  return annotations;
}

void WriteMetadata(const JsonValue& pod, std::string_view tag, const IngressOptions& options,
                   JsonWriter& json) {
  json.Key("metadata").BeginObject().Key("name").String(ServiceOf(pod));
  json.Key("labels").StringMap({{"created-by", "livy"}, {"spark-app-tag", std::string(tag)}});
  json.Key("annotations").StringMap(AnnotationsFor(tag, options));
  json.Key("ownerReferences").BeginArray().BeginObject();
  json.Key("apiVersion").String("v1").Key("kind").String("Pod");
  json.Key("name").String(MetadataOf(pod, "name")).Key("uid").String(MetadataOf(pod, "uid"));
  json.Key("controller").Bool(true).EndObject().EndArray().EndObject();
}

}  // namespace

std::string IngressFor(const JsonValue& pod, std::string_view tag, const IngressOptions& options) {
  JsonWriter json;
  json.BeginObject();
  json.Key("apiVersion").String("networking.k8s.io/v1").Key("kind").String("Ingress");
  WriteMetadata(pod, tag, options, json);
  json.Key("spec").BeginObject();
  if (!options.class_name.empty()) json.Key("ingressClassName").String(options.class_name);
  if (options.protocol.ends_with('s')) {
    json.Key("tls").BeginArray().BeginObject().Key("hosts").Strings({options.host});
    json.Key("secretName").String(options.tls_secret).EndObject().EndArray();
  }
  json.Key("rules").BeginArray().BeginObject().Key("host").String(options.host);
  json.Key("http").BeginObject().Key("paths").BeginArray().BeginObject();
  json.Key("path").String(fmt::format("/{}/?(.*)", tag));
  json.Key("pathType").String("ImplementationSpecific");
  json.Key("backend").BeginObject().Key("service").BeginObject();
  json.Key("name").String(ServiceOf(pod));
  json.Key("port").BeginObject().Key("number").Int(kWebPort).EndObject();
  json.EndObject().EndObject().EndObject().EndArray().EndObject();
  json.EndObject().EndArray().EndObject().EndObject();
  return json.Take();
}

std::string IngressUrl(std::string_view tag, const IngressOptions& options) {
  return fmt::format("{}://{}/{}", options.protocol, options.host, tag);
}

}  // namespace livy::internal
