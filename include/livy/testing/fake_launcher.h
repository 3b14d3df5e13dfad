// FakeLauncher: applications without Spark, for tests of programs that embed a LivyServer.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <livy/launcher.h>
#include <livy/statement.h>

namespace livy::testing {

// A statement's output that is `text` and nothing else.
StatementOutput TextOutput(std::string_view text);

// Each application it "launches" for a session is a thread in this process that dials the server as
// a real driver does and answers statements by calling a function. A batch runs until End(). Safe
// to use from several threads; destroy it after the server.
class FakeLauncher : public Launcher {
 public:
  // What a statement gives. Called on the driver's thread, one statement at a time; a statement of
  // the session is `running` until it returns.
  using Interpreter = std::function<StatementOutput(const StatementRequest& statement)>;

  // Every statement's output is its own code as text.
  FakeLauncher();
  explicit FakeLauncher(Interpreter interpreter);

  ~FakeLauncher() override;

  Result<std::unique_ptr<Application>> Launch(const LaunchRequest& request,
                                              ApplicationObserver observer) override;
  // Fails with kNotFound: its applications end with it.
  Result<std::unique_ptr<Application>> Recover(const std::string& tag, const std::string& handle,
                                               ApplicationObserver observer) override;
  std::string Describe() const override { return "fake applications"; }

  // Applications launched from now on have no driver: their sessions stay `starting`.
  void StopAnswering();

  // Launch() fails with this from now on.
  void Fail(Error error);

  // All requests so far, in order.
  std::vector<LaunchRequest> launches() const;

  // As if an application had written that: lines of its log, and of its output if the server keeps
  // that. `index` counts launches from 0.
  void Write(std::size_t index, std::string_view lines);

  // Ends an application as if it had ended by itself; harmless if it has ended. `index` counts
  // launches from 0.
  void End(std::size_t index, const ApplicationStatus& status);

 private:
  class FakeApplication;
  class ApplicationEnd;
  struct Shared;

  std::shared_ptr<ApplicationEnd> At(std::size_t index) const;

  const std::unique_ptr<Shared> shared_;
};

}  // namespace livy::testing
