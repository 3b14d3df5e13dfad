#include "server/held_application.h"

#include <utility>

namespace livy::internal {

void HeldApplication::Set(std::unique_ptr<Application> application) {
  const auto end = [&timer = timer_, gone = gone_](Application* last) {
    timer.After(Clock::Duration::zero(),
                [owned = std::shared_ptr<Application>(last), gone]() mutable {
                  owned.reset();
                  if (const auto call = std::exchange(*gone, nullptr)) call();
                });
  };
  application_ = std::shared_ptr<Application>(application.release(), end);
}

void HeldApplication::Drop(std::function<void()> gone) {
  *gone_ = std::move(gone);
  if (application_ != nullptr) return application_.reset();
  // One that is set after this ends by itself.
  timer_.After(Clock::Duration::zero(), [gone = gone_] {
    if (const auto call = std::exchange(*gone, nullptr)) call();
  });
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
