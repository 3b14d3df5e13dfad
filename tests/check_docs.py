"""Fails if a code block of the documents is not what examples/ has.

A block of C++ begins with the line "// examples/NAME.cc"; what follows stands in that file, line for
line, however far it is indented there. So no reader is shown code that nobody builds.
"""

import pathlib
import re
import sys

BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARKER = re.compile(r"// (examples/[\w.-]+)")


def stripped(text):
    return [line.strip() for line in text.strip("\n").split("\n")]


def holds(lines, excerpt):
    width = len(excerpt)
    return any(lines[i : i + width] == excerpt for i in range(len(lines) - width + 1))


def problem(root, block):
    first, _, code = block.partition("\n")
    marker = MARKER.fullmatch(first.strip())
    if not marker:
        return None
    example = root / marker[1]
    if not code.strip():
        return f"nothing follows {marker[1]}"
    if not example.is_file():
        return f"there is no {marker[1]}"
    if not holds(stripped(example.read_text(encoding="utf-8")), stripped(code)):
        return f"this is not in {marker[1]}: {stripped(code)[0]}"
    return None


def problems(root):
    for path in [root / "README.md", *sorted(root.glob("docs/**/*.md"))]:
        text = path.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            if why := problem(root, block[1]):
                line = text.count("\n", 0, block.start()) + 1
                yield f"{path.relative_to(root)}:{line}: {why}"


def main(root):
    found = list(problems(root))
    print("\n".join(found) or "every excerpt is in its example")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
