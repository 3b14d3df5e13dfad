// livy-server: reads its options, puts the parts together, and runs until it is told to stop.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <utility>

#include <fmt/format.h>

#include <livy/livy.h>

#include "options.h"

namespace {

using livy::Result;
using livy::app::Options;

constexpr char kDomain[] = "livy-server";

std::optional<std::string> GetEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

int Fail(const livy::Error& error) {
  fmt::print(stderr, "livy-server: {}\n", error.message);
  return EXIT_FAILURE;
}

// Whoever started the server, such as nohup, wants it to live on.
bool IsIgnored(int signal) {
  struct sigaction action = {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// Signals that end the server are taken by one call of sigwait; all threads inherit the mask.
sigset_t BlockEndingSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    if (signal != SIGHUP || !IsIgnored(signal)) sigaddset(&signals, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // A file that may not grow is the store's trouble.
  return signals;
}

// Each connection takes a descriptor, and each application some. Shells give 1024 by default.
void RaiseDescriptorLimit() {
  constexpr rlim_t kEnough = 65536;
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kEnough) return;
  limit.rlim_cur = std::min(limit.rlim_max, kEnough);
  setrlimit(RLIMIT_NOFILE, &limit);  // What it was will do.
}

Result<Options> ReadOptions(const std::string& conf_file, std::optional<int> port) {
  std::vector<std::string> warnings;
  Result<std::map<std::string, std::string>> conf =
      livy::app::ReadConf(conf_file, GetEnvironment, warnings);
  if (!conf) return conf.error();
  Result<Options> options = livy::app::MakeOptions(*conf, GetEnvironment);
  if (!options) return options.error();
  options->warnings.insert(options->warnings.begin(), warnings.begin(), warnings.end());

  const std::filesystem::path folder = livy::app::ConfFolder(conf_file, GetEnvironment);
  if (!folder.empty()) {
    Result<std::set<std::string>> refused =
        livy::app::ReadBlacklist(folder / "spark-blacklist.conf");
    if (!refused) return refused.error();
    options->server.spark.conf_refused = *std::move(refused);
  }
  if (port) options->server.port = *port;
  return options;
}

// Null: the server keeps its state in memory.
Result<std::unique_ptr<livy::Store>> OpenStore(const Options& options, livy::LogSink& log) {
  using livy::app::StateStore;
  switch (options.state_store) {
    case StateStore::kMemory:
      return nullptr;
    case StateStore::kSqlite:
      return livy::OpenSqliteStore(options.state_file);
    case StateStore::kFiles:
      return livy::OpenFileStore(options.state_folder);
    case StateStore::kZooKeeper:
      return livy::OpenZooKeeperStore(options.zookeeper, log);
    case StateStore::kRedis:
      return livy::OpenRedisStore(options.redis, log);
  }
  return nullptr;
}

// Chooses the implementations of everything that can be replaced.
Result<std::unique_ptr<livy::LivyServer>> StartServer(Options options) {
  std::unique_ptr<livy::LogSink> log = livy::MakeStderrLogSink(options.log_level);
  for (const std::string& warning : options.warnings) {
    log->Write(livy::LogLevel::kWarning, kDomain, warning);
  }
  Result<std::unique_ptr<livy::Launcher>> launcher =
      livy::MakeSparkSubmitLauncher(options.spark_submit, *log);
  if (!launcher) return launcher.error();
  log->Write(livy::LogLevel::kInfo, kDomain, (*launcher)->Describe());
  options.server.launcher = *std::move(launcher);

  Result<std::unique_ptr<livy::Store>> store = OpenStore(options, *log);
  if (!store) return store.error();
  options.server.store = *std::move(store);
  options.server.log = std::move(log);
  return livy::LivyServer::Create(std::move(options.server));
}

int Run(const std::string& conf_file, std::optional<int> port) {
  const sigset_t signals = BlockEndingSignals();
  RaiseDescriptorLimit();
  Result<Options> options = ReadOptions(conf_file, port);
  if (!options) return Fail(options.error());
  const Result<std::unique_ptr<livy::LivyServer>> server = StartServer(*std::move(options));
  if (!server) return Fail(server.error());

  fmt::print("livy-server {} listening on {}\n", LIVY_VERSION, (*server)->url());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  // A second signal ends the process at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  (*server)->Stop();
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "A REST service for Apache Spark: sessions and statements as Apache Livy "
      "serves them.",
      "livy-server");
  app.set_version_flag("--version", std::string("livy-server ") + LIVY_VERSION);
  std::string conf_file;
  app.add_option("--conf", conf_file,
                 "Read this file instead of $LIVY_CONF_DIR/livy.conf (its format and keys: "
                 "docs/configuration.md)")
      ->type_name("FILE");
  std::optional<int> port;
  app.add_option("--port", port, "Listen here instead of at livy.server.port; 0: any free port")
      ->check(CLI::Range(0, 65535))
      ->type_name("PORT");
  app.footer(
      "SPARK_HOME names the Spark to use. The address is printed on standard output once the "
      "server is ready; SIGTERM ends it with its sessions.");
  CLI11_PARSE(app, argc, argv);
  return Run(conf_file, port);
}
