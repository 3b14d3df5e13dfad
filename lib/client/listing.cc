#include <limits>
#include <utility>

#include <fmt/format.h>

#include <livy/client.h>

#include "client/channel.h"
#include "core/wire_client.h"

namespace livy {
namespace {

template <typename Item>
constexpr const char* kPath = "/sessions";
template <>
constexpr const char* kPath<Batch> = "/batches";

}  // namespace

template <typename Item>
Listing<Item>::Listing(std::shared_ptr<internal::Channel> channel, int page_size)
    : channel_(std::move(channel)), page_size_(page_size) {}

template <typename Item>
void Listing<Item>::Advance() {
  ++position_;
  if (position_ >= page_.size() && !last_page_) FetchPage();
}

// Sessions come and go between two pages: one that is removed makes the next page begin one too
// late, and nothing in the answers tells. The count of all sessions is therefore a hint, and only
// two things are relied on: an empty page is the end, and so is one that has nothing new.
template <typename Item>
void Listing<Item>::FetchPage() {
  page_.clear();
  position_ = 0;
  last_page_ = true;  // Until the answer promises more.

  Result<internal::JsonValue> json =
      channel_->Get(fmt::format("{}?from={}&size={}", kPath<Item>, from_, page_size_));
  Result<internal::PageOf<Item>> page =
      json ? internal::DecodePage<Item>(*json) : Result<internal::PageOf<Item>>(json.error());
  if (!page) {
    page_.emplace_back(std::move(page).error());
    return;
  }

  const int received = static_cast<int>(page->items.size());
  if (received == 0 || from_ > std::numeric_limits<int>::max() - received) return;
  from_ += received;
  const bool more = page->total < 0 || from_ < page->total;
  for (Result<Item>& item : page->items) {
    // A server that cannot page sends the same ones each time.
    if (item && !seen_.insert(item->id).second) continue;
    page_.push_back(std::move(item));
    if (!page_.back()) return;
  }
  last_page_ = page_.empty() || !more;
}

template class Listing<Session>;
template class Listing<Batch>;

}  // namespace livy
