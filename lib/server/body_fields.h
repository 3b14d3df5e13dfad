// BodyFields: the members of a request's body, each asked for by name and type.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <livy/error.h>
#include <livy/result.h>
#include <livy/session.h>

#include "core/json.h"

namespace livy::internal {

// The object that a body is. Fails with kInvalidArgument and what is wrong.
Result<JsonValue> ParseBody(std::string_view body);

// Remembers the first member that is wrong, and which were asked for, so that the rest are unknown.
// Null counts as absent. For one thread.
class BodyFields {
 public:
  // `object` outlives this, and so do the names that are asked for.
  explicit BodyFields(const JsonValue& object) : object_(object) {}

  // A text. Numbers and booleans are taken as they are written, as Livy does. Texts have no zero
  // bytes, which programs' arguments cannot hold; code may have them.
  std::optional<std::string> Text(std::string_view name);
  std::optional<std::string> Code(std::string_view name);

  std::optional<int> Integer(std::string_view name);
  std::optional<int> Integer(std::string_view name, int least, int most);
  std::vector<std::string> Texts(std::string_view name);
  std::map<std::string, std::string> TextMap(std::string_view name);
  std::optional<Kind> KindField(std::string_view name);
  void Ignore(std::string_view name) { Find(name); }

  // What is wrong: the first wrong field, else the first unknown one.
  std::optional<Error> Problem() const;

 private:
  const JsonValue* Find(std::string_view name);
  std::optional<std::string> TextOf(std::string_view name, const JsonValue& value,
                                    std::string_view wanted);
  std::optional<std::string> WithoutZero(std::string_view name, std::optional<std::string> text);
  void Wrong(std::string_view name, std::string_view wanted, const JsonValue& value);
  void Fail(std::string message);

  const JsonValue& object_;
  std::vector<std::string_view> known_ = {};
  std::string wrong_ = {};
};

// What sessions and batches may ask for alike.
template <typename Request>
void TakeSparkWishes(BodyFields& fields, Request& request) {
  request.jars = fields.Texts("jars");
  request.py_files = fields.Texts("pyFiles");
  request.files = fields.Texts("files");
  request.archives = fields.Texts("archives");
  request.driver_memory = fields.Text("driverMemory");
  request.driver_cores = fields.Integer("driverCores");
  request.executor_memory = fields.Text("executorMemory");
  request.executor_cores = fields.Integer("executorCores");
  request.num_executors = fields.Integer("numExecutors");
  request.queue = fields.Text("queue");
  request.name = fields.Text("name");
  request.conf = fields.TextMap("conf");
  request.runtime = fields.Text("runtime");
}

}  // namespace livy::internal
