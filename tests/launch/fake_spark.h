// A stand-in for an installation of Spark: spark-submit is a shell script of the test's.
#pragma once

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <livy/clock.h>
#include <livy/launcher.h>

#include "../scratch.h"

namespace livy::testing {

// An environment variable for as long as this lives. Null: not set.
class Variable {
 public:
  Variable(std::string name, const char* value) : name_(std::move(name)) {
    const char* old = std::getenv(name_.c_str());
    had_old_ = old != nullptr;
    if (had_old_) old_ = old;
    Set(value);
  }
  ~Variable() { Set(had_old_ ? old_.c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void Set(const char* value) {
    if (value == nullptr) {
      unsetenv(name_.c_str());
    } else {
      setenv(name_.c_str(), value, 1);
    }
  }

  std::string name_;
  std::string old_ = {};
  bool had_old_ = false;
};

// SPARK_HOME and a Java below one directory, and an environment that names neither.
class FakeSpark {
 public:
  explicit FakeSpark(const std::string& script) {
    scratch.WriteProgram("spark/bin/spark-submit", script);
    scratch.Write("spark/jars/spark-core_2.12-3.5.7.jar", "");
    scratch.Write("spark/jars/scala-library-2.12.18.jar", "");
    scratch.WriteProgram("java/bin/java", "exit 1");
    scratch.Write("java/release", "IMPLEMENTOR=\"Test\"\nJAVA_VERSION=\"17.0.15\"\n");
  }

  SparkSubmitOptions options() const {
    return {.spark_home = scratch.path() / "spark", .work_dir = scratch.path() / "work"};
  }

  Scratch scratch = {};
  Variable java_home{"JAVA_HOME", (scratch.path() / "java").c_str()};
  Variable spark_home{"SPARK_HOME", nullptr};
  Variable spark_conf_dir{"SPARK_CONF_DIR", nullptr};
  Variable driver_jar{"LIVY_DRIVER_JAR", nullptr};
};

// Whether `condition` comes true in ten seconds. For what cannot be waited for by an event.
inline bool Eventually(const std::function<bool()>& condition) {
  const std::unique_ptr<Clock> clock = MakeSystemClock();
  const Clock::TimePoint deadline = clock->Now() + std::chrono::seconds(10);
  while (!condition()) {
    if (clock->Now() >= deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Remembers what an application's observer was told.
class Recorder {
 public:
  ApplicationObserver observer() {
    return [this](const ApplicationStatus& status) {
      const std::lock_guard lock(mutex_);
      statuses_.push_back(status);
      changed_.notify_all();
    };
  }

  // The final status, or the last there is after ten seconds.
  ApplicationStatus WaitForEnd() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [this] {
      return !statuses_.empty() && statuses_.back().state > ApplicationState::kRunning;
    });
    return statuses_.empty() ? ApplicationStatus{} : statuses_.back();
  }

  std::vector<ApplicationState> states() {
    const std::lock_guard lock(mutex_);
    std::vector<ApplicationState> states;
    for (const ApplicationStatus& status : statuses_)
      states.push_back(status.state);
    return states;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ApplicationStatus> statuses_;  // Guarded by mutex_.
};

}  // namespace livy::testing
