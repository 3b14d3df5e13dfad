// ZooKeeperHost: a real server of ZooKeeper for a test, from the jars of Debian or of Spark.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "../scratch.h"
#include "server_process.h"

namespace livy {

// The class path for ZooKeeper's server; empty if there is none.
inline std::string FindZooKeeper() {
  std::vector<std::filesystem::path> folders = {"/usr/share/java"};
  if (const char* spark = std::getenv("SPARK_HOME")) {
    folders.push_back(std::filesystem::path(spark) / "jars");
  }
  for (const std::filesystem::path& folder : folders) {
    std::string jars;
    bool is_there = false;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      const std::string name = entry.path().filename();
      if (!name.ends_with(".jar")) continue;
      is_there = is_there || name.starts_with("zookeeper-jute");
      for (const std::string_view start :
           {"zookeeper", "slf4j-api", "slf4j-nop", "netty-", "snappy-java", "metrics-core",
            "log4j-", "commons-", "audience-"}) {
        if (name.starts_with(start)) jars += entry.path().string() + ":";
      }
    }
    if (is_there) return jars;
  }
  return {};
}

// The Java to run it with; empty if there is none. One source file is run as it is.
inline std::string FindJava() {
  const char* home = std::getenv("JAVA_HOME");
  return FindProgram("java", fmt::format("{}/bin", home == nullptr ? "" : home));
}

class ZooKeeperHost {
 public:
  ZooKeeperHost() { Start(); }

  // With the same port and what it has stored. Does not sync to the disk: the tests kill the
  // process, not the machine.
  void Start() {
    process_.reset();
    process_ = std::make_unique<ServerProcess>(
        std::vector<std::string>{FindJava(), "-Xmx128m", "-XX:TieredStopAtLevel=1",
                                 "-XX:+UseSerialGC", "-Dzookeeper.forceSync=no", "-cp",
                                 FindZooKeeper(), ZOOKEEPER_HOST, scratch_.path(),
                                 fmt::format("{}", port_)},
        scratch_.path());
    port_ = std::stoi(process_->WaitFor("listening "));
  }
  void Kill() { process_->Kill(); }
  void Stall() { process_->Signal(SIGSTOP); }
  void GoOn() { process_->Signal(SIGCONT); }

  // Ends all sessions, as if their clients had not been heard of for too long.
  void ExpireSessions() {
    process_->Say("expire");
    process_->WaitFor("expired");
  }

  // With all that is below it.
  void Remove(const std::string& path) {
    process_->Say("remove " + path);
    process_->WaitFor("removed");
  }

  std::string DataOf(const std::string& path) {
    process_->Say("get " + path);
    return process_->WaitFor("data ");
  }

  int port() const { return port_; }
  std::string hosts() const { return fmt::format("127.0.0.1:{}", port_); }

 private:
  testing::Scratch scratch_;
  int port_ = 0;
  std::unique_ptr<ServerProcess> process_;
};

}  // namespace livy
