"""Writes the source that holds a jar: embed_driver_jar.py JAR SOURCE.

A source of its own, written anew with each jar, so that the object is compiled anew, too: no
compiler tells the build of a file that the assembler reads.
"""

import pathlib
import sys

SOURCE = """\
#include "launch/driver_jar.h"

asm(R"(
  .pushsection .rodata
  .globl livy_driver_jar_begin
  .hidden livy_driver_jar_begin
  .globl livy_driver_jar_end
  .hidden livy_driver_jar_end
livy_driver_jar_begin:
  .incbin "%s"
livy_driver_jar_end:
  .byte 0
  .popsection
)");

extern "C" const char livy_driver_jar_begin[];
extern "C" const char livy_driver_jar_end[];

namespace livy::internal {

std::string_view EmbeddedDriverJar() {
  return std::string_view(livy_driver_jar_begin, livy_driver_jar_end);
}

}  // namespace livy::internal
"""

jar, source = sys.argv[1:]
escaped = str(pathlib.Path(jar).resolve()).replace("\\", "\\\\").replace('"', '\\"')
pathlib.Path(source).write_text(SOURCE % escaped)
