#include "core/json.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <rapidjson/encodedstream.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "core/number.h"

namespace livy::internal {
namespace {

using Utf8 = rapidjson::UTF8<char>;
using Buffer = rapidjson::StringBuffer;
using TextWriter = rapidjson::Writer<Buffer>;

rapidjson::SizeType Size(std::string_view text) {
  return static_cast<rapidjson::SizeType>(text.size());
}

// The length of the well-formed UTF-8 sequence at the start of `text`; 0 if there is none.
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const auto follows = [&](std::size_t at, unsigned low, unsigned high) {
    return at < text.size() && byte(at) >= low && byte(at) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1, 0x80, 0xBF) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;  // No surrogates.
    return follows(1, low, high) && follows(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2, 0x80, 0xBF) && follows(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

// Where `text` stops being UTF-8; its size if it never does.
std::size_t ValidPrefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = SequenceLength(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

std::string ReplaceInvalid(std::string_view text) {
  std::string valid;
  while (true) {
    const std::size_t good = ValidPrefix(text);
    valid += text.substr(0, good);
    if (good == text.size()) return valid;
    valid += "\xEF\xBF\xBD";
    text.remove_prefix(good + 1);
  }
}

std::string Position(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t last = before.rfind('\n');
  const std::size_t column = last == before.npos ? before.size() + 1 : before.size() - last;
  return fmt::format("line {}, column {}", line, column);
}

}  // namespace

// Takes RapidJSON's events and makes values of them. Not recursive, so that deep input cannot
// overflow the stack.
class JsonBuilder {
 public:
  using Ch = char;

  JsonBuilder(const JsonParseOptions& options, JsonValue& root) : options_(options), root_(&root) {}

  bool too_deep() const { return too_deep_; }

  bool Null() { return InRaw() ? RawDone(raw_writer_->Null()) : Scalar(JsonValue::Type::kNull); }
  bool Bool(bool value) {
    if (InRaw()) return RawDone(raw_writer_->Bool(value));
    JsonValue* const slot = NewSlot(JsonValue::Type::kBool);
    slot->bool_ = value;
    return true;
  }
  // Numbers arrive as text only: see the parse flags.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    if (InRaw()) return RawDone(raw_writer_->RawValue(text, size, rapidjson::kNumberType));
    NewSlot(JsonValue::Type::kNumber)->text_.assign(text, size);
    return true;
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    if (InRaw()) return RawDone(raw_writer_->String(text, size));
    NewSlot(JsonValue::Type::kString)->text_.assign(text, size);
    return true;
  }
  bool StartObject() {
    if (InRaw()) return Deeper() && raw_writer_->StartObject();
    return Open(JsonValue::Type::kObject);
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    if (InRaw()) return raw_writer_->Key(text, size);
    const std::string_view name(text, size);
    stack_.back()->members_.emplace_back(name, JsonValue());
    if (stack_.size() == 1 && !options_.raw_member.empty() && name == options_.raw_member) {
      raw_buffer_.Clear();
      raw_writer_ = std::make_unique<TextWriter>(raw_buffer_);
    }
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    if (!InRaw()) return Close();
    --raw_depth_;
    return RawDone(raw_writer_->EndObject());
  }
  bool StartArray() {
    if (InRaw()) return Deeper() && raw_writer_->StartArray();
    return Open(JsonValue::Type::kArray);
  }
  bool EndArray(rapidjson::SizeType) {
    if (!InRaw()) return Close();
    --raw_depth_;
    return RawDone(raw_writer_->EndArray());
  }

 private:
  // Far above any real value; it bounds the reader's own stack.
  static constexpr std::size_t kRawDepthMax = 10000;

  bool InRaw() const { return raw_writer_ != nullptr; }

  bool Deeper() {
    too_deep_ = ++raw_depth_ > kRawDepthMax;
    return !too_deep_;
  }

  bool RawDone(bool written) {
    if (raw_depth_ > 0) return written;
    JsonValue& value = stack_.back()->members_.back().second;
    value.type_ = JsonValue::Type::kRaw;
    value.text_.assign(raw_buffer_.GetString(), raw_buffer_.GetSize());
    raw_writer_.reset();
    return written;
  }

  JsonValue* NewSlot(JsonValue::Type type) {
    JsonValue* slot = root_;
    if (!stack_.empty()) {
      JsonValue& parent = *stack_.back();
      slot = parent.type_ == JsonValue::Type::kArray ? &parent.items_.emplace_back()
                                                     : &parent.members_.back().second;
    }
    slot->type_ = type;
    return slot;
  }

  bool Scalar(JsonValue::Type type) {
    NewSlot(type);
    return true;
  }

  bool Open(JsonValue::Type type) {
    too_deep_ = stack_.size() >= options_.depth_max;
    if (too_deep_) return false;
    stack_.push_back(NewSlot(type));
    return true;
  }

  bool Close() {
    stack_.pop_back();
    return true;
  }

  const JsonParseOptions& options_;
  JsonValue* const root_;
  std::vector<JsonValue*> stack_;
  Buffer raw_buffer_;
  std::unique_ptr<TextWriter> raw_writer_;  // Set while inside the raw member.
  std::size_t raw_depth_ = 0;
  bool too_deep_ = false;
};

std::optional<bool> JsonValue::AsBool() const {
  if (type_ != Type::kBool) return std::nullopt;
  return bool_;
}

std::optional<int> JsonValue::AsInt() const {
  if (type_ != Type::kNumber) return std::nullopt;
  return ParseNumber<int>(text_);
}

std::optional<std::int64_t> JsonValue::AsInt64() const {
  if (type_ != Type::kNumber) return std::nullopt;
  return ParseNumber<std::int64_t>(text_);
}

std::optional<double> JsonValue::AsDouble() const {
  if (type_ != Type::kNumber) return std::nullopt;
  return ParseNumber<double>(text_);
}

const std::string* JsonValue::AsString() const {
  return type_ == Type::kString ? &text_ : nullptr;
}

const JsonValue* JsonValue::Find(std::string_view name) const {
  const auto found = std::find_if(members_.rbegin(), members_.rend(),
                                  [&](const Member& member) { return member.first == name; });
  return found == members_.rend() ? nullptr : &found->second;
}

std::string_view JsonValue::TypeName() const {
  switch (type_) {
    case Type::kNull:
      return "null";
    case Type::kBool:
      return "a boolean";
    case Type::kNumber:
      return "a number";
    case Type::kString:
      return "a string";
    case Type::kArray:
      return "an array";
    case Type::kObject:
      return "an object";
    case Type::kRaw:
      return "JSON";
  }
  return "JSON";
}

namespace {

constexpr unsigned kParseFlags =
    rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
    rapidjson::kParseStopWhenDoneFlag | rapidjson::kParseNumbersAsStringsFlag;

bool IsUtf16(std::string_view text) {
  return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

rapidjson::ParseResult Parse(std::string_view text, JsonBuilder& builder) {
  rapidjson::MemoryStream bytes(text.data(), text.size());
  if (!IsUtf16(text)) {
    return rapidjson::Reader().Parse<kParseFlags>(bytes, builder);
  }
  rapidjson::AutoUTFInputStream<unsigned, rapidjson::MemoryStream> decoded(bytes);
  return rapidjson::GenericReader<rapidjson::AutoUTF<unsigned>, Utf8>().Parse<kParseFlags>(decoded,
                                                                                           builder);
}

}  // namespace

std::optional<std::string> TextOf(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.Find(name);
  if (member == nullptr || member->AsString() == nullptr) return std::nullopt;
  return *member->AsString();
}

std::string TextOrEmpty(const JsonValue& object, std::string_view name) {
  return TextOf(object, name).value_or("");
}

std::optional<int> IntegerOf(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.Find(name);
  return member == nullptr ? std::nullopt : member->AsInt();
}

Result<JsonValue> ParseJson(std::string_view text, const JsonParseOptions& options) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  JsonValue root;
  JsonBuilder builder(options, root);
  const rapidjson::ParseResult outcome = Parse(text, builder);
  if (!outcome.IsError()) return root;

  const std::string_view reason =
      builder.too_deep() ? "It is nested too deeply." : rapidjson::GetParseError_En(outcome.Code());
  return Error{ErrorCode::kInvalidArgument, fmt::format("The JSON text is wrong at {}: {}",
                                                        Position(text, outcome.Offset()), reason)};
}

struct JsonWriter::Impl {
  Buffer buffer;
  TextWriter writer{buffer};
};

JsonWriter::JsonWriter() : impl_(std::make_unique<Impl>()) {}
JsonWriter::~JsonWriter() = default;

JsonWriter& JsonWriter::BeginObject() {
  impl_->writer.StartObject();
  return *this;
}

JsonWriter& JsonWriter::EndObject() {
  impl_->writer.EndObject();
  return *this;
}

JsonWriter& JsonWriter::BeginArray() {
  impl_->writer.StartArray();
  return *this;
}

JsonWriter& JsonWriter::EndArray() {
  impl_->writer.EndArray();
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  impl_->writer.Key(name.data(), Size(name));
  return *this;
}

JsonWriter& JsonWriter::Null() {
  impl_->writer.Null();
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  impl_->writer.Bool(value);
  return *this;
}

JsonWriter& JsonWriter::Int(std::int64_t value) {
  impl_->writer.Int64(value);
  return *this;
}

JsonWriter& JsonWriter::Double(double value) {
  impl_->writer.Double(value);
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view value) {
  if (ValidPrefix(value) == value.size()) {
    impl_->writer.String(value.data(), Size(value));
  } else {
    const std::string valid = ReplaceInvalid(value);
    impl_->writer.String(valid.data(), Size(valid));
  }
  return *this;
}

JsonWriter& JsonWriter::Raw(std::string_view json) {
  impl_->writer.RawValue(json.data(), json.size(), rapidjson::kObjectType);
  return *this;
}

JsonWriter& JsonWriter::StringOrNull(const std::optional<std::string>& value) {
  return value ? String(*value) : Null();
}

JsonWriter& JsonWriter::Strings(const std::vector<std::string>& values) {
  BeginArray();
  for (const std::string& value : values)
    String(value);
  return EndArray();
}

JsonWriter& JsonWriter::StringMap(const std::map<std::string, std::string>& values) {
  BeginObject();
  for (const auto& [name, value] : values)
    Key(name).String(value);
  return EndObject();
}

std::string JsonWriter::Take() {
  std::string text(impl_->buffer.GetString(), impl_->buffer.GetSize());
  impl_->buffer.Clear();
  impl_->writer.Reset(impl_->buffer);
  return text;
}

std::string JsonString(std::string_view text) {
  JsonWriter writer;
  writer.String(text);
  return writer.Take();
}

}  // namespace livy::internal
