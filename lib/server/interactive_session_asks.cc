// What InteractiveSession asks its driver outside of the queue of statements.
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "server/interactive_session.h"

namespace livy::internal {
namespace {

// How long a completion may take; it waits for no statement.
constexpr std::chrono::seconds kCompletionTimeout(30);

Error NotActive() {
  return {ErrorCode::kInvalidArgument, "requirement failed: Session isn't active."};
}

}  // namespace

void InteractiveSession::Complete(std::string code, Kind kind, int cursor, Completed completed) {
  using Answer = std::optional<Result<std::vector<std::string>>>;
  Ask(
      &InteractiveSession::completions_, services_.limits.completions_max, kCompletionTimeout,
      [this]() -> Answer {
        if (const Result<void> active = CheckActive(); !active) return active.error();
        if (IsStarting()) return std::vector<std::string>();
        return std::nullopt;
      },
      [&](int id) {
        return CompleteCommand{.id = id, .kind = kind, .code = std::move(code), .cursor = cursor};
      },
      std::move(completed));
}

void InteractiveSession::AddResource(AddCommand command, Added added) {
  Ask(
      &InteractiveSession::additions_, services_.limits.additions_max,
      services_.limits.addition_timeout,
      [this]() -> std::optional<Result<void>> {
        if (!IsActive(state_)) return NotActive();
        return std::nullopt;
      },
      [&](int id) {
        command.id = id;
        return std::move(command);
      },
      std::move(added));
}

Result<void> InteractiveSession::KeepUpload(const std::string& name, std::string_view content) {
  std::shared_ptr<Uploads> uploads;
  {
    const std::lock_guard lock(mutex_);
    if (!IsActive(state_)) return NotActive();
    lease_->Renew();
    uploads = uploads_;
  }
  if (!uploads) return Error{ErrorCode::kUnavailable, "The session has not been started."};
  return uploads->Keep(name, content);
}

Result<std::string> InteractiveSession::ReadUpload(std::string_view name) {
  std::shared_ptr<Uploads> uploads;
  {
    const std::lock_guard lock(mutex_);
    uploads = uploads_;
  }
  if (uploads) return uploads->Read(name);
  return Error{ErrorCode::kNotFound, fmt::format("There is no uploaded file '{}'.", name)};
}

template <typename T, typename Refusal, typename CommandFor>
void InteractiveSession::Ask(PendingAnswers<T> InteractiveSession::* pending, int max,
                             Clock::Duration timeout, Refusal refusal, CommandFor command_for,
                             typename PendingAnswers<T>::Answered answered) {
  const auto late = std::make_shared<TimerCall>(services_.timer);
  std::optional<Result<T>> answer;
  std::optional<int> id;
  {
    const std::lock_guard lock(mutex_);
    answer = refusal();
    if (!answer && commands_ == nullptr) {
      answer = Error{ErrorCode::kUnavailable, "The session has not been started."};
    }
    if (!answer) {
      id = (this->*pending).Add(max, [answered, late](const Result<T>& given) { answered(given); });
    }
    if (id) commands_->Send(command_for(*id));
    lease_->Renew();
  }
  if (!answer && !id) {
    answer = Error{ErrorCode::kResourceExhausted,
                   fmt::format("Session {} has {} such requests under way already.", id_, max)};
  }
  if (answer) return answered(*answer);
  late->After(timeout, [self = weak_from_this(), pending, id, timeout] {
    const auto session = self.lock();
    const auto unanswered = session ? session->TakeAsked(pending, *id) : nullptr;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout).count();
    if (unanswered) {
      unanswered(Error{ErrorCode::kDeadlineExceeded,
                       fmt::format("The driver did not answer in {} s.", seconds)});
    }
  });
}

template <typename T>
typename PendingAnswers<T>::Answered InteractiveSession::TakeAsked(
    PendingAnswers<T> InteractiveSession::* pending, int id) {
  const std::lock_guard lock(mutex_);
  return (this->*pending).Take(id);
}

}  // namespace livy::internal
