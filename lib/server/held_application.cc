#include "server/held_application.h"

#include <utility>

namespace livy::internal {
namespace {

// Ends `last`, which may be null, on the timer's thread, and tells who waits for that.
void EndLater(Timer& timer, Application* last, const std::shared_ptr<std::function<void()>>& gone) {
  timer.After(Clock::Duration::zero(),
              [owned = std::shared_ptr<Application>(last), gone]() mutable {
                owned.reset();
                if (const auto call = std::exchange(*gone, nullptr)) call();
              });
}

}  // namespace

void HeldApplication::Set(std::unique_ptr<Application> application) {
  application_ = std::shared_ptr<Application>(
      application.release(),
      [&timer = timer_, gone = gone_](Application* last) { EndLater(timer, last, gone); });
}

void HeldApplication::Drop(std::function<void()> gone) {
  *gone_ = std::move(gone);
  if (application_ != nullptr) return application_.reset();
  EndLater(timer_, nullptr, gone_);  // One that is set after this ends by itself.
}

bool NoteHandle(const Application& application, std::mutex& mutex, std::string& handle) {
  std::string before;
  {
    const std::lock_guard lock(mutex);
    before = handle;
  }
  std::string now = application.Handle();
  const std::lock_guard lock(mutex);
  if (now.empty() || now == before || handle != before) return false;
  handle = std::move(now);
  return true;
}

}  // namespace livy::internal
