#include "server/body_fields.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace livy::internal {
namespace {

Error Invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

std::optional<std::string> AsText(const JsonValue& value) {
  if (value.AsString() != nullptr) return *value.AsString();
  if (value.type() == JsonValue::Type::kNumber) return value.text();
  if (const std::optional<bool> flag = value.AsBool()) return *flag ? "true" : "false";
  return std::nullopt;
}

}  // namespace

Result<JsonValue> ParseBody(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == body.npos) {
    return Invalid("No content to map due to end-of-input");
  }
  Result<JsonValue> json = ParseJson(body);
  if (json && json->type() != JsonValue::Type::kObject) {
    return Invalid(fmt::format("The body must be a JSON object, not {}", json->TypeName()));
  }
  return json;
}

std::optional<std::string> BodyFields::Text(std::string_view name) {
  const JsonValue* value = Find(name);
  if (value == nullptr) return std::nullopt;
  return WithoutZero(name, TextOf(name, *value, "a string"));
}

std::optional<std::string> BodyFields::Code(std::string_view name) {
  const JsonValue* value = Find(name);
  if (value == nullptr) return std::nullopt;
  return TextOf(name, *value, "a string");
}

std::optional<int> BodyFields::Integer(std::string_view name) {
  const JsonValue* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->AsInt()) Wrong(name, "a 32-bit integer", *value);
  return value->AsInt();
}

std::optional<int> BodyFields::Integer(std::string_view name, int least, int most) {
  const std::optional<int> number = Integer(name);
  if (!number || (*number >= least && *number <= most)) return number;
  Fail(fmt::format("Field \"{}\": expected a number from {} to {}, got {}", name, least, most,
                   *number));
  return std::nullopt;
}

std::vector<std::string> BodyFields::Texts(std::string_view name) {
  std::vector<std::string> texts;
  const JsonValue* value = Find(name);
  if (value == nullptr) return texts;
  if (value->type() != JsonValue::Type::kArray) Wrong(name, "a list of strings", *value);
  for (const JsonValue& item : value->items()) {
    texts.push_back(WithoutZero(name, TextOf(name, item, "a list of strings")).value_or(""));
  }
  return texts;
}

std::map<std::string, std::string> BodyFields::TextMap(std::string_view name) {
  std::map<std::string, std::string> texts;
  const JsonValue* value = Find(name);
  if (value == nullptr) return texts;
  if (value->type() != JsonValue::Type::kObject) Wrong(name, "an object of strings", *value);
  for (const auto& [key, item] : value->members()) {
    const std::string path = fmt::format("{}.{}", name, key);
    texts[key] = WithoutZero(path, TextOf(path, item, "a string")).value_or("");
  }
  return texts;
}

std::optional<Kind> BodyFields::KindField(std::string_view name) {
  const JsonValue* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->AsString() == nullptr) {
    Fail("requirement failed: Kind should be a string.");
    return std::nullopt;
  }
  const std::optional<Kind> kind = ParseKind(*value->AsString());
  if (!kind) Fail(fmt::format("Invalid kind: {}", *value->AsString()));
  return kind;
}

std::optional<Error> BodyFields::Problem() const {
  if (!wrong_.empty()) return Invalid(wrong_);
  for (const auto& [name, value] : object_.members()) {
    if (std::ranges::find(known_, name) != known_.end()) continue;
    return Invalid(
        fmt::format("Unrecognized field \"{}\", not marked as ignorable "
                    "({} known properties: \"{}\")",
                    name, known_.size(), fmt::join(known_, "\", \"")));
  }
  return std::nullopt;
}

const JsonValue* BodyFields::Find(std::string_view name) {
  known_.push_back(name);
  const JsonValue* value = object_.Find(name);
  return value == nullptr || value->IsNull() ? nullptr : value;
}

std::optional<std::string> BodyFields::TextOf(std::string_view name, const JsonValue& value,
                                              std::string_view wanted) {
  std::optional<std::string> text = AsText(value);
  if (!text) Wrong(name, wanted, value);
  return text;
}

std::optional<std::string> BodyFields::WithoutZero(std::string_view name,
                                                   std::optional<std::string> text) {
  if (text && text->find('\0') != text->npos) {
    Fail(fmt::format("Field \"{}\": a zero byte at {}", name, text->find('\0')));
  }
  return text;
}

void BodyFields::Wrong(std::string_view name, std::string_view wanted, const JsonValue& value) {
  Fail(fmt::format("Field \"{}\": expected {}, got {}", name, wanted, value.TypeName()));
}

void BodyFields::Fail(std::string message) {
  if (wrong_.empty()) wrong_ = std::move(message);
}

}  // namespace livy::internal
