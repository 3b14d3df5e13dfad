// Interrupt: what makes everybody stop waiting, for good.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

namespace livy::internal {

// Safe to use from several threads.
class Interrupt {
 public:
  Interrupt() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Interrupt() {
    if (event_ >= 0) close(event_);
  }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  void Raise() { eventfd_write(event_, 1); }

  // Readable once it is raised. Negative, and never raised, if there are no descriptors left.
  int fd() const { return event_; }

 private:
  const int event_;
};

}  // namespace livy::internal
