#include "launch/hadoop_conf.h"

#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "files/private_file.h"
#include "launch/process.h"

namespace livy::internal {
namespace {

// Of references in references; Hadoop has the same bound.
constexpr int kExpansionsMax = 20;

constexpr std::pair<std::string_view, char> kEntities[] = {
    {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}};

std::string WithoutComments(std::string_view xml) {
  std::string text;
  while (true) {
    const std::size_t begin = xml.find("<!--");
    text += xml.substr(0, begin);
    if (begin == xml.npos) return text;
    const std::size_t end = xml.find("-->", begin);
    if (end == xml.npos) return text;
    xml.remove_prefix(end + 3);
  }
}

std::string Unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    bool is_entity = false;
    for (const auto& [entity, character] : kEntities) {
      if (!text.starts_with(entity)) continue;
      out += character;
      text.remove_prefix(entity.size());
      is_entity = true;
      break;
    }
    if (is_entity) continue;
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

// What stands between <name> and </name>; unset if there is none. Removes it from `text` with all
// before it.
std::optional<std::string_view> TakeElement(std::string_view name, std::string_view& text) {
  const std::string open = fmt::format("<{}>", name);
  const std::string close = fmt::format("</{}>", name);
  const std::size_t begin = text.find(open);
  if (begin == text.npos) return std::nullopt;
  const std::size_t end = text.find(close, begin);
  if (end == text.npos) return std::nullopt;
  const std::string_view content = text.substr(begin + open.size(), end - begin - open.size());
  text.remove_prefix(end + close.size());
  return content;
}

std::string Expand(std::string value, const HadoopConf& conf) {
  std::size_t from = 0;
  for (int count = 0; count < kExpansionsMax; ++count) {
    const std::size_t begin = value.find("${", from);
    const std::size_t end = begin == value.npos ? value.npos : value.find('}', begin);
    if (end == value.npos) return value;
    const auto found = conf.find(value.substr(begin + 2, end - begin - 2));
    if (found == conf.end()) {
      from = end;
    } else {
      value.replace(begin, end + 1 - begin, found->second);
    }
  }
  return value;
}

std::string ValueOf(const HadoopConf& conf, const std::string& key, std::string otherwise) {
  const auto found = conf.find(key);
  return found == conf.end() || found->second.empty() ? std::move(otherwise) : found->second;
}

}  // namespace

void ParseHadoopConf(std::string_view xml, HadoopConf& conf) {
  const std::string text = WithoutComments(xml);
  std::string_view rest = text;
  while (const auto property = TakeElement("property", rest)) {
    std::string_view names = *property;
    std::string_view values = *property;
    const auto name = TakeElement("name", names);
    const auto value = TakeElement("value", values);
    if (name && value) conf[Unescape(Trim(*name))] = Unescape(Trim(*value));
  }
}

Result<HadoopConf> ReadHadoopConf(const std::filesystem::path& directory) {
  HadoopConf conf;
  for (const char* name : {"core-site.xml", "yarn-site.xml"}) {
    std::error_code ignored;
    if (directory.empty() || !std::filesystem::exists(directory / name, ignored)) continue;
    const Result<std::string> text = ReadFile(directory / name);
    if (!text) return text.error();
    ParseHadoopConf(*text, conf);
  }
  for (auto& [key, value] : conf)
    value = Expand(std::move(value), conf);
  return conf;
}

std::filesystem::path HadoopConfDirectory(const std::map<std::string, std::string>& environment) {
  for (const char* name : {"HADOOP_CONF_DIR", "YARN_CONF_DIR"}) {
    const std::string value = VariableFor(name, environment);
    if (!value.empty()) return value;
  }
  return {};
}

std::vector<std::string> ResourceManagersOf(const HadoopConf& conf) {
  const bool is_tls = ValueOf(conf, "yarn.http.policy", "HTTP_ONLY") == "HTTPS_ONLY";
  const std::string webapp =
      is_tls ? "yarn.resourcemanager.webapp.https.address" : "yarn.resourcemanager.webapp.address";
  const auto url = [&](const std::string& suffix) {
    std::string host = ValueOf(conf, "yarn.resourcemanager.hostname" + suffix, "127.0.0.1");
    if (host == "0.0.0.0") host = "127.0.0.1";
    return fmt::format(
        "{}://{}", is_tls ? "https" : "http",
        ValueOf(conf, webapp + suffix, fmt::format("{}:{}", host, is_tls ? 8090 : 8088)));
  };
  if (ValueOf(conf, "yarn.resourcemanager.ha.enabled", "false") != "true") return {url("")};
  std::string ids = ValueOf(conf, "yarn.resourcemanager.ha.rm-ids", "");
  for (char& c : ids)
    c = c == ',' ? ' ' : c;
  std::istringstream words(ids);
  std::vector<std::string> urls;
  for (std::string id; words >> id;)
    urls.push_back(url("." + id));
  return urls;
}

}  // namespace livy::internal
