#include "server/batch_manager.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "http/certificate.h"
#include "server/guarded_parts.h"

namespace livy::internal {
namespace {

constexpr std::size_t kTagSuffixBytes = 4;

// Everything but the tag.
Result<LaunchRequest> LaunchFor(const BatchRequest& request, const SparkRules& rules) {
  if (request.file.empty()) {
    return Error{ErrorCode::kInvalidArgument, "requirement failed: File is required."};
  }
  Result<RuntimeChoice> runtime = ChooseRuntime(request.runtime, rules);
  if (!runtime) return runtime.error();
  Result<std::string> file = ResolveUri(request.file, runtime->rules);
  if (!file) return file.error();
  Result<SparkConf> conf = SparkConfFor(request, runtime->rules);
  if (!conf) return conf.error();
  if (request.name) (*conf)["spark.app.name"] = *request.name;
  return LaunchRequest{.name = request.name.value_or(""),
                       .conf = *std::move(conf),
                       .file = *std::move(file),
                       .main_class = request.class_name,
                       .args = request.args,
                       .proxy_user = request.proxy_user,
                       .runtime = std::move(runtime->name)};
}

}  // namespace

BatchManager::BatchManager(BatchManagerOptions options, BatchServices& services, Launcher& launcher)
    : options_(std::move(options)),
      services_(services),
      launcher_(launcher),
      roster_({.noun = "batches",
               .entries_max = options_.limits.batches_max,
               .retain = options_.state_retain},
              services.clock, services.timer, services.store.writer(), services.applications,
              [](BatchSession& batch) { return batch.RemoveFromStore(); }) {}

Result<void> BatchManager::Load() {
  const Result<std::vector<int>> ids = services_.store.ids().Load();
  if (!ids) return ids.error();
  for (const int id : *ids) {
    const Result<void> loaded = LoadBatch(id);
    if (loaded) continue;
    // Not left out for that: nobody would serve it, and its driver would end.
    if (loaded.error().code == ErrorCode::kUnavailable) return loaded;
    services_.log.Write(LogLevel::kError, "server",
                        fmt::format("batch={} is left out: {}", id, loaded.error().message));
  }
  return {};
}

Result<void> BatchManager::LoadBatch(int id) {
  Result<StoredBatch> record = services_.store.Load(id);
  if (!record) return record.error();
  const std::optional<StoredEnd> end = record->end;
  const bool is_livys = record->created == Statement::Time();
  if (!end && is_livys && record->application.empty())
    record->application = HandleByTag(record->app_tag);
  const auto batch = std::make_shared<BatchSession>(*std::move(record), services_);
  roster_.Restore(batch, !end);
  if (end) {
    roster_.RemoveLater(batch, options_.state_retain - (services_.clock.Wall() - end->at));
  } else {
    batch->Recover(launcher_, EndOf(batch));
  }
  return {};
}

// What Apache Livy has stored has no more than a tag. It had one cluster, which is the default
// here.
std::string BatchManager::HandleByTag(const std::string& tag) const {
  const Result<RuntimeChoice> runtime = ChooseRuntime(std::nullopt, options_.spark);
  if (!runtime) return "";
  const Result<SparkConf> conf = SparkConfFor(BatchRequest(), runtime->rules);
  if (!conf) return "";
  const LaunchRequest launch = {.tag = tag, .conf = *conf, .file = "", .runtime = runtime->name};
  return HandleFor(launcher_, launch, services_.log).value_or("");
}

Result<NewBatch> BatchManager::Create(BatchRequest request, User owner, ApplicationPlace place,
                                      const StoredAlong& along) {
  const Result<int> id = services_.store.ids().Take();
  if (!id) return id.error();
  Result<LaunchRequest> launch = LaunchFor(request, options_.spark);
  if (!launch) return launch.error();
  launch->tag = fmt::format("livy-batch-{}-{}", *id, RandomHex(kTagSuffixBytes));
  Result<std::string> handle = HandleFor(launcher_, *launch, services_.log);
  if (!handle) return handle.error();
  if (const Result<void> reserved = roster_.Reserve(request.name, *id); !reserved) {
    return reserved.error();
  }
  const StoredBatch record = {.id = *id,
                              .name = request.name,
                              .app_tag = launch->tag,
                              .owner = std::move(owner),
                              .proxy_user = request.proxy_user,
                              .runtime = launch->runtime,
                              .application = *std::move(handle),
                              .created = services_.clock.Wall()};
  const auto batch = std::make_shared<BatchSession>(record, services_);
  const Result<void> stored =
      services_.store.SaveNew(record, along ? along(*id) : std::vector<StoreChange>());
  if (!stored) {
    roster_.Unreserve(request.name);
    return stored.error();
  }
  roster_.Insert(batch);
  place.Keep();
  return NewBatch{.batch = batch, .launch = *std::move(launch)};
}

void BatchManager::Launch(const NewBatch& created) {
  created.batch->Start(launcher_, created.launch, EndOf(created.batch));
}

std::function<void()> BatchManager::EndOf(const std::shared_ptr<BatchSession>& batch) {
  return [this, weak = std::weak_ptr(batch)] {
    if (const auto ended = weak.lock()) roster_.OnEnded(ended);
  };
}

void BatchManager::Delete(const std::shared_ptr<BatchSession>& batch, std::string_view why,
                          std::function<void(const Result<bool>&)> removed) {
  batch->Stop(why);
  batch->AwaitEnd([this, batch, removed = std::move(removed)] { removed(roster_.Remove(batch)); });
}

void BatchManager::StopAll() {
  roster_.Close();
  for (const auto& batch : roster_.All())
    batch->Stop("the server stopped");
}

void BatchManager::AwaitEnds(Clock::TimePoint deadline) {
  roster_.AwaitEnds(deadline);
  for (const auto& batch : roster_.All()) {
    if (!IsActive(batch->state())) continue;
    services_.log.Write(LogLevel::kWarning, "server",
                        fmt::format("batch={} has not ended in time, and is left", batch->id()));
  }
}

}  // namespace livy::internal
