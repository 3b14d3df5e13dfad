// Launcher: starts Spark applications. Application: one that was started.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <livy/clock.h>
#include <livy/log.h>
#include <livy/result.h>
#include <livy/session.h>

namespace livy {

// Called with what an application writes to its standard output and standard error, as it arrives:
// one call at a time for each application, and before its observer is told of the end. Must not
// block for long, nor throw.
using OutputSink = std::function<void(std::string_view bytes)>;

struct LaunchRequest {
  std::string tag = {};   // Unique over all servers, such as "livy-session-7-x8k2m4qa".
  std::string name = {};  // For people: Spark's application name.
  // All Spark settings. May hold secrets: a launcher keeps them out of command lines and logs.
  std::map<std::string, std::string> conf = {};
  // The program: a jar, or a script in Python or R, as spark-submit takes it. Unset: liblivy's
  // driver program for sessions.
  std::optional<std::string> file = {};
  std::optional<std::string> main_class = {};  // Of `file`; unset: what its manifest says.
  std::vector<std::string> args = {};          // Of the program.
  std::optional<std::string> proxy_user = {};
  std::string runtime = {};  // Which of the launcher's Sparks; empty: its first, nameless one.
  OutputSink output = {};    // Unset: nobody keeps it.
};

enum class ApplicationState { kStarting, kRunning, kFinished, kFailed, kKilled };

// What is known of an application. Final once `state` is kFinished, kFailed or kKilled.
struct ApplicationStatus {
  ApplicationState state = ApplicationState::kStarting;
  std::optional<std::string> app_id = {};  // The cluster's id; unset where there is no cluster.
  AppInfo info = {};
  std::string reason = {};            // Why it ended, such as "spark-submit exited with status 1".
  std::optional<int> exit_code = {};  // Of a process that exited by itself.
  bool is_waiting = false;            // It is not being launched yet, because many others are.

  bool operator==(const ApplicationStatus&) const = default;
};

// Lines of an application's output, in the order and with the headers in which Apache Livy shows
// them: "stdout: ", the lines, "\nstderr: ", the lines. What a program of LaunchRequest::file
// writes to either is one stream, the first.
struct LogPage {
  int from = 0;   // Index of the first line of `lines`.
  int total = 0;  // Lines that are kept, not lines that were ever written.
  std::vector<std::string> lines = {};
};

// One started application. Safe to use from several threads. Destroying it stops watching; it does
// not end the application.
class Application {
 public:
  virtual ~Application() = default;

  // Lines from index `from` on, at most `size`; negative `from`: the last `size` lines; negative
  // `size`: all from there.
  virtual LogPage Log(int from, int size) const = 0;

  // The application has read its settings: what keeps them for it, such as a file with secrets, is
  // removed. Harmless when repeated.
  virtual void ForgetSettings() = 0;

  // What Launcher::Recover() finds it by, in a later server: one line without secrets. Empty if
  // that is not known yet, or it cannot be found again.
  virtual std::string Handle() const = 0;

  // Ends the application with everything it started: politely at first, then by force. Does not
  // block; the end is reported to the observer. Harmless if it has ended.
  virtual void Kill() = 0;
};

// Called when an application's status changes, one call at a time for each application and never
// after the Application is destroyed. Must not block for long, and must not destroy the
// Application.
using ApplicationObserver = std::function<void(const ApplicationStatus&)>;

// The server calls a launcher from several threads at once and with no lock held.
class Launcher {
 public:
  virtual ~Launcher() = default;

  // Starts an application and returns without waiting for it to come up. Fails with kUnavailable
  // if it cannot be started. May call `observer` before it returns.
  virtual Result<std::unique_ptr<Application>> Launch(const LaunchRequest& request,
                                                      ApplicationObserver observer) = 0;

  // What is known of an application's Handle() before Launch() is called with `request`, so that
  // one is found again whose server dies while it launches. Empty if the tag tells as much, or that
  // cannot be told now. Fails with kInvalidArgument if `request` asks for what can never be
  // launched: then who asked is told so, and nothing is stored or launched.
  virtual Result<std::string> HandleFor(const LaunchRequest& /*request*/) const {
    return std::string();
  }

  // Follows an application again that was launched by an earlier server, by its tag and by what its
  // Handle() was: what HandleFor() said, if the server died while it launched. Its earlier output
  // is lost. Fails with kNotFound if it has ended meanwhile, or was never launched; with
  // kUnavailable if that cannot be told now. May call `observer` before it returns.
  virtual Result<std::unique_ptr<Application>> Recover(const std::string& tag,
                                                       const std::string& handle,
                                                       ApplicationObserver observer) = 0;

  // The server is about to leave: what waits to be launched is not launched any more, and what is
  // just being launched is through when this returns.
  virtual void StopLaunching() {}

  // For people and the log: what launches and with which version, such as "Spark 3.5.7 in
  // /opt/...".
  virtual std::string Describe() const = 0;
};

// When a cluster is asked about applications. Cluster managers tell of nothing by themselves.
struct ClusterTimes {
  std::chrono::milliseconds poll_interval = std::chrono::seconds(5);
  std::chrono::milliseconds request_timeout = std::chrono::seconds(10);
  // Until a cluster knows what was launched; then it has failed.
  std::chrono::milliseconds lookup_timeout = std::chrono::seconds(120);
  // What a cluster comes to know after that is ended: how long and how often it is looked for.
  std::chrono::milliseconds leak_timeout = std::chrono::seconds(600);
  std::chrono::milliseconds leak_interval = std::chrono::seconds(60);
};

// How YARN and standalone masters are asked about applications.
struct ClusterOptions {
  // Of YARN's ResourceManagers, or of the web pages of standalone masters; one that does not answer
  // or is on standby is passed over. Empty: what yarn-site.xml in $HADOOP_CONF_DIR or
  // $YARN_CONF_DIR says; port 8080 of the masters.
  std::vector<std::string> resource_manager_urls = {};
  std::vector<std::string> standalone_urls = {};
  std::string user = {};  // Whose name requests to YARN carry; empty: the process's user.
  ClusterTimes times = {};
};

// Another Spark, beside the launcher's first.
struct SparkRuntime {
  std::filesystem::path spark_home = {};  // Empty: the first one's.
  // Of spark-defaults.conf. Empty: that of its Spark; with the first one's Spark, the first one's.
  std::filesystem::path conf_dir = {};
  // Of spark-submit: goes before the process's own, such as JAVA_HOME and HADOOP_CONF_DIR.
  std::map<std::string, std::string> environment = {};
  // As those of ClusterOptions, which are the first one's. Empty: what its Hadoop says; port 8080.
  std::vector<std::string> resource_manager_urls = {};
  std::vector<std::string> standalone_urls = {};
};

// An ingress of Kubernetes for the web page of each driver, at a path that is the application's
// tag, with the annotations that ingress-nginx reads.
struct IngressOptions {
  bool is_created = false;
  std::string class_name = {};  // Empty: the cluster's default.
  std::string protocol = "http";
  std::string host = "localhost";
  std::string tls_secret = "spark-cluster-tls";  // For a protocol that ends with 's'.
  std::string nginx_snippet = {};                // Empty: none.
  std::map<std::string, std::string> annotations = {};
};

// How the API server of Kubernetes is asked about applications in cluster mode. Where it is, is
// what spark.master says after "k8s://", by https unless it says otherwise.
struct KubernetesOptions {
  // What requests prove themselves by: one of both at most. The file is read again for each
  // request. Neither: that of the service account, if this runs in a pod that has one.
  std::string token = {};
  std::filesystem::path token_file = {};
  // PEM. Whose certificates to believe; empty: the service account's authority, else the system's.
  std::filesystem::path ca_file = {};
  std::filesystem::path certificate_file = {};  // To show to the API server, with its key.
  std::filesystem::path key_file = {};
  // Where a pod has its service account's token and the authority for it.
  std::filesystem::path account_dir = "/var/run/secrets/kubernetes.io/serviceaccount";
  // The driver program of sessions, where pods find it, such as "local:///opt/livy-driver.jar".
  // Empty: Spark uploads it to spark.kubernetes.file.upload.path.
  std::string driver_jar = {};
  // The container of a pod that Spark's driver is in, if not the one that Spark names itself.
  std::string container_name = "spark-container";
  // Whether containers beside that one do not count: neither for a driver that has ended while they
  // run on, nor when they fail.
  bool judges_by_container = true;
  // Pods may wait for their nodes and images.
  ClusterTimes times = {.lookup_timeout = std::chrono::seconds(600)};
  // Links for people. The history server shows what has ended; empty: no link.
  std::string history_url = {};
  bool links_to_loki = false;  // To the logs that Loki has, as Grafana shows them.
  std::string grafana_url = "http://localhost:3000";
  std::string loki_datasource = "loki";
  std::string loki_time_range = "6h";
  IngressOptions ingress = {};
};

struct SparkSubmitOptions {
  std::filesystem::path spark_home = {};  // Empty: $SPARK_HOME.
  std::filesystem::path work_dir = {};    // For properties files and the driver's jar; created
                                          // with mode 0700. Empty: $XDG_CACHE_HOME/livy or
                                          // ~/.cache/livy.
  int log_lines_max = 200;                // Kept of each of stdout and stderr.
  int log_line_bytes_max = 16384;         // Longer lines are cut.
  std::chrono::milliseconds kill_grace = std::chrono::seconds(5);  // From SIGTERM to SIGKILL.
  // Processes of spark-submit at once, but for those that are the drivers of sessions and have
  // connected. Further launches wait for their turn, up to as many as the second says.
  int submits_max = 100;
  int submits_waiting_max = 10000;
  ClusterOptions cluster = {};
  // By name, which has letters, digits, '-' and '_'. With some, $SPARK_HOME may be unset: then
  // there are no others.
  std::map<std::string, SparkRuntime> runtimes = {};
  KubernetesOptions kubernetes = {};
};

// Starts applications by spark-submit, each in a process group of its own, and follows those that
// run on YARN, or in cluster mode on Kubernetes or a standalone master, there. Checks at once that
// there is a Spark and a Java that run. Fails with kInvalidArgument and what is missing otherwise.
// `log` outlives the launcher.
Result<std::unique_ptr<Launcher>> MakeSparkSubmitLauncher(const SparkSubmitOptions& options,
                                                          LogSink& log);

}  // namespace livy
