#include <livy/clock.h>

#include <thread>

namespace livy {
namespace {

class SystemClock : public Clock {
 public:
  TimePoint Now() const override { return std::chrono::steady_clock::now(); }

  WallTime Wall() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  }

  void Sleep(Duration period) override { std::this_thread::sleep_for(period); }

  void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                 TimePoint deadline) override {
    if (deadline == TimePoint::max()) {
      changed.wait(lock);  // Some libraries overflow when they convert the latest time point.
    } else {
      changed.wait_until(lock, deadline);
    }
  }
};

}  // namespace

std::unique_ptr<Clock> MakeSystemClock() {
  return std::make_unique<SystemClock>();
}

}  // namespace livy
