#include "launch/process_watcher.h"

#include <array>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "launch/own_thread.h"

namespace livy::internal {
namespace {

constexpr int kEventsAtOnceMax = 64;
constexpr std::size_t kReadBytes = 65536;
// A pipe holds no more (/proc/sys/fs/pipe-max-size); all else was written after the child's end.
constexpr std::size_t kLastOutputBytesMax = 1 << 20;

// An event carries the child's id and, in the lowest bits, which of its descriptors it is about.
constexpr int kSourceBits = 2;
constexpr std::uint64_t kStopEvent = 0;  // Ids begin at 1.

Error SystemError(std::string_view what) {
  return Error{ErrorCode::kUnavailable,
               fmt::format("Cannot watch processes: {}: {}.", what, std::strerror(errno))};
}

// The kernel's struct pidfd_info and its request, which headers have from Linux 6.13 on.
struct PidfdInfo {
  std::uint64_t mask = 0;
  std::uint64_t cgroup = 0;
  std::array<std::uint32_t, 11> ids = {};
  std::int32_t exit_code = 0;
};
constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);
constexpr std::uint64_t kInfoExit = 1 << 3;

// Has a signal sent to the process's group, even if only others of it are left. From Linux 6.9 on.
constexpr unsigned kToGroup = 1 << 2;

enum class Told { kNever, kNotYet, kNow };

// How a process ended that somebody else reaps. Linux tells from 6.15 on, once it is reaped.
Told AskKernel(const Descriptor& handle, ProcessEnd& end) {
  PidfdInfo info = {.mask = kInfoExit};
  if (ioctl(handle.get(), kGetInfo, &info) != 0) return Told::kNever;
  if ((info.mask & kInfoExit) == 0) return Told::kNotYet;
  const bool has_exited = WIFEXITED(info.exit_code);
  end.kind = has_exited ? ProcessEnd::Kind::kExited : ProcessEnd::Kind::kSignaled;
  end.number = has_exited ? WEXITSTATUS(info.exit_code) : WTERMSIG(info.exit_code);
  return Told::kNow;
}

// Does not reap: the child keeps its number. Of other processes nothing is known.
ProcessEnd Inspect(const Descriptor& handle) {
  siginfo_t info = {};
  if (waitid(P_PIDFD, static_cast<id_t>(handle.get()), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid == 0) {
    return ProcessEnd{};
  }
  return ProcessEnd{
      .kind = info.si_code == CLD_EXITED ? ProcessEnd::Kind::kExited : ProcessEnd::Kind::kSignaled,
      .number = info.si_status};
}

// Whether or not it is a child of ours, and is reaped.
bool HasEnded(const Descriptor& handle) {
  pollfd end = {.fd = handle.get(), .events = POLLIN, .revents = 0};
  return poll(&end, 1, 0) == 1;
}

void Reap(const Descriptor& handle) {
  siginfo_t info = {};
  waitid(P_PIDFD, static_cast<id_t>(handle.get()), &info, WEXITED | WNOHANG);
}

// A child is not reaped before it is out of the map, so the number is still its own. An adopted
// process is asked for first, because its parent may have reaped it.
void Signal(const ChildProcess& child, int signal) {
  if (child.is_adopted && syscall(SYS_pidfd_send_signal, child.handle.get(), 0, nullptr, 0) != 0) {
    return;
  }
  kill(-child.pid, signal);
}

Descriptor StartTimer(std::chrono::milliseconds period) {
  Descriptor timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  itimerspec setting = {};
  setting.it_value.tv_sec = period.count() / 1000;
  setting.it_value.tv_nsec = period.count() % 1000 * 1000000;
  if (period.count() <= 0) setting.it_value.tv_nsec = 1;  // Zero would stop the timer.
  if (timer.is_open()) timerfd_settime(timer.get(), 0, &setting, nullptr);
  return timer;
}

}  // namespace

struct ProcessWatcher::Watched {
  Id id = 0;
  ProcessListener* listener = nullptr;  // Guarded by mutex_. Null once it is forgotten.
  std::shared_ptr<PrivateFile> settings = {};
  ChildProcess child = {};      // The streams are for the watcher's thread.
  Descriptor grace = {};        // Guarded by mutex_. A timer.
  bool kill_requested = false;  // Guarded by mutex_.
  bool awaits_parent = false;   // Guarded by mutex_. It has ended, and is not reaped.
};

Result<std::unique_ptr<ProcessWatcher>> ProcessWatcher::Create(
    std::chrono::milliseconds kill_grace) {
  Descriptor epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return SystemError("epoll");
  Descriptor stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.is_open()) return SystemError("eventfd");
  epoll_event event = {.events = EPOLLIN, .data = {.u64 = kStopEvent}};
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, stop.get(), &event) != 0) return SystemError("epoll");

  std::unique_ptr<ProcessWatcher> watcher(
      new ProcessWatcher(std::move(epoll), std::move(stop), kill_grace));
  Result<std::thread> thread = StartThread([raw = watcher.get()] { raw->Run(); });
  if (!thread) return thread.error();
  watcher->thread_ = *std::move(thread);
  return watcher;
}

ProcessWatcher::ProcessWatcher(Descriptor epoll, Descriptor stop,
                               std::chrono::milliseconds kill_grace)
    : epoll_(std::move(epoll)), stop_(std::move(stop)), kill_grace_(kill_grace) {}

ProcessWatcher::~ProcessWatcher() {
  if (thread_.joinable()) {
    assert(thread_.get_id() != std::this_thread::get_id());
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  // A child that has ended meanwhile would stay a zombie as long as this process runs.
  for (const auto& [id, watched] : watched_) {
    const bool has_ended = HasEnded(watched->child.handle);
    Reap(watched->child.handle);
    if (!has_ended && watched->settings != nullptr) watched->settings->Leave();
  }
}

Result<ProcessWatcher::Id> ProcessWatcher::Watch(ChildProcess child, ProcessListener& listener,
                                                 std::shared_ptr<PrivateFile> settings) {
  auto watched = std::make_shared<Watched>();
  watched->listener = &listener;
  watched->settings = std::move(settings);
  watched->child = std::move(child);

  // Held until all is registered, so that the thread, which takes it for each event, sees a whole.
  const std::lock_guard lock(mutex_);
  const Id id = ++last_id_;
  watched->id = id;
  const bool has_streams = !watched->child.is_adopted;
  if ((!has_streams ||
       (Add(watched->child.out, id, Source::kOut) &&
        (!watched->child.err.is_open() || Add(watched->child.err, id, Source::kErr)))) &&
      Add(watched->child.handle, id, Source::kEnd)) {
    watched_.emplace(id, std::move(watched));
    return id;
  }
  const Error error = SystemError("epoll");
  if (has_streams) {
    kill(-watched->child.pid, SIGKILL);
    waitpid(watched->child.pid, nullptr, 0);  // Returns soon: nothing can withstand SIGKILL.
  }
  Remove(watched->child.out);
  Remove(watched->child.err);
  return error;
}

void ProcessWatcher::Kill(Id id) {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(id);
  if (found == watched_.end() || found->second->kill_requested) return;
  Watched& watched = *found->second;
  watched.kill_requested = true;
  Signal(watched.child, SIGTERM);
  watched.grace = StartTimer(kill_grace_);
  // Without a timer there can be no grace.
  if (!watched.grace.is_open() || !Add(watched.grace, id, Source::kGrace))
    Signal(watched.child, SIGKILL);
}

void ProcessWatcher::Forget(Id id) {
  std::unique_lock lock(mutex_);
  const auto found = watched_.find(id);
  // A child that has just been reaped is no longer in the map while its last call is in progress.
  const Watched* watched = found == watched_.end() ? calling_ : found->second.get();
  if (watched == nullptr || watched->id != id) return;
  if (found != watched_.end()) found->second->listener = nullptr;
  if (thread_.get_id() == std::this_thread::get_id()) return;
  while (calling_ == watched)
    called_.wait(lock);
}

void ProcessWatcher::Run() {
  pthread_setname_np(pthread_self(), "livy-processes");
  std::array<epoll_event, kEventsAtOnceMax> events = {};
  while (true) {
    const int count = epoll_wait(epoll_.get(), events.data(), kEventsAtOnceMax, -1);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t data = events[static_cast<std::size_t>(i)].data.u64;
      if (data == kStopEvent) return;
      Handle(data >> kSourceBits, static_cast<Source>(data & ((1U << kSourceBits) - 1)));
    }
  }
}

void ProcessWatcher::Handle(Id id, Source source) {
  std::shared_ptr<Watched> watched;
  {
    const std::lock_guard lock(mutex_);
    const auto found = watched_.find(id);
    if (found == watched_.end()) return;  // Ended in an earlier event of the same batch.
    watched = found->second;
    if (source == Source::kEnd && AwaitsParent(*watched)) return;
    if (source == Source::kGrace) {
      if (!watched->awaits_parent) Signal(watched->child, SIGKILL);
      if (watched->awaits_parent) source = Source::kEnd;
      Remove(watched->grace);
    }
  }
  if (source == Source::kOut) Read(*watched, OutputStream::kOut);
  if (source == Source::kErr) Read(*watched, OutputStream::kErr);
  if (source == Source::kEnd) Finish(*watched);
}

// Whether how an adopted process has ended will be known when its parent has reaped it. That is
// waited for as long as a kill waits; some parents never do it.
bool ProcessWatcher::AwaitsParent(Watched& watched) {
  ProcessEnd end;
  if (!watched.child.is_adopted || watched.kill_requested || watched.awaits_parent ||
      AskKernel(watched.child.handle, end) != Told::kNotYet) {
    return false;
  }
  watched.grace = StartTimer(kill_grace_);
  if (!watched.grace.is_open() || !Add(watched.grace, watched.id, Source::kGrace)) return false;
  // From now on only that it is reaped is an event.
  epoll_event event = {
      .events = 0,
      .data = {.u64 = watched.id << kSourceBits | static_cast<std::uint64_t>(Source::kEnd)}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, watched.child.handle.get(), &event);
  watched.awaits_parent = true;
  return true;
}

// Reads once and not until the pipe is empty, so that no child keeps the thread from the others.
void ProcessWatcher::Read(Watched& watched, OutputStream stream) {
  Descriptor& pipe = stream == OutputStream::kOut ? watched.child.out : watched.child.err;
  if (!pipe.is_open()) return;
  std::array<char, kReadBytes> buffer;
  const ssize_t count = read(pipe.get(), buffer.data(), buffer.size());
  if (count > 0) {
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
    Call(watched, [&](ProcessListener& listener) { listener.OnOutput(stream, bytes); });
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    Remove(pipe);
  }
}

void ProcessWatcher::Finish(Watched& watched) {
  ProcessEnd end = Inspect(watched.child.handle);
  std::shared_ptr<Watched> last_reference;
  {
    const std::lock_guard lock(mutex_);
    end.kill_requested = watched.kill_requested;
    // If somebody else has reaped the child, its number may belong to others by now.
    if (end.kind != ProcessEnd::Kind::kUnknown) {
      kill(-watched.child.pid, SIGKILL);
    } else {
      syscall(SYS_pidfd_send_signal, watched.child.handle.get(), SIGKILL, nullptr, kToGroup);
    }
    // What was killed on request need not be waited for: see AwaitsParent().
    if (watched.child.is_adopted && !watched.kill_requested) {
      AskKernel(watched.child.handle, end);
    }
    Reap(watched.child.handle);
    Remove(watched.child.handle);
    Remove(watched.grace);
    // From here on Forget() finds it by calling_; no call is skipped or made twice.
    calling_ = &watched;
    last_reference = std::move(watched_.extract(watched.id).mapped());
  }
  watched.settings.reset();
  for (const OutputStream stream : {OutputStream::kOut, OutputStream::kErr}) {
    Descriptor& pipe = stream == OutputStream::kOut ? watched.child.out : watched.child.err;
    std::array<char, kReadBytes> buffer;
    for (std::size_t total = 0; pipe.is_open() && total < kLastOutputBytesMax;) {
      const ssize_t count = read(pipe.get(), buffer.data(), buffer.size());
      if (count <= 0) break;
      total += static_cast<std::size_t>(count);
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
      if (watched.listener != nullptr) watched.listener->OnOutput(stream, bytes);
    }
    Remove(pipe);
  }
  if (watched.listener != nullptr) watched.listener->OnEnd(end);
  {
    const std::lock_guard lock(mutex_);
    calling_ = nullptr;
  }
  called_.notify_all();
}

template <typename Function>
void ProcessWatcher::Call(Watched& watched, const Function& function) {
  ProcessListener* listener = nullptr;
  {
    const std::lock_guard lock(mutex_);
    listener = watched.listener;
    if (listener == nullptr) return;
    calling_ = &watched;
  }
  function(*listener);
  {
    const std::lock_guard lock(mutex_);
    calling_ = nullptr;
  }
  called_.notify_all();
}

bool ProcessWatcher::Add(const Descriptor& descriptor, Id id, Source source) {
  epoll_event event = {.events = EPOLLIN,
                       .data = {.u64 = id << kSourceBits | static_cast<std::uint64_t>(source)}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor.get(), &event) == 0;
}

// Closing alone would not do: a child that is just being spawned has a copy for a moment, and the
// copy would keep the events coming.
void ProcessWatcher::Remove(Descriptor& descriptor) {
  if (!descriptor.is_open()) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor.get(), nullptr);
  descriptor.Close();
}

}  // namespace livy::internal
