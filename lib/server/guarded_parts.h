// Parts that an embedder has written, so that what they throw ends where it was thrown: they are
// called on threads of ours, the timer's among them, that nothing else would survive.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <livy/access_manager.h>
#include <livy/launcher.h>
#include <livy/log.h>

#include "server/guarded.h"

namespace livy::internal {

// All are as safe to use from several threads as what they stand for, which outlives them.

// What cannot be written is lost: there is nobody to tell.
class GuardedLogSink : public LogSink {
 public:
  explicit GuardedLogSink(LogSink& log) : log_(log) {}

  void Write(LogLevel level, std::string_view domain, std::string_view message) override {
    const Result<bool> written = Guarded([&]() -> Result<bool> {
      log_.Write(level, domain, message);
      return true;
    });
    (void)written;
  }

 private:
  LogSink& log_;
};

// Calls `call`; what it throws is a warning, and `otherwise` the answer.
template <typename T, typename Call>
T AnswerOr(T otherwise, std::string_view part, LogSink& log, const Call& call) {
  Result<T> answer = Guarded([&]() -> Result<T> { return call(); });
  if (answer) return *std::move(answer);
  log.Write(LogLevel::kWarning, "server",
            std::string(part) + " has thrown: " + answer.error().message);
  return otherwise;
}

// The same for what answers nothing.
template <typename Call>
void CallGuarded(std::string_view part, LogSink& log, const Call& call) {
  AnswerOr(false, part, log, [&] {
    call();
    return true;
  });
}

// Who cannot be judged may not.
class GuardedAccessManager : public AccessManager {
 public:
  GuardedAccessManager(const AccessManager& access, LogSink& log) : access_(access), log_(log) {}

  bool MayUse(const User& user) const override {
    return Ask([&] { return access_.MayUse(user); });
  }
  bool MayView(const User& user, const Ownership& session) const override {
    return Ask([&] { return access_.MayView(user, session); });
  }
  bool MayModify(const User& user, const Ownership& session) const override {
    return Ask([&] { return access_.MayModify(user, session); });
  }
  Result<User> ProxyUser(const User& user, const User& wanted) const override {
    return Guarded([&] { return access_.ProxyUser(user, wanted); });
  }

 private:
  template <typename Call>
  bool Ask(const Call& call) const {
    return AnswerOr(false, "The access manager", log_, call);
  }

  const AccessManager& access_;
  LogSink& log_;
};

class GuardedApplication : public Application {
 public:
  GuardedApplication(std::unique_ptr<Application> application, LogSink& log)
      : application_(std::move(application)), log_(log) {}

  LogPage Log(int from, int size) const override {
    return AnswerOr(LogPage(), "An application", log_,
                    [&] { return std::as_const(*application_).Log(from, size); });
  }
  void ForgetSettings() override {
    CallGuarded("An application", log_, [&] { application_->ForgetSettings(); });
  }
  std::string Handle() const override {
    return AnswerOr(std::string(), "An application", log_,
                    [&] { return std::as_const(*application_).Handle(); });
  }
  void Kill() override {
    CallGuarded("An application", log_, [&] { application_->Kill(); });
  }

 private:
  const std::unique_ptr<Application> application_;
  LogSink& log_;
};

// The application that `launch` starts or finds again, guarded; what `launch` throws is kInternal.
template <typename Launch>
Result<std::unique_ptr<Application>> GuardedLaunch(LogSink& log, const Launch& launch) {
  Result<std::unique_ptr<Application>> application = Guarded(launch);
  if (!application) return application.error();
  return std::make_unique<GuardedApplication>(*std::move(application), log);
}

// What the launcher knows of the handle before the launch; kInvalidArgument if there can be none.
inline Result<std::string> HandleFor(const Launcher& launcher, const LaunchRequest& request,
                                     LogSink& log) {
  Result<std::string> handle = Guarded([&] { return launcher.HandleFor(request); });
  if (handle || handle.error().code == ErrorCode::kInvalidArgument) return handle;
  log.Write(LogLevel::kWarning, "server",
            "The launcher has no handle for a launch: " + handle.error().message);
  return std::string();
}

inline void StopLaunching(Launcher& launcher, LogSink& log) {
  CallGuarded("The launcher", log, [&] { launcher.StopLaunching(); });
}

}  // namespace livy::internal
