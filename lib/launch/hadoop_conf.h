// HadoopConf: the settings in core-site.xml and yarn-site.xml.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <livy/result.h>

namespace livy::internal {

using HadoopConf = std::map<std::string, std::string>;

// Adds the properties of one file's XML to `conf`, over what is there. What is no property is
// passed over.
void ParseHadoopConf(std::string_view xml, HadoopConf& conf);

// core-site.xml and yarn-site.xml in `directory`; what is missing is empty. References such as
// ${yarn.resourcemanager.hostname} have their values. Fails with kUnavailable if there is a file
// that cannot be read.
Result<HadoopConf> ReadHadoopConf(const std::filesystem::path& directory);

// The directory of a Spark that talks to YARN and is started with these variables:
// $HADOOP_CONF_DIR, else $YARN_CONF_DIR; empty if neither is set.
std::filesystem::path HadoopConfDirectory(
    const std::map<std::string, std::string>& environment = {});

// The URLs of the ResourceManagers, several if they stand in for one another.
std::vector<std::string> ResourceManagersOf(const HadoopConf& conf);

}  // namespace livy::internal
