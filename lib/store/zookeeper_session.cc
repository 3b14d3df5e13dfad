#include "store/zookeeper_session.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>
#include <zookeeper/zookeeper.h>

#include <fmt/format.h>

namespace livy::internal {
namespace {

void OnEvent(zhandle_t*, int type, int state, const char*, void* context) {
  if (type == ZOO_SESSION_EVENT) static_cast<ZooKeeperLink*>(context)->OnState(state);
}

// The library would write its log to standard error.
void DropLogLine(const char*) {}

int Milliseconds(std::chrono::milliseconds time) {
  return static_cast<int>(
      std::min<std::chrono::milliseconds::rep>(time.count(), std::numeric_limits<int>::max()));
}

zhandle_t* Init(const ZooKeeperStoreOptions& options, ZooKeeperLink& link) {
#ifdef LIVY_ZOOKEEPER_TLS
  if (!options.ca_file.empty()) {
    const std::string files =
        fmt::format("{},{},{}", options.ca_file.string(), options.certificate_file.string(),
                    options.key_file.string());
    zhandle_t* handle =
        zookeeper_init_ssl(options.hosts.c_str(), files.c_str(), OnEvent,
                           Milliseconds(options.session_timeout), nullptr, &link, 0);
    if (handle != nullptr) zoo_set_log_callback(handle, DropLogLine);
    return handle;
  }
#endif
  return zookeeper_init2(options.hosts.c_str(), OnEvent, Milliseconds(options.session_timeout),
                         nullptr, &link, 0, DropLogLine);
}

}  // namespace

void CloseZooKeeper::operator()(_zhandle* handle) const {
  // Ends the session at the server if there is a connection, and the threads in any case.
  (void)zookeeper_close(handle);
}

void ZooKeeperLink::OnState(int state) {
  State now = State::kConnecting;
  if (state == ZOO_CONNECTED_STATE) now = State::kConnected;
  if (state == ZOO_EXPIRED_SESSION_STATE) now = State::kExpired;
  if (state == ZOO_AUTH_FAILED_STATE) now = State::kRefused;
  State before = State::kConnecting;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(state_, now);
  }
  changed_.notify_all();
  Tell(now, before);
}

void ZooKeeperLink::Tell(State state, State before) {
  if (state == before) return;
  const auto write = [&](LogLevel level, std::string_view what) {
    log_.Write(level, "store", fmt::format("{} ZooKeeper at {}", what, hosts_));
  };
  switch (state) {
    case State::kConnecting:
      return write(LogLevel::kWarning, "lost the connection to");
    case State::kConnected:
      return write(LogLevel::kInfo, "connected to");
    case State::kExpired:
      return write(LogLevel::kWarning, "the session has expired at");
    case State::kRefused:
      return write(LogLevel::kError, "the credentials are refused by");
  }
}

ZooKeeperLink::State ZooKeeperLink::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

ZooKeeperLink::State ZooKeeperLink::Wait(Clock& clock, Clock::TimePoint deadline) {
  std::unique_lock lock(mutex_);
  while (state_ == State::kConnecting && clock.Now() < deadline)
    clock.WaitUntil(lock, changed_, deadline);
  return state_;
}

Result<std::shared_ptr<ZooKeeperSession>> ZooKeeperSession::Start(
    const ZooKeeperStoreOptions& options, LogSink& log) {
  std::shared_ptr<ZooKeeperSession> session(new ZooKeeperSession(options, log));
  errno = 0;
  session->handle_.reset(Init(options, session->link_));
  if (session->handle_ == nullptr) {
    // It cannot tell an unknown name from a malformed one.
    return Error{ErrorCode::kUnavailable,
                 fmt::format("ZooKeeper cannot be looked for at '{}': {}.", options.hosts,
                             errno == 0 ? "no such host" : std::strerror(errno))};
  }
  const std::string& credentials = options.credentials;
  if (!credentials.empty()) {
    // It is kept for later connections too. A refusal shows in the requests.
    (void)zoo_add_auth(session->handle(), "digest", credentials.data(),
                       static_cast<int>(credentials.size()), nullptr, nullptr);
  }
  return session;
}

}  // namespace livy::internal
