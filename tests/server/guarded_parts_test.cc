#include "server/guarded_parts.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

struct Broken : LogSink, AccessManager, Application, Launcher {
  void Write(LogLevel, std::string_view, std::string_view) override { throw Failure(); }
  bool MayUse(const User&) const override { throw Failure(); }
  bool MayView(const User&, const Ownership&) const override { throw Failure(); }
  bool MayModify(const User&, const Ownership&) const override { throw 7; }
  Result<User> ProxyUser(const User&, const User&) const override { throw Failure(); }
  LogPage Log(int, int) const override { throw Failure(); }
  void ForgetSettings() override { throw Failure(); }
  std::string Handle() const override { throw Failure(); }
  void Kill() override { throw Failure(); }
  Result<std::unique_ptr<Application>> Launch(const LaunchRequest& request,
                                              ApplicationObserver) override {
    if (request.name.empty()) throw Failure();
    return std::make_unique<Broken>();
  }
  Result<std::string> HandleFor(const LaunchRequest&) const override { throw Failure(); }
  void StopLaunching() override { throw Failure(); }
  Result<std::unique_ptr<Application>> Recover(const std::string&, const std::string&,
                                               ApplicationObserver) override {
    throw Failure();
  }
  std::string Describe() const override { return "broken"; }

  static std::runtime_error Failure() { return std::runtime_error("broken"); }
};

struct Lines : LogSink {
  void Write(LogLevel, std::string_view, std::string_view message) override {
    lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

TEST_CASE("what a part throws ends there, and is told once") {
  Broken broken;
  Lines log;
  GuardedLogSink(broken).Write(LogLevel::kInfo, "server", "lost");

  const GuardedAccessManager access(broken, log);
  CHECK_FALSE(access.MayUse({}));
  CHECK_FALSE(access.MayView({}, {}));
  CHECK(log.lines == std::vector<std::string>(2, "The access manager has thrown: broken"));
  CHECK_FALSE(access.MayModify({}, {}));
  CHECK(log.lines.size() == 3);
  CHECK(access.ProxyUser({}, {}).error() == Error{ErrorCode::kInternal, "broken"});

  CHECK(HandleFor(broken, {}, log).value().empty());
  CHECK(log.lines.back() == "The launcher has no handle for a launch: broken");
  StopLaunching(broken, log);
  CHECK(log.lines.back() == "The launcher has thrown: broken");
  CHECK_FALSE(GuardedLaunch(log, [&] { return broken.Launch({}, nullptr); }));
  const auto application =
      GuardedLaunch(log, [&] { return broken.Launch({.name = "a"}, nullptr); }).value();
  log.lines.clear();
  CHECK(application->Log(0, 1).lines.empty());
  CHECK(application->Handle().empty());
  application->ForgetSettings();
  application->Kill();
  CHECK(log.lines == std::vector<std::string>(4, "An application has thrown: broken"));
}

}  // namespace
}  // namespace livy::internal
