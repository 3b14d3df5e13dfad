// HeldApplication: the application of a session or batch, as long as that needs it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <livy/launcher.h>

#include "server/timer.h"

namespace livy::internal {

// An application must not end in a call of its own observer, and that is where it is looked at, and
// where those are let go that have it. So whoever lets go last, it ends on the timer's thread. One
// thread at a time; what get() returns may be used, and let go, by any.
class HeldApplication {
 public:
  // `timer` outlives the application.
  explicit HeldApplication(Timer& timer) : timer_(timer) {}

  HeldApplication(const HeldApplication&) = delete;
  HeldApplication& operator=(const HeldApplication&) = delete;

  // To be called once.
  void Set(std::unique_ptr<Application> application);

  // Null before Set() and after Drop().
  const std::shared_ptr<Application>& get() const { return application_; }

  // Lets go of it. `gone` is called by the timer when it has ended, if there was one: then its
  // observer is not being called and will not be.
  void Drop(std::function<void()> gone);

 private:
  Timer& timer_;
  std::shared_ptr<Application> application_ = {};
  // Shared with what ends the application, which is later than Drop().
  std::shared_ptr<std::function<void()>> gone_ = std::make_shared<std::function<void()>>();
};

// Sets `handle`, which `mutex` guards, to the application's; returns whether that is another. An
// application without one leaves it as it is. Of two threads that note at once the first is heard:
// what changes a handle changes the status, too, so that it is noted again.
bool NoteHandle(const Application& application, std::mutex& mutex, std::string& handle);

}  // namespace livy::internal
