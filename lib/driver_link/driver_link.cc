#include "driver_link/driver_link.h"

#include <utility>

#include <fmt/format.h>

#include "core/json.h"

namespace livy::internal {
namespace {

void Refuse(const std::shared_ptr<Exchange>& exchange, int status, std::string_view why) {
  exchange->Send({.status = status,
                  .headers = {{"Content-Type", "application/json;charset=utf-8"}},
                  .body = fmt::format("{{\"msg\":{}}}", JsonString(why))});
}

std::string_view WhyRefused(int status) {
  return status == 404 ? "The session has ended." : "Another driver serves this session.";
}

}  // namespace

void DriverLink::Send(const DriverCommand& command) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  backlog_.push_back({.number = last_number_ < 0 ? 0 : ++last_number_, .command = command});
  // Under the lock, so that commands leave in the order of their numbers. If the stream has broken,
  // the driver will come back and say from where it goes on.
  if (stream_ && !stream_->Write(EncodeCommand(command, last_number_))) stream_.reset();
}

bool DriverLink::connected() const {
  const std::lock_guard lock(mutex_);
  return stream_ != nullptr;
}

int DriverLink::Admit(std::string_view boot) {
  if (closed_) return 404;
  if (boot_.empty()) boot_ = boot;
  return boot_ == boot ? 200 : 409;
}

void DriverLink::ForgetTaken(std::int64_t have) {
  while (!backlog_.empty() && backlog_.front().number > 0 && backlog_.front().number <= have)
    backlog_.pop_front();
}

// A driver that an earlier server has served goes on counting from there.
void DriverLink::NumberBacklog(std::int64_t have) {
  if (last_number_ >= 0) return;
  last_number_ = have;
  for (Numbered& command : backlog_)
    command.number = ++last_number_;
}

void DriverLink::ServeCommands(const std::shared_ptr<Exchange>& exchange, std::string_view boot,
                               std::int64_t have) {
  std::shared_ptr<ResponseStream> mine;
  std::shared_ptr<ResponseStream> old;
  int status = 200;
  {
    const std::lock_guard lock(mutex_);
    status = Admit(boot);
    if (status == 200) {
      NumberBacklog(have);
      ForgetTaken(have);
      std::string lines = EncodeHello(acknowledged_);
      for (const Numbered& command : backlog_)
        lines += EncodeCommand(command.command, command.number);
      mine = exchange->Stream({.headers = {{"Content-Type", "application/x-ndjson"}}});
      old = std::exchange(stream_, mine);
      if (!mine->Write(lines)) stream_.reset();
    }
  }
  if (status != 200) return Refuse(exchange, status, WhyRefused(status));
  if (old) old->Close();
  exchange->OnGone([self = weak_from_this(), gone = std::weak_ptr(mine)] {
    if (const std::shared_ptr<DriverLink> link = self.lock()) link->Forget(gone.lock());
  });
  if (const std::shared_ptr<DriverEventSink> sink = sink_.lock()) sink->OnDriverConnected(boot);
}

void DriverLink::Forget(const std::shared_ptr<ResponseStream>& stream) {
  const std::lock_guard lock(mutex_);
  if (stream_ == stream) stream_.reset();
}

DriverLink::Claim DriverLink::ClaimEvents(std::string_view boot, std::int64_t have,
                                          std::vector<DriverEvent>& events) {
  const std::lock_guard lock(mutex_);
  const int status = Admit(boot);
  if (status != 200) return {.status = status, .why = WhyRefused(status)};
  // The driver repeats a request whose answer was lost while we may still be at its first copy.
  if (applying_) return {.status = 503, .why = "The previous events are still being stored."};
  ForgetTaken(have);
  std::erase_if(events, [&](const DriverEvent& event) { return event.number <= acknowledged_; });
  applying_ = true;
  return {.acknowledged = events.empty() ? acknowledged_ : events.back().number};
}

void DriverLink::ServeEvents(const std::shared_ptr<Exchange>& exchange, std::string_view boot,
                             std::int64_t have) {
  Result<std::vector<DriverEvent>> events = DecodeEvents(exchange->request().body);
  if (!events) return Refuse(exchange, 400, events.error().message);
  const std::shared_ptr<DriverEventSink> sink = sink_.lock();
  if (!sink) return Refuse(exchange, 404, WhyRefused(404));
  const Claim claim = ClaimEvents(boot, have, *events);
  if (claim.status != 200) return Refuse(exchange, claim.status, claim.why);

  const Result<void> stored = events->empty() ? Result<void>() : sink->OnDriverEvents(*events);
  {
    const std::lock_guard lock(mutex_);
    applying_ = false;
    if (stored) acknowledged_ = claim.acknowledged;
  }
  if (!stored) return Refuse(exchange, 503, stored.error().message);
  exchange->Send({.headers = {{"Content-Type", "application/json;charset=utf-8"}},
                  .body = fmt::format("{{\"ack\":{}}}", claim.acknowledged)});
}

void DriverLink::ServeFile(const std::shared_ptr<Exchange>& exchange, std::string_view boot,
                           std::string_view name) {
  int status = 200;
  {
    const std::lock_guard lock(mutex_);
    status = Admit(boot);
  }
  if (status != 200) return Refuse(exchange, status, WhyRefused(status));
  const std::shared_ptr<DriverEventSink> sink = sink_.lock();
  if (!sink) return Refuse(exchange, 404, WhyRefused(404));
  Result<std::string> content = sink->ReadUpload(name);
  if (!content) {
    return Refuse(exchange, content.error().code == ErrorCode::kNotFound ? 404 : 503,
                  content.error().message);
  }
  exchange->Send(
      {.headers = {{"Content-Type", "application/octet-stream"}}, .body = *std::move(content)});
}

void DriverLink::Ping() {
  const std::lock_guard lock(mutex_);
  if (stream_ && !stream_->Write(EncodePing())) stream_.reset();
}

void DriverLink::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  backlog_.clear();
  if (stream_) stream_->Close();
  stream_.reset();
}

}  // namespace livy::internal
