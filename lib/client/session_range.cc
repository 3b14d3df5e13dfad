#include <limits>
#include <utility>

#include <fmt/format.h>

#include <livy/client.h>

#include "client/channel.h"
#include "core/wire_client.h"

namespace livy {

SessionRange::SessionRange(std::shared_ptr<internal::Channel> channel, int page_size)
    : channel_(std::move(channel)), page_size_(page_size) {}

SessionRange::Iterator SessionRange::begin() {
  if (page_.empty() && !last_page_) FetchPage();
  return Iterator(this);
}

// Sessions come and go between two pages: one that is removed makes the next page begin one too
// late, and nothing in the answers tells. The count of all sessions is therefore a hint, and only
// two things are relied on: an empty page is the end, and so is one that has nothing new.
void SessionRange::FetchPage() {
  page_.clear();
  position_ = 0;
  last_page_ = true;  // Until the answer promises more.

  Result<internal::JsonValue> json =
      channel_->Get(fmt::format("/sessions?from={}&size={}", from_, page_size_));
  Result<internal::SessionPage> page =
      json ? internal::DecodeSessionPage(*json) : Result<internal::SessionPage>(json.error());
  if (!page) {
    page_.emplace_back(std::move(page).error());
    return;
  }

  const int received = static_cast<int>(page->sessions.size());
  if (received == 0 || from_ > std::numeric_limits<int>::max() - received) return;
  from_ += received;
  const bool more = page->total < 0 || from_ < page->total;
  for (Result<Session>& session : page->sessions) {
    // A server that cannot page sends the same sessions each time.
    if (session && !seen_.insert(session->id).second) continue;
    page_.push_back(std::move(session));
    if (!page_.back()) return;
  }
  last_page_ = page_.empty() || !more;
}

SessionRange::Iterator::reference SessionRange::Iterator::operator*() const {
  return range_->page_[range_->position_];
}

SessionRange::Iterator& SessionRange::Iterator::operator++() {
  ++range_->position_;
  if (*this == std::default_sentinel && !range_->last_page_) range_->FetchPage();
  return *this;
}

bool SessionRange::Iterator::operator==(std::default_sentinel_t) const {
  return range_->position_ >= range_->page_.size();
}

}  // namespace livy
