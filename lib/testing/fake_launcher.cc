#include <livy/testing/fake_launcher.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "core/json.h"
#include "core/log_slice.h"
#include "testing/fake_driver.h"

namespace livy::testing {

// Tells the observer once that the application has ended, whoever ends it first. Has what it wrote.
class FakeLauncher::ApplicationEnd {
 public:
  ApplicationEnd(ApplicationObserver observer, OutputSink output)
      : output_(std::move(output)), observer_(std::move(observer)) {}

  void Write(std::string_view text) {
    if (output_) output_(text);
    const std::lock_guard lock(mutex_);
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      log_.insert(log_.end() - 1, std::string(line));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
  }

  LogPage Log(int from, int size) const {
    const std::lock_guard lock(mutex_);
    return internal::PageOfLog(log_, from, size);
  }

  void Report(const ApplicationStatus& status) {
    ApplicationObserver observer;
    {
      const std::lock_guard lock(mutex_);
      observer = std::exchange(observer_, nullptr);
    }
    if (observer) observer(status);
  }

 private:
  const OutputSink output_;
  mutable std::mutex mutex_;
  ApplicationObserver observer_;  // Guarded by mutex_. Empty after the end.
  std::vector<std::string> log_ = {"stdout: ", "\nstderr: "};  // Guarded by mutex_.
};

struct FakeLauncher::Shared {
  Interpreter interpreter;

  mutable std::mutex mutex;
  bool answering = true;                              // Guarded by mutex.
  std::optional<Error> failure;                       // Guarded by mutex.
  std::vector<LaunchRequest> launches;                // Guarded by mutex.
  std::vector<std::shared_ptr<ApplicationEnd>> ends;  // Guarded by mutex. One a launch.
};

class FakeLauncher::FakeApplication : public Application {
 public:
  FakeApplication(std::shared_ptr<ApplicationEnd> end, std::unique_ptr<internal::FakeDriver> driver)
      : end_(std::move(end)), driver_(std::move(driver)) {}

  LogPage Log(int from, int size) const override { return end_->Log(from, size); }

  void ForgetSettings() override {}

  std::string Handle() const override { return ""; }

  void Kill() override {
    if (driver_) driver_->Disconnect();
    end_->Report({.state = ApplicationState::kKilled, .reason = "The application was killed."});
  }

 private:
  const std::shared_ptr<ApplicationEnd> end_;
  const std::unique_ptr<internal::FakeDriver> driver_;
};

StatementOutput TextOutput(std::string_view text) {
  return {.data = {{"text/plain", internal::JsonString(text)}}};
}

FakeLauncher::FakeLauncher()
    : FakeLauncher([](const StatementRequest& statement) { return TextOutput(statement.code); }) {}

FakeLauncher::FakeLauncher(Interpreter interpreter) : shared_(std::make_unique<Shared>()) {
  shared_->interpreter = std::move(interpreter);
}

FakeLauncher::~FakeLauncher() = default;

Result<std::unique_ptr<Application>> FakeLauncher::Launch(const LaunchRequest& request,
                                                          ApplicationObserver observer) {
  const ApplicationObserver tell = observer;
  auto end = std::make_shared<ApplicationEnd>(std::move(observer), request.output);
  bool answering = false;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->launches.push_back(request);
    shared_->ends.push_back(end);
    if (shared_->failure) return *shared_->failure;
    answering = shared_->answering && !request.file;
  }
  if (request.file) tell({.state = ApplicationState::kRunning});
  std::unique_ptr<internal::FakeDriver> driver;
  if (answering) {
    driver = std::make_unique<internal::FakeDriver>(request.conf, shared_->interpreter, [end] {
      end->Report({.state = ApplicationState::kFinished, .reason = "The application finished."});
    });
  }
  return std::make_unique<FakeApplication>(std::move(end), std::move(driver));
}

Result<std::unique_ptr<Application>> FakeLauncher::Recover(const std::string&, const std::string&,
                                                           ApplicationObserver) {
  return Error{ErrorCode::kNotFound, "The application ended with its launcher."};
}

void FakeLauncher::StopAnswering() {
  const std::lock_guard lock(shared_->mutex);
  shared_->answering = false;
}

void FakeLauncher::Fail(Error error) {
  const std::lock_guard lock(shared_->mutex);
  shared_->failure = std::move(error);
}

std::vector<LaunchRequest> FakeLauncher::launches() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->launches;
}

void FakeLauncher::Write(std::size_t index, std::string_view lines) {
  if (const std::shared_ptr<ApplicationEnd> application = At(index)) application->Write(lines);
}

std::shared_ptr<FakeLauncher::ApplicationEnd> FakeLauncher::At(std::size_t index) const {
  const std::lock_guard lock(shared_->mutex);
  return index < shared_->ends.size() ? shared_->ends[index] : nullptr;
}

void FakeLauncher::End(std::size_t index, const ApplicationStatus& status) {
  if (const std::shared_ptr<ApplicationEnd> end = At(index)) end->Report(status);
}

}  // namespace livy::testing
