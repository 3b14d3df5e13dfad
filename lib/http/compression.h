// gzip and deflate: answers are encoded, request bodies decoded within a bound.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <livy/result.h>

namespace livy::internal {

enum class ContentCoding { kNone, kGzip, kDeflate };

// "gzip" and so on, as in Content-Encoding; empty for kNone.
std::string_view ToString(ContentCoding coding);

// The coding a client likes best by an Accept-Encoding: the highest q wins, the first on a tie,
// unknown ones are ignored.
ContentCoding ChooseCoding(std::string_view accept_encoding);

// The coding that a Content-Encoding names. kNone for all others: Apache Livy's Java client sends
// "UTF-8" there.
ContentCoding ParseCoding(std::string_view content_encoding);

// nullopt if zlib has no memory; send the text as it is then.
std::optional<std::string> Compress(std::string_view text, ContentCoding coding);

// Fails with kResourceExhausted if the text is larger than `bytes_max`, and then has not used more
// memory than that; with kInvalidArgument if the data are damaged or cut off.
Result<std::string> Decompress(std::string_view data, ContentCoding coding, std::size_t bytes_max);

}  // namespace livy::internal
