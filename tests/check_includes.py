"""Fails if a source file includes something that its folder may not use.

The tables are the layering rule of this project; lib/*/meson.build says the same to the linker.
"""

import pathlib
import re
import sys

# Folder of lib/ -> other folders of lib/ it may include; every folder may include <livy/...>.
MAY_INCLUDE = {
    "core": set(),
    "files": {"core"},
    "http": {"core"},
    "store": {"core", "files"},
    "security": {"core"},
    "launch": {"core", "files", "http"},
    "driver_link": {"core", "http"},
    "client": {"core", "http"},
    "server": {"core", "files", "http", "driver_link"},
    "testing": {"core", "http"},
    "ui": {"core"},
}
# Start of a third party's header -> the files that may name it, as patterns of paths. cpp-httplib is
# what ours is measured against, and what a program may hold beside us.
OWNERS = {
    "rapidjson/": ["lib/core/json*"],
    "httplib": ["bench/bare_httplib.cc", "tests/install/foreign*"],
    "openssl/": ["lib/http/*", "lib/security/*", "lib/store/redis*", "tests/http/*"],
    "zlib": ["lib/http/*", "tests/http/*"],
    "sqlite3": ["lib/store/*"],
    "zookeeper": ["lib/store/*"],
    "hiredis": ["lib/store/*"],
    "gssapi": ["lib/security/*"],
    "ldap": ["lib/security/*"],
    "CLI/": ["server/*"],
    "fmt/": ["lib/*/*", "server/*", "tests/*/*", "bench/*"],
    "doctest/": ["tests/*", "tests/*/*"],
}
# The standard library of C++20; what C gives it goes by the names with a c.
STANDARD = set(
    """algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv
    chrono cinttypes climits clocale cmath codecvt compare complex concepts condition_variable
    coroutine csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar
    cwctype deque exception execution filesystem format forward_list fstream functional future
    initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map
    memory memory_resource mutex new numbers numeric optional ostream queue random ranges ratio
    regex scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept
    stop_token streambuf string string_view strstream syncstream system_error thread tuple
    type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector
    version""".split()
)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if match := INCLUDE.match(line):
            yield number, match[1], match[2]


def sources(root, *patterns):
    found = {path for pattern in patterns for path in root.glob(pattern)}
    return sorted(path for path in found if path.suffix in {".h", ".cc"})


def public_problem(style, target):
    if style == "<" and (target in STANDARD or target.startswith("livy/")):
        return None
    return f'only the standard library and <livy/...> may be included here, not "{target}"'


def library_problem(folder, style, target):
    if style == "<":
        return None
    if folder not in MAY_INCLUDE:
        return f"lib/{folder} is not in the table of tests/check_includes.py"
    part = target.split("/")[0]
    if "/" not in target or part == "livy":
        return f'"{target}" does not begin with a folder of lib/'
    if part != folder and part not in MAY_INCLUDE[folder]:
        return f"lib/{folder} may not include lib/{part}"
    return None


def owner_problem(path, style, target):
    for prefix, owners in OWNERS.items():
        if style == "<" and target.startswith(prefix) and not any(map(path.match, owners)):
            return f"only {' and '.join(owners)} may include <{target}>"
    return None


def problems(root):
    for path in sources(root, "include/**/*", "examples/**/*"):
        for number, style, target in includes(path):
            if problem := public_problem(style, target):
                yield path, number, problem
    for path in sources(root, "lib/**/*"):
        folder = path.relative_to(root / "lib").parts[0]
        for number, style, target in includes(path):
            if problem := library_problem(folder, style, target):
                yield path, number, problem
    for path in sources(root, "lib/**/*", "server/**/*", "tests/**/*", "bench/**/*"):
        for number, style, target in includes(path):
            if problem := owner_problem(path.relative_to(root), style, target):
                yield path, number, problem


def main(root):
    found = [f"{path.relative_to(root)}:{number}: {why}" for path, number, why in problems(root)]
    print("\n".join(found) or "every include is allowed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
