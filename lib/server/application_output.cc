#include "server/application_output.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "files/private_file.h"

namespace livy::internal {

ApplicationOutput::ApplicationOutput(const OutputOptions& options, const std::string& tag,
                                     Timer& timer, LogSink& log)
    : tag_(tag),
      timer_(timer),
      sink_(log),
      log_(options.folder.empty() || tag.empty() ? std::filesystem::path() : options.folder / tag,
           options.bytes_max) {}

OutputSink ApplicationOutput::Sink() {
  if (!keeps()) return nullptr;
  return [self = weak_from_this()](std::string_view bytes) {
    if (const auto output = self.lock()) output->Append(bytes);
  };
}

void ApplicationOutput::Append(std::string_view bytes) {
  if (const Result<void> kept = log_.Append(bytes); !kept) {
    sink_.Write(LogLevel::kWarning, "server",
                fmt::format("application={} {}", tag_, kept.error().message));
  }
  std::vector<WaitList::Wake> wakes;
  {
    const std::lock_guard lock(mutex_);
    waiting_.TakeAll(wakes);
  }
  CallAll(wakes);
}

void ApplicationOutput::Finish() {
  (void)log_.Append({});  // Says what is missing at the end, if that can be written now.
  std::vector<WaitList::Wake> wakes;
  {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    waiting_.TakeAll(wakes);
  }
  CallAll(wakes);
}

Result<OutputPage> ApplicationOutput::Read(std::int64_t offset, std::size_t bytes_max) const {
  bool has_ended = false;
  {
    // Before the rest is read: nothing is missed by whoever is told that nothing comes.
    const std::lock_guard lock(mutex_);
    has_ended = has_ended_;
  }
  Result<OutputPage> page = log_.Read(offset, bytes_max);
  if (page) page->ended = has_ended;
  return page;
}

WaitList::Token ApplicationOutput::Await(std::int64_t offset, Clock::Duration timeout,
                                         const WaitList::Wake& wake) {
  const auto add = [&](WaitList::Wake parked) -> WaitList::Token {
    // Append() writes first and then looks who waits, so that none who sees too little is missed.
    const std::lock_guard lock(mutex_);
    const std::int64_t end = log_.end();
    if (has_ended_ || (offset >= 0 && offset < end)) return 0;
    return waiting_.Add(WaitList::kOutput, std::move(parked));
  };
  return Park(weak_from_this(), timer_, timeout, add, wake);
}

WaitList::Wake ApplicationOutput::TakeWaiting(WaitList::Token token) {
  const std::lock_guard lock(mutex_);
  return waiting_.Take(token);
}

void RemoveOutputBut(const std::filesystem::path& folder, const std::set<std::string>& tags) {
  RemoveEntries(folder, [&](const std::string& name) {
    const bool is_ours = name.starts_with("livy-session-") || name.starts_with("livy-batch-");
    return is_ours && !tags.contains(name);
  });
}

}  // namespace livy::internal
