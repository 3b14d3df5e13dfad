"""Fails if a code block of the documents is not what examples/ has, or if settings are missing.

A block of C++ begins with the line "// examples/NAME.cc"; what follows stands in that file, line for
line, however far it is indented there. So no reader is shown code that nobody builds.

The tables of docs/configuration.md have the keys that server/*options.cc take, and packaging/livy.conf
shows no others.
"""

import pathlib
import re
import sys

BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KEYS_TAKEN = re.compile(r'\bTake\(\s*"(livy\.[^"]+)"')
SETTINGS = re.compile(r"^## Settings\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
KEYS_DOCUMENTED = re.compile(r"^\| `(livy\.[^`*]+)` \|", re.MULTILINE)
KEYS_SHOWN = re.compile(r"^(?:# ?)?(livy\.\S+)\s*=", re.MULTILINE)
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
        return "the first line does not name its example: // examples/NAME.cc"
    example = root / marker[1]
    if not code.strip():
        return f"nothing follows {marker[1]}"
    if not example.is_file():
        return f"there is no {marker[1]}"
    if not holds(stripped(example.read_text(encoding="utf-8")), stripped(code)):
        return f"this is not in {marker[1]}: {stripped(code)[0]}"
    return None


def key_problems(root):
    options = sorted(root.glob("server/*options.cc"))
    if not options:
        return
    taken = {
        key for file in options for key in KEYS_TAKEN.findall(file.read_text(encoding="utf-8"))
    }
    for name, pattern in [("docs/configuration.md", KEYS_DOCUMENTED),
                          ("packaging/livy.conf", KEYS_SHOWN)]:
        text = (root / name).read_text(encoding="utf-8")
        if name.endswith(".md"):
            text = "".join(SETTINGS.findall(text))
        found = pattern.findall(text)
        for key in sorted(set(found) - taken):
            yield f"{name}: nothing reads {key}"
        for key in sorted({key for key in found if found.count(key) > 1}):
            yield f"{name}: {key} is there twice"
        if name.endswith(".md"):
            for key in sorted(taken - set(found)):
                yield f"{name}: {key} is missing"


def problems(root):
    yield from key_problems(root)
    for path in [root / "README.md", *sorted(root.glob("docs/**/*.md"))]:
        text = path.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            if why := problem(root, block[1]):
                line = text.count("\n", 0, block.start()) + 1
                yield f"{path.relative_to(root)}:{line}: {why}"


def main(root):
    found = list(problems(root))
    print("\n".join(found) or "every excerpt is in its example, and every setting in its place")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
