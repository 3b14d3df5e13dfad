#include "server/batch_store.h"

#include <utility>

#include <fmt/format.h>

#include "core/json.h"
#include "server/stored_records.h"

namespace livy::internal {
namespace {

std::string KeyOf(int id) {
  return fmt::format("v1/batch/{}", id);
}

Error Wrong(std::string message) {
  return {ErrorCode::kInternal, std::move(message)};
}

}  // namespace

std::string ToStored(const StoredBatch& batch) {
  JsonWriter json;
  json.BeginObject().Key("id").Int(batch.id).Key("name").StringOrNull(batch.name);
  json.Key("appId").StringOrNull(batch.app_id).Key("appTag").String(batch.app_tag);
  json.Key("owner").StringOrNull(batch.owner).Key("proxyUser").StringOrNull(batch.proxy_user);
  json.Key("version").Int(1);
  json.Key("liblivy").BeginObject().Key("application").String(batch.application);
  json.Key("created").Int(batch.created.time_since_epoch().count());
  if (!batch.runtime.empty()) json.Key("runtime").String(batch.runtime);
  if (batch.end) WriteEnd(*batch.end, json);
  json.EndObject().EndObject();
  return json.Take();
}

Result<StoredBatch> BatchFromStored(int id, std::string_view text) {
  const Result<JsonValue> json = ParseJson(text);
  if (!json) return Wrong(json.error().message);
  const JsonValue* const stored_id = json->Find("id");
  if (stored_id == nullptr || stored_id->AsInt() != id) {
    return Wrong("It is not the record of this batch.");
  }
  StoredBatch batch = {.id = id,
                       .name = TextOf(*json, "name"),
                       .app_id = TextOf(*json, "appId"),
                       .app_tag = TextOf(*json, "appTag").value_or(""),
                       .owner = TextOf(*json, "owner"),
                       .proxy_user = TextOf(*json, "proxyUser")};
  const JsonValue* const ours = json->Find("liblivy");
  if (ours == nullptr) return batch;
  batch.runtime = TextOf(*ours, "runtime").value_or("");
  batch.application = TextOf(*ours, "application").value_or("");
  batch.created = TimeOf(*ours, "created");
  batch.end = EndOf(*ours);
  return batch;
}

Result<StoredBatch> BatchStore::Load(int id) const {
  const Result<std::optional<std::string>> text = store_.Get(KeyOf(id));
  if (!text) return text.error();
  return BatchFromStored(id, text->value_or(""));
}

Result<void> BatchStore::SaveNew(const StoredBatch& batch, std::vector<StoreChange> along) {
  along.push_back({.key = KeyOf(batch.id), .value = ToStored(batch)});
  return store_.ApplyNew(along);
}

Result<void> BatchStore::Save(const StoredBatch& batch) {
  return store_.ApplyOrOwe({{.key = KeyOf(batch.id), .value = ToStored(batch)}});
}

Result<void> BatchStore::Remove(int id) {
  return store_.Apply({{.key = KeyOf(id)}});
}

}  // namespace livy::internal
