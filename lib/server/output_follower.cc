#include "server/output_follower.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"

namespace livy::internal {
namespace {

// At once; small beside what a stream may have unsent.
constexpr std::size_t kPieceBytes = 16 << 10;

// So that both sides notice a broken connection.
constexpr std::chrono::seconds kCommentInterval(15);

}  // namespace

OutputFollower::OutputFollower(std::shared_ptr<ApplicationOutput> output,
                               std::shared_ptr<ResponseStream> stream, std::int64_t offset,
                               std::function<std::string()> end_state)
    : output_(std::move(output)),
      stream_(std::move(stream)),
      end_state_(std::move(end_state)),
      offset_(offset) {}

void OutputFollower::Begin() {
  stream_->OnDrained([self = weak_from_this()] {
    if (const auto follower = self.lock()) follower->Serve();
  });
  Serve();
}

void OutputFollower::Stop() {
  WaitList::Token token = 0;
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    token = std::exchange(waiting_, 0);
  }
  if (token != 0) output_->StopAwaiting(token);
}

void OutputFollower::Serve() {
  {
    const std::lock_guard lock(mutex_);
    is_served_again_ = is_served_;
    if (is_stopped_ || std::exchange(is_served_, true)) return;
  }
  while (true) {
    // What is unsent now is followed by a call of OnDrained()'s function.
    while (stream_->unsent() == 0 && WriteNext()) {
    }
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_served_again_, false)) continue;
    is_served_ = false;
    return;
  }
}

// Whether there may be more to write at once.
bool OutputFollower::WriteNext() {
  const Result<OutputPage> page = output_->Read(offset_, kPieceBytes);
  if (!page) {
    stream_->Close();
    return false;
  }
  if (!page->text.empty()) {
    offset_ = page->next;
    is_idle_ = false;
    return stream_->Write(
        fmt::format("id: {}\nevent: output\ndata: {{\"offset\":{},\"text\":{}}}\n\n", page->next,
                    page->offset, JsonString(page->text)));
  }
  if (page->ended) {
    stream_->Write(
        fmt::format("id: end\nevent: end\ndata: {{\"state\":{}}}\n\n", JsonString(end_state_())));
    stream_->Close();
    return false;
  }
  if (is_idle_ && !stream_->Write(": \n\n")) return false;
  is_idle_ = true;
  offset_ = page->next;
  Park();
  return false;
}

void OutputFollower::Park() {
  const WaitList::Token token =
      output_->Await(offset_, kCommentInterval, [self = shared_from_this()] {
        {
          const std::lock_guard lock(self->mutex_);
          self->waiting_ = 0;
        }
        self->Serve();
      });
  bool is_stopped = false;
  {
    const std::lock_guard lock(mutex_);
    is_stopped = is_stopped_;
    if (token != 0 && !is_served_again_) waiting_ = token;
  }
  if (is_stopped && token != 0) output_->StopAwaiting(token);
}

}  // namespace livy::internal
