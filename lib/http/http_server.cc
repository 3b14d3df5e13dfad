#include "http/http_server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http/server_connection.h"
#include "http/server_core.h"
#include "http/socket.h"

namespace livy::internal {
namespace {

// How often the pool is asked whether it must grow while tasks wait. A request that finds every
// thread in a handler that blocks waits for one to two of these.
constexpr std::chrono::milliseconds kPoolTick(4);
constexpr std::chrono::milliseconds kSweepShortest(10);
constexpr std::chrono::milliseconds kSweepLongest(500);
constexpr int kAcceptsInARow = 256;

class EpollServer : public HttpServer {
 public:
  EpollServer(std::shared_ptr<ServerCore> core, Listeners listeners)
      : core_(std::move(core)),
        port_(listeners.port),
        listeners_(std::move(listeners.sockets)),
        sweep_period_(SweepPeriod(core_->options)) {}
  ~EpollServer() override { Stop(std::chrono::milliseconds(0)); }

  Result<void> Start();
  int port() const override { return port_; }
  void Stop(std::chrono::milliseconds grace) override;

 private:
  // Deadlines are noticed a quarter late at most.
  static Clock::Duration SweepPeriod(const HttpServerOptions& options) {
    const auto shortest = std::min({options.header_timeout, options.body_timeout,
                                    options.response_timeout, options.keep_alive_timeout});
    return std::clamp(shortest / 4, kSweepShortest, kSweepLongest);
  }

  bool Watch(int fd, void* what) const;
  void Run();
  void TakeEvents(Clock::Duration wait);
  void Accept(const Socket& listener);
  void Add(Socket socket, const sockaddr_storage& address, socklen_t size);
  void PauseAccepting();
  void ResumeAccepting();
  void StopAccepting();
  void ForgetEnded();
  void Sweep(Clock::TimePoint now);
  const Socket* FindListener(const void* what) const;

  const std::shared_ptr<ServerCore> core_;
  const int port_;
  std::vector<Socket> listeners_;
  const Clock::Duration sweep_period_;
  std::mutex stop_mutex_;  // Held by Stop(), so that a second call waits for the first.

  // Of the server's thread; of Stop() once that has ended.
  std::unordered_map<ServerConnection*, std::shared_ptr<ServerConnection>> connections_ = {};
  bool is_paused_ = false;
  bool has_tasks_ = false;
  Clock::TimePoint next_tick_ = {};
  Clock::TimePoint next_sweep_ = {};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_drained_ = false;   // Guarded by mutex_. Stopping, and no connection is left.
  bool is_quitting_ = false;  // Guarded by mutex_.
  std::thread thread_;        // The last member: it uses all others.
};

Result<void> EpollServer::Start() {
  core_->epoll = Socket(::epoll_create1(EPOLL_CLOEXEC));
  core_->wake = Socket(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  bool is_watched = core_->epoll && core_->wake && Watch(core_->wake.fd(), &core_->wake);
  for (Socket& listener : listeners_)
    is_watched = is_watched && Watch(listener.fd(), &listener);
  if (!is_watched) return Error{ErrorCode::kResourceExhausted, "The system has no more files."};
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error&) {
    return Error{ErrorCode::kResourceExhausted, "The system has no more threads."};
  }
  return {};
}

bool EpollServer::Watch(int fd, void* what) const {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = what;
  return ::epoll_ctl(core_->epoll.fd(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void EpollServer::Stop(std::chrono::milliseconds grace) {
  const std::lock_guard stopping(stop_mutex_);
  if (!thread_.joinable()) return;
  core_->is_stopping = true;
  core_->Wake();
  {
    std::unique_lock lock(mutex_);
    const Clock::TimePoint deadline = core_->clock->Now() + grace;
    while (!is_drained_ && core_->clock->Now() < deadline) {
      core_->clock->WaitUntil(lock, changed_, deadline);
    }
    is_quitting_ = true;
  }
  core_->Wake();
  thread_.join();
  for (const auto& entry : connections_)
    entry.second->Cut();
  core_->pool.Drain();
  connections_.clear();
  core_->handler = nullptr;
}

void EpollServer::Run() {
  next_sweep_ = core_->clock->Now() + sweep_period_;
  while (true) {
    TakeEvents(has_tasks_ ? Clock::Duration(kPoolTick) : sweep_period_);
    if (core_->is_stopping) StopAccepting();
    const Clock::TimePoint now = core_->clock->Now();
    if (has_tasks_ && now >= next_tick_) {
      has_tasks_ = core_->pool.Tick();
      next_tick_ = now + kPoolTick;
    }
    if (now >= next_sweep_ || core_->is_stopping) {
      Sweep(now);
      next_sweep_ = now + sweep_period_;
    }
    ForgetEnded();
    const std::lock_guard lock(mutex_);
    if (is_quitting_) return;
    if (core_->is_stopping && connections_.empty()) {
      is_drained_ = true;
      changed_.notify_all();
    }
  }
}

void EpollServer::TakeEvents(Clock::Duration wait) {
  std::array<epoll_event, 256> events;
  const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  const int count = ::epoll_wait(core_->epoll.fd(), events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(timeout));
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == &core_->wake) {
      std::uint64_t wakes = 0;
      if (::read(core_->wake.fd(), &wakes, sizeof(wakes)) < 0) continue;
    } else if (const Socket* listener = FindListener(event.data.ptr)) {
      Accept(*listener);
    } else {
      static_cast<ServerConnection*>(event.data.ptr)->OnEvent(event.events);
    }
  }
  if (count > 0 && !has_tasks_) {
    has_tasks_ = true;
    next_tick_ = core_->clock->Now() + kPoolTick;
  }
}

const Socket* EpollServer::FindListener(const void* what) const {
  const auto found =
      std::ranges::find_if(listeners_, [&](const Socket& listener) { return &listener == what; });
  return found == listeners_.end() ? nullptr : &*found;
}

void EpollServer::Accept(const Socket& listener) {
  for (int i = 0; i < kAcceptsInARow; ++i) {
    sockaddr_storage address = {};
    socklen_t size = sizeof(address);
    Socket socket(::accept4(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size,
                            SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        PauseAccepting();
      }
      return;
    }
    if (connections_.size() < static_cast<std::size_t>(core_->options.connections_max)) {
      Add(std::move(socket), address, size);
    }
  }
}

void EpollServer::Add(Socket socket, const sockaddr_storage& address, socklen_t size) {
  const int on = 1;
  ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  auto connection = std::make_shared<ServerConnection>(
      core_, std::move(socket), AddressText(reinterpret_cast<const sockaddr*>(&address), size));
  connections_.emplace(connection.get(), connection);
  connection->Start();
}

// Without a free descriptor the listening socket would stay readable and this thread would spin.
void EpollServer::PauseAccepting() {
  if (std::exchange(is_paused_, true)) return;
  for (const Socket& listener : listeners_) {
    ::epoll_ctl(core_->epoll.fd(), EPOLL_CTL_DEL, listener.fd(), nullptr);
  }
}

void EpollServer::ResumeAccepting() {
  if (!std::exchange(is_paused_, false)) return;
  for (Socket& listener : listeners_)
    Watch(listener.fd(), &listener);
}

void EpollServer::StopAccepting() {
  is_paused_ = false;
  listeners_.clear();
}

void EpollServer::ForgetEnded() {
  std::vector<ServerConnection*> ended;
  {
    const std::lock_guard lock(core_->mutex);
    ended.swap(core_->ended);
  }
  for (ServerConnection* connection : ended)
    connections_.erase(connection);
}

void EpollServer::Sweep(Clock::TimePoint now) {
  ResumeAccepting();
  for (const auto& entry : connections_) {
    if (core_->is_stopping) entry.second->CloseIfIdle();
    if (entry.second->IsDue(now)) entry.second->OnDeadline(now);
  }
}

}  // namespace

void ServerCore::Wake() const {
  const std::uint64_t one = 1;
  // The only failure is a counter that is full, and then the thread is awake.
  [[maybe_unused]] const ssize_t written = ::write(wake.fd(), &one, sizeof(one));
}

void ServerCore::Forget(ServerConnection* connection) {
  bool is_first = false;
  {
    const std::lock_guard lock(mutex);
    is_first = ended.empty();
    ended.push_back(connection);
  }
  if (is_first) Wake();
}

Result<std::unique_ptr<HttpServer>> HttpServer::Create(const HttpServerOptions& options,
                                                       HttpHandler handler) {
  auto core = std::make_shared<ServerCore>(options, std::move(handler));
  if (!options.certificate_pem.empty() || !options.key_pem.empty()) {
    Result<SslContextPtr> context = MakeServerContext(options.certificate_pem, options.key_pem);
    if (!context) return context.error();
    core->tls = *std::move(context);
  }
  Result<Listeners> listeners = Listen(options.host, options.port);
  if (!listeners) return listeners.error();
  auto server = std::make_unique<EpollServer>(std::move(core), *std::move(listeners));
  if (Result<void> started = server->Start(); !started) return started.error();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace livy::internal
