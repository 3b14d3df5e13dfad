// Targets, queries and routes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/percent.h"
#include "http/compression.h"
#include "http/router.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace livy::internal;  // NOLINT(google-build-using-namespace): one function.
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Target target = SplitTarget(input);
  if (const auto decoded = PercentDecode(target.path)) {
    if (decoded->size() > target.path.size()) std::abort();
    const auto again = PercentDecode(PercentEncode(*decoded));
    // Only bytes that were not escaped may be controls, which an escape must not become.
    if (again && *again != *decoded) std::abort();
  }
  static_cast<void>(QueryValue(target.query, "from"));

  static const Router router = [] {
    Router made;
    made.Add("GET", "/sessions/:id/statements/:statement", 1);
    made.Add("GET", "/sessions/:id", 2);
    return made;
  }();
  const Router::Match match = router.Find("GET", target.path);
  const std::size_t expected = match.route == 1 ? 2 : match.route == 2 ? 1 : 0;
  if (match.params.size() != expected) std::abort();

  static_cast<void>(ChooseCoding(input));
  const auto text = Decompress(input, ContentCoding::kGzip, 1000);
  if (text && text->size() > 1000) std::abort();
  return 0;
}
