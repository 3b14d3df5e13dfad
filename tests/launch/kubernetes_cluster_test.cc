// An API server of Kubernetes over HTTP, played by servers of the test's.
#include "launch/kubernetes_cluster.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "../scratch.h"
#include "core/percent.h"
#include "http/certificate.h"
#include "launch/kubernetes_ingress.h"
#include "scripted_server.h"

namespace livy::internal {
namespace {

using testing::Json;
using testing::NoUrl;
using testing::Scratch;
using testing::ScriptedServer;
using enum ApplicationState;

constexpr int kLogLines = 200;
const ClusterReport kDriver = {.app_id = "spark-1",
                               .state = kRunning,
                               .location = {.path = "/api/v1/namespaces/apps/pods/pi-driver",
                                            .uid = "uid-1",
                                            .container = "spark-kubernetes-driver"}};

std::string PodJson(std::string_view tag, std::string_view phase, std::string_view role = "driver",
                    std::string_view more_labels = "") {
  return fmt::format(
      R"({{"metadata":{{"name":"{0}-{1}","namespace":"apps","uid":"uid of {0}","labels":{{)"
      R"("spark-app-tag":"{0}","spark-role":"{1}","spark-app-selector":"spark-{0}"{3}}}}},)"
      R"("spec":{{"containers":[{{"name":"spark-kubernetes-driver"}}]}},)"
      R"("status":{{"phase":"{2}"}}}})",
      tag, role, phase, more_labels);
}

HttpResponse PodList(const std::string& pods, std::string_view rest = "") {
  return Json(fmt::format(R"({{"metadata":{{"continue":"{}"}},"items":[{}]}})", rest, pods));
}

HttpResponse Status(int status, std::string_view message) {
  HttpResponse answer = Json(fmt::format(R"({{"kind":"Status","message":"{}"}})", message));
  answer.status = status;
  return answer;
}

std::string Header(const HttpRequest& request, std::string_view name) {
  return std::string(FindHeader(request.headers, name).value_or("none"));
}

TEST_CASE("one question to Kubernetes tells of all applications in a namespace, by their tags") {
  ScriptedServer server([](const HttpRequest&) {
    return PodList(PodJson("tag-2", "Running") + "," + PodJson("tag-3", "Pending"));
  });
  KubernetesCluster cluster(server.url(), {.token = "secret"}, kLogLines);
  const Cluster::Reports reports = cluster
                                       .Ask({{.tag = "tag-1", .place = "apps"},
                                             {.tag = "tag-2", .place = "apps"},
                                             {.tag = "tag-3", .place = "apps"}})
                                       .value();
  REQUIRE(reports.size() == 3);
  CHECK_FALSE(reports[0]);
  CHECK(reports[1]->state == kRunning);
  CHECK(reports[1]->app_id == "spark-tag-2");
  CHECK(
      (reports[1]->location == ClusterLocation{.path = "/api/v1/namespaces/apps/pods/tag-2-driver",
                                               .uid = "uid of tag-2",
                                               .container = "spark-kubernetes-driver"}));
  CHECK(reports[2]->state == kStarting);
  REQUIRE(server.requests().size() == 1);
  const HttpRequest request = server.requests()[0];
  CHECK(PercentDecode(request.target).value() ==
        "/api/v1/namespaces/apps/pods?limit=500&labelSelector="
        "spark-app-tag in (tag-1,tag-2,tag-3),spark-role=driver");
  CHECK(request.target.find(' ') == std::string::npos);
  CHECK(Header(request, "Authorization") == "Bearer secret");
  CHECK(cluster.Describe() == "Kubernetes at " + server.url());
}

TEST_CASE(
    "what Kubernetes tells in several answers is put together, and many tags are asked for "
    "in several questions") {
  ScriptedServer server([](const HttpRequest& request) {
    const bool is_first = request.target.find("&continue=") == std::string::npos;
    return is_first ? PodList(PodJson("a", "Running"), "next/1") : PodList(PodJson("b", "Running"));
  });
  KubernetesCluster cluster(server.url(), {}, kLogLines);
  const auto both = cluster.Ask({{.tag = "a", .place = "apps"}, {.tag = "b", .place = "apps"}});
  CHECK(both.value()[0]);
  CHECK(both.value()[1]);
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[1].target.ends_with("&continue=next%2F1"));
  const std::vector<ClusterKey> keys(250, ClusterKey{.tag = "a", .place = "apps"});
  CHECK(cluster.Ask(keys).value().size() == 250);
  CHECK(server.requests().size() == 2 + 3 * 2);
}

TEST_CASE("a list without an end is no answer") {
  ScriptedServer server([](const HttpRequest&) { return PodList("", "more"); });
  KubernetesCluster cluster(server.url(), {}, kLogLines);
  const auto asked = cluster.Ask({{.tag = "a", .place = "apps"}});
  CHECK(asked.error().message == "The API server's list of pods has no end.");
  CHECK(server.requests().size() == 100);
}

TEST_CASE("what Kubernetes refuses is told with the permission that is missing, and no token") {
  struct Row {
    int status;
    ErrorCode code;
    const char* message;
  };
  const Row rows[] = {
      {401, ErrorCode::kUnauthenticated,
       "{} does not accept our token or certificate (401): what it says"},
      {403, ErrorCode::kPermissionDenied,
       "{} does not allow us to list pods in the namespace apps (403): what it says"},
      {404, ErrorCode::kNotFound, "{} has nothing of the kind (404): what it says"},
      {410, ErrorCode::kUnavailable, "{} answered with status 410: what it says"},
      {500, ErrorCode::kUnavailable, "{} answered /api/v1/namespaces/apps/pods with status 500."},
      {429, ErrorCode::kUnavailable, "{} answered /api/v1/namespaces/apps/pods with status 429."},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status);
    ScriptedServer server([&](const HttpRequest&) { return Status(row.status, "what it says"); });
    KubernetesCluster cluster(server.url(), {.token = "secret"}, kLogLines);
    const auto asked = cluster.Ask({{.tag = "a", .place = "apps"}});
    REQUIRE_FALSE(asked);
    CHECK(asked.error().code == row.code);
    CHECK(asked.error().message == fmt::format(fmt::runtime(row.message), server.url()));
  }
  ScriptedServer nonsense([](const HttpRequest&) { return Json("<html>"); });
  KubernetesCluster cluster(nonsense.url(), {}, kLogLines);
  CHECK(cluster.Ask({{.tag = "a", .place = "apps"}}).error().code == ErrorCode::kUnavailable);
  KubernetesCluster nobody(NoUrl(), {}, kLogLines);
  CHECK(nobody.Ask({{.tag = "a", .place = "apps"}}).error().code == ErrorCode::kUnavailable);
}

TEST_CASE("a server that wants a token and is given none says so") {
  ScriptedServer server([](const HttpRequest&) { return Status(401, "Unauthorized"); });
  KubernetesCluster cluster(server.url(), {.account_dir = "/nowhere"}, kLogLines);
  const auto asked = cluster.Ask({{.tag = "a", .place = "apps"}});
  CHECK(asked.error().message ==
        server.url() + " wants a token or a certificate, and none is given (401): Unauthorized");
  CHECK(Header(server.requests()[0], "Authorization") == "none");
}

TEST_CASE("a file with a token is read for each request, because tokens are replaced") {
  Scratch scratch;
  const std::filesystem::path file = scratch.Write("token", "first\n");
  ScriptedServer server([](const HttpRequest&) { return PodList(""); });
  KubernetesCluster cluster(server.url(), {.token_file = file}, kLogLines);
  CHECK(cluster.Ask({{.tag = "a", .place = "apps"}}));
  scratch.Write("token", "second");
  CHECK(cluster.Ask({{.tag = "a", .place = "apps"}}));
  CHECK(Header(server.requests()[0], "Authorization") == "Bearer first");
  CHECK(Header(server.requests()[1], "Authorization") == "Bearer second");
  std::filesystem::remove(file);
  CHECK(cluster.Ask({{.tag = "a", .place = "apps"}}).error().code == ErrorCode::kUnavailable);
  CHECK(server.requests().size() == 2);
}

TEST_CASE("an API server's certificate is checked, and an authority that was replaced read again") {
  const Certificate certificate = MakeSelfSignedCertificate("localhost").value();
  ScriptedServer server(
      [](const HttpRequest&) { return PodList(""); },
      {.certificate_pem = certificate.certificate_pem, .key_pem = certificate.key_pem});
  Scratch scratch;
  const std::filesystem::path ca_file =
      scratch.Write("ca.pem", MakeSelfSignedCertificate("localhost").value().certificate_pem);
  KubernetesCluster cluster(fmt::format("https://localhost:{}", server.port()),
                            {.ca_file = ca_file}, kLogLines);
  const auto untrusted = cluster.Ask({{.tag = "a", .place = "apps"}});
  REQUIRE_FALSE(untrusted);
  CHECK(untrusted.error().message.ends_with("its certificate cannot be trusted."));
  scratch.Write("ca.pem", certificate.certificate_pem);
  CHECK(cluster.Ask({{.tag = "a", .place = "apps"}}));
}

TEST_CASE("in a pod, the service account is what requests prove themselves by") {
  const Certificate certificate = MakeSelfSignedCertificate("localhost").value();
  ScriptedServer server(
      [](const HttpRequest&) { return PodList(""); },
      {.certificate_pem = certificate.certificate_pem, .key_pem = certificate.key_pem});
  Scratch scratch;
  scratch.Write("token", "the account's");
  scratch.Write("ca.crt", certificate.certificate_pem);
  const std::string url = fmt::format("https://localhost:{}", server.port());
  KubernetesCluster cluster(url, {.account_dir = scratch.path()}, kLogLines);
  CHECK(cluster.Ask({{.tag = "a", .place = "apps"}}));
  KubernetesCluster other(url, {.token = "ours", .account_dir = scratch.path()}, kLogLines);
  CHECK(other.Ask({{.tag = "a", .place = "apps"}}));
  CHECK(Header(server.requests()[0], "Authorization") == "Bearer the account's");
  CHECK(Header(server.requests()[1], "Authorization") == "Bearer ours");
}

TEST_CASE("an application ends with its driver's pod, and not with another of that name") {
  int status = 200;
  ScriptedServer server([&](const HttpRequest&) { return Status(status, "said"); });
  KubernetesCluster cluster(server.url(), {.token = "secret"}, kLogLines);
  CHECK(cluster.Kill(kDriver));
  const HttpRequest request = server.requests().at(0);
  CHECK(request.method == "DELETE");
  CHECK(request.target == "/api/v1/namespaces/apps/pods/pi-driver");
  CHECK(request.body ==
        R"({"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"uid-1"}})");
  for (const int gone : {404, 409}) {
    status = gone;
    CHECK(cluster.Kill(kDriver));
  }
  status = 403;
  const auto refused = cluster.Kill(kDriver);
  CHECK(refused.error().code == ErrorCode::kPermissionDenied);
  CHECK(refused.error().message == server.url() + " does not allow us to delete pods (403): said");
}

TEST_CASE("a driver's log is the end of its container's, and whole lines at that") {
  ScriptedServer server([](const HttpRequest& request) {
    const bool is_much = request.target.find("tailLines=200&") != std::string::npos;
    return HttpResponse{.body = is_much ? std::string(8 << 20, 'x') : "one\ntwo\n"};
  });
  KubernetesCluster cluster(server.url(), {}, kLogLines);
  CHECK(cluster.DriverLog(kDriver).value() == "one\ntwo\n");
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[0].target ==
        "/api/v1/namespaces/apps/pods/pi-driver/log?container=spark-kubernetes-driver"
        "&tailLines=200&limitBytes=8388608");
  CHECK(server.requests()[1].target.find("&tailLines=20&") != std::string::npos);
}

TEST_CASE("a log that is not there or not for us is an error that says so") {
  int status = 404;
  ScriptedServer server([&](const HttpRequest&) { return Status(status, "said"); });
  KubernetesCluster cluster(server.url(), {}, kLogLines);
  CHECK(cluster.DriverLog(kDriver).error().code == ErrorCode::kNotFound);
  status = 403;
  CHECK(cluster.DriverLog(kDriver).error().message ==
        server.url() + " does not allow us to get the logs of pods (pods/log) (403): said");
  KubernetesCluster without(server.url(), {}, 0);
  CHECK_FALSE(without.DriverLog(kDriver));
}

TEST_CASE("links to the logs of executors need the executors' pods") {
  ScriptedServer server([](const HttpRequest&) {
    return PodList(PodJson("a", "Running", "executor", R"(,"spark-exec-id":"10")") + "," +
                   PodJson("a", "Running") + "," +
                   PodJson("a", "Running", "executor", R"(,"spark-exec-id":"2")"));
  });
  KubernetesCluster cluster(server.url(), {.links_to_loki = true, .grafana_url = "http://g"},
                            kLogLines);
  const Cluster::Reports reports = cluster.Ask({{.tag = "a", .place = "apps"}}).value();
  const std::string urls = reports[0]->info.executor_log_urls.value();
  CHECK(urls.starts_with("executor-2#http://g/explore?left="));
  CHECK(urls.find(";executor-10#http://g/explore?left=") != std::string::npos);
  CHECK(
      PercentDecode(reports[0]->info.driver_log_url.value()).value() ==
      R"(http://g/explore?left={"datasource":"loki","queries":[{"refId":"A",)"
      R"("expr":"{namespace=\"apps\",pod=\"a-driver\"}"}],"range":{"from":"now-6h","to":"now"}})");
  CHECK(server.requests()[0].target.find("spark-role") == std::string::npos);
}

TEST_CASE("an ingress is made once for each driver that runs, and leads to its web page") {
  ScriptedServer server([](const HttpRequest& request) {
    if (request.method == "POST") return Status(409, "already exists");
    return PodList(PodJson("a", "Running") + "," + PodJson("b", "Pending"));
  });
  KubernetesCluster cluster(
      server.url(), {.ingress = {.is_created = true, .protocol = "https", .host = "h"}}, kLogLines);
  for (int i = 0; i < 2; ++i) {
    const Cluster::Reports reports =
        cluster.Ask({{.tag = "a", .place = "apps"}, {.tag = "b", .place = "apps"}}).value();
    CHECK(reports[0]->info.spark_ui_url == "https://h/a");
    CHECK_FALSE(reports[1]->info.spark_ui_url);
  }
  REQUIRE(server.requests().size() == 3);
  CHECK(server.requests()[1].target == "/apis/networking.k8s.io/v1/namespaces/apps/ingresses");
}

TEST_CASE("an ingress that cannot be made costs the link, and diagnostics say why") {
  ScriptedServer server([](const HttpRequest& request) {
    if (request.method == "POST") return Status(403, "said");
    return PodList(PodJson("a", "Running"));
  });
  KubernetesCluster cluster(server.url(), {.ingress = {.is_created = true}}, kLogLines);
  for (int i = 0; i < 2; ++i) {
    const Cluster::Reports reports = cluster.Ask({{.tag = "a", .place = "apps"}}).value();
    CHECK_FALSE(reports[0]->info.spark_ui_url);
    CHECK(reports[0]->diagnostics.back() ==
          "\tno ingress: " + server.url() + " does not allow us to create ingresses (403): said");
  }
  CHECK(server.requests().size() == 3);
}

TEST_CASE("an ingress has what ingress-nginx needs, and goes with its pod") {
  const JsonValue pod = ParseJson(PodJson("a", "Running")).value();
  IngressOptions options = {.is_created = true,
                            .class_name = "nginx",
                            .protocol = "https",
                            .host = "h",
                            .nginx_snippet = "gzip off;",
                            .annotations = {{"mine", "1"}}};
  CHECK(IngressFor(pod, "a", options) ==
        R"x({"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{)x"
        R"x("name":"a-driver-svc","labels":{"created-by":"livy","spark-app-tag":"a"},)x"
        R"x("annotations":{"mine":"1",)x"
        R"x("nginx.ingress.kubernetes.io/configuration-snippet":"gzip off;",)x"
        R"x("nginx.ingress.kubernetes.io/rewrite-target":"/$1",)x"
        R"x("nginx.ingress.kubernetes.io/x-forwarded-prefix":"/a"},)x"
        R"x("ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"a-driver",)x"
        R"x("uid":"uid of a","controller":true}]},)x"
        R"x("spec":{"ingressClassName":"nginx",)x"
        R"x("tls":[{"hosts":["h"],"secretName":"spark-cluster-tls"}],)x"
        R"x("rules":[{"host":"h","http":{"paths":[{"path":"/a/?(.*)",)x"
        R"x("pathType":"ImplementationSpecific","backend":{"service":{)x"
        R"x("name":"a-driver-svc","port":{"number":4040}}}}]}}]}})x");
  const std::string plain = IngressFor(pod, "a", {});
  CHECK(plain.find("tls") == std::string::npos);
  CHECK(plain.find("ingressClassName") == std::string::npos);
}

TEST_CASE("the API server is where the master says, by https unless that says otherwise") {
  CHECK(ApiServerOf("k8s://https://a:6443") == "https://a:6443");
  CHECK(ApiServerOf("k8s://https://a:6443/") == "https://a:6443");
  CHECK(ApiServerOf("k8s://a:6443") == "https://a:6443");
  CHECK(ApiServerOf("k8s://http://127.0.0.1:8001") == "http://127.0.0.1:8001");
}

TEST_CASE("only what may be a namespace goes into a path") {
  CHECK(IsNamespace("spark-apps2"));
  for (const char* name : {"", "..", "a/b", "a;b", "Apps", "a b", "a?b"}) {
    CAPTURE(name);
    CHECK_FALSE(IsNamespace(name));
  }
  CHECK_FALSE(IsNamespace(std::string(64, 'a')));
}

}  // namespace
}  // namespace livy::internal
