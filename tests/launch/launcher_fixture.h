// A launcher whose spark-submit is a script of the test's.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include <livy/launcher.h>
#include <livy/log.h>

#include "fake_spark.h"

namespace livy::testing {

struct LauncherFixture {
  explicit LauncherFixture(const std::string& script) : spark(script) {}

  Launcher& launcher() {
    if (launcher_ == nullptr) launcher_ = MakeSparkSubmitLauncher(options, *log).value();
    return *launcher_;
  }

  std::unique_ptr<Application> Launch(const LaunchRequest& request = {}) {
    return launcher().Launch(request, recorder.observer()).value();
  }

  void End() { launcher_.reset(); }

  // Files in the directory for work that hold settings.
  std::size_t PropertiesFiles() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options.work_dir))
      count += entry.path().extension() == ".properties" ? 1 : 0;
    return count;
  }

  FakeSpark spark;
  SparkSubmitOptions options = spark.options();
  std::unique_ptr<LogSink> log = MakeNullLogSink();
  Recorder recorder = {};

 private:
  std::unique_ptr<Launcher> launcher_ = {};
};

}  // namespace livy::testing
