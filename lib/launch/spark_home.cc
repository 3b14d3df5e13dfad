#include "launch/spark_home.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "files/private_file.h"
#include "launch/process.h"

namespace livy::internal {
namespace {

constexpr int kOldestSpark = 3;

Error Missing(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

bool IsProgram(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(file, ignored) && access(file.c_str(), X_OK) == 0;
}

// Chosen as Spark's scripts choose it.
Result<std::filesystem::path> FindJava(const std::map<std::string, std::string>& environment) {
  if (const std::string home = VariableFor("JAVA_HOME", environment); !home.empty()) {
    const std::filesystem::path java = std::filesystem::path(home) / "bin" / "java";
    if (IsProgram(java)) return java;
    return Missing(fmt::format("JAVA_HOME is '{}', where there is no bin/java.", home));
  }
  const std::string path = VariableFor("PATH", environment);
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t end = rest.find(':');
    const std::filesystem::path java = std::filesystem::path(rest.substr(0, end)) / "java";
    if (IsProgram(java)) return java;
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return Missing("Spark needs Java: JAVA_HOME is not set, and there is no java in PATH.");
}

// From the file "release" that every JDK has; empty without one.
std::string JavaVersion(const std::filesystem::path& java) {
  std::error_code ignored;
  const std::filesystem::path real = std::filesystem::canonical(java, ignored);
  const Result<std::string> text = ReadFile(real.parent_path().parent_path() / "release");
  if (!text) return {};
  const Properties properties = ParseProperties(*text);
  const auto found = properties.find("JAVA_VERSION");
  if (found == properties.end()) return {};
  std::string version = found->second;
  std::erase(version, '"');
  return version;
}

// What stands in a jar's name between `prefix` and ".jar".
std::optional<std::string> Version(std::string_view name, std::string_view prefix) {
  constexpr std::string_view kSuffix = ".jar";
  if (!name.starts_with(prefix) || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  name.remove_suffix(kSuffix.size());
  return std::string(name);
}

void ReadVersions(SparkHome& home) {
  std::error_code error;
  std::filesystem::directory_iterator jar(home.directory / "jars", error);
  std::string scala_of_spark;
  for (; !error && jar != std::filesystem::directory_iterator(); jar.increment(error)) {
    const std::string name = jar->path().filename().string();
    // Such as "spark-core_2.12-3.5.7.jar".
    if (const auto versions = Version(name, "spark-core_")) {
      const std::size_t dash = versions->find('-');
      if (dash == std::string::npos) continue;
      scala_of_spark = versions->substr(0, dash);
      home.spark_version = versions->substr(dash + 1);
    } else if (const auto scala = Version(name, "scala-library-")) {
      home.scala_version = *scala;
    }
  }
  if (home.scala_version.empty()) home.scala_version = scala_of_spark;
}

}  // namespace

Result<SparkHome> FindSparkHome(const std::filesystem::path& directory,
                                const std::map<std::string, std::string>& environment) {
  SparkHome home{.directory = directory};
  if (directory.empty()) home.directory = VariableFor("SPARK_HOME", environment);
  if (home.directory.empty()) return Missing("SPARK_HOME is not set: where is Spark?");
  std::error_code ignored;
  if (!std::filesystem::is_directory(home.directory, ignored)) {
    return Missing(
        fmt::format("SPARK_HOME is '{}', which is not a directory.", home.directory.string()));
  }
  home.directory = std::filesystem::absolute(home.directory, ignored);
  if (!IsProgram(home.submit())) {
    return Missing(fmt::format("SPARK_HOME is '{}', where there is no program bin/spark-submit.",
                               home.directory.string()));
  }
  ReadVersions(home);
  if (home.spark_version.empty()) {
    return Missing(fmt::format("SPARK_HOME is '{}', where there is no jars/spark-core_*.jar.",
                               home.directory.string()));
  }
  int major = 0;
  const std::string& version = home.spark_version;
  std::from_chars(version.data(), version.data() + version.size(), major);
  if (major < kOldestSpark) {
    return Missing(fmt::format("Spark {} in '{}' is too old: it must be {}.0 or newer.", version,
                               home.directory.string(), kOldestSpark));
  }
  const Result<std::filesystem::path> java = FindJava(environment);
  if (!java) return java.error();
  home.java_version = JavaVersion(*java);
  return home;
}

Result<Properties> ReadSparkDefaults(const SparkHome& home, const std::filesystem::path& wanted) {
  const std::string conf_dir = wanted.empty() ? VariableFor("SPARK_CONF_DIR") : wanted.string();
  const std::filesystem::path file =
      (conf_dir.empty() ? home.directory / "conf" : std::filesystem::path(conf_dir)) /
      "spark-defaults.conf";
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return Properties{};
  const Result<std::string> text = ReadFile(file);
  if (!text) return text.error();
  return ParseProperties(*text);
}

}  // namespace livy::internal
