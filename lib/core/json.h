// JSON: texts to values and back. The only folder that knows the JSON library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <livy/result.h>

namespace livy::internal {

// A JSON value that was read. Numbers stay the text they were, so that nothing is rounded.
class JsonValue {
 public:
  enum class Type { kNull, kBool, kNumber, kString, kArray, kObject, kRaw };
  using Member = std::pair<std::string, JsonValue>;

  Type type() const { return type_; }
  bool IsNull() const { return type_ == Type::kNull; }

  // Each of these is unset if the value is of another type, or does not fit.
  std::optional<bool> AsBool() const;
  std::optional<int> AsInt() const;
  std::optional<std::int64_t> AsInt64() const;
  std::optional<double> AsDouble() const;
  const std::string* AsString() const;

  // The JSON text of a kRaw value; of a number, its digits.
  const std::string& text() const { return text_; }

  // Empty unless the value is an array or an object.
  const std::vector<JsonValue>& items() const { return items_; }
  const std::vector<Member>& members() const { return members_; }

  // The member of that name, the last if there are several; nullptr if there is none.
  const JsonValue* Find(std::string_view name) const;

  // "a string", "an integer", "null" and so on, for messages.
  std::string_view TypeName() const;

 private:
  friend class JsonBuilder;

  Type type_ = Type::kNull;
  bool bool_ = false;
  std::string text_ = {};
  std::vector<JsonValue> items_ = {};
  std::vector<Member> members_ = {};
};

// A member of `object`; unset if there is none of that name and type.
std::optional<std::string> TextOf(const JsonValue& object, std::string_view name);
std::string TextOrEmpty(const JsonValue& object, std::string_view name);
std::optional<int> IntegerOf(const JsonValue& object, std::string_view name);

struct JsonParseOptions {
  std::size_t depth_max = 64;
  // A member of the outermost object that is kept as JSON text (kRaw) and not taken apart.
  std::string_view raw_member = {};
};

// Reads the first JSON value in `text`, UTF-8 with or without a byte order mark, or UTF-16 with
// one. What follows the value is ignored. Fails with kInvalidArgument, saying where and why.
Result<JsonValue> ParseJson(std::string_view text, const JsonParseOptions& options = {});

// Writes one JSON text, compact, non-ASCII as it is. Invalid UTF-8 in strings becomes U+FFFD, so
// that the text is always valid. For one thread.
class JsonWriter {
 public:
  JsonWriter();
  ~JsonWriter();
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Key(std::string_view name);
  JsonWriter& Null();
  JsonWriter& Bool(bool value);
  JsonWriter& Int(std::int64_t value);
  JsonWriter& Double(double value);  // As "0.5", "1.0"; must be finite.
  JsonWriter& String(std::string_view value);
  JsonWriter& Raw(std::string_view json);  // A complete JSON value as it is.

  // Null if unset.
  JsonWriter& StringOrNull(const std::optional<std::string>& value);
  JsonWriter& Strings(const std::vector<std::string>& values);
  JsonWriter& StringMap(const std::map<std::string, std::string>& values);

  // The text, once the value is complete.
  std::string Take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// `text` as a JSON string, quotes included.
std::string JsonString(std::string_view text);

}  // namespace livy::internal
