// What applications write, whole, as a server keeps it.
#pragma once

#include <cstdint>
#include <string>

namespace livy {

// A piece of what an application has written to its standard output and standard error, in the
// order in which it arrived. Places are counted in bytes from its very beginning.
struct OutputPage {
  std::int64_t offset = 0;  // Of `text`. Beyond what was asked for if that is no longer kept.
  std::int64_t next = 0;    // Where to go on reading.
  std::int64_t end = 0;     // Of all that there is.
  bool ended = false;       // The application has ended: nothing will come behind `end`.
  std::string text = {};    // Whole lines, if there was room for one.

  bool operator==(const OutputPage&) const = default;
};

}  // namespace livy
