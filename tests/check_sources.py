"""Fails if a source file is longer than it should be, or says what no file here may say."""

import ast
import pathlib
import re
import sys

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

CODE = {".h", ".cc", ".java", ".py"}
TEXT = CODE | {".build", ".md", ".sh", ".txt", ".in", ".conf", ".service", ".wrap", ""}
SKIPPED = re.compile(r"\.git|\.cache|__pycache__|build.*|node_modules")

# The only file that reads the time or sleeps.
CLOCK = "lib/core/clock.cc"
# Written in pieces, so that this file does not find itself.
FORBIDDEN = [
    (TEXT, re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"), "is not a finished sentence"),
    (TEXT, re.compile(r"(?<![\w}.~)*-])/(wo" r"rk|ro" r"ot|fa" r"rm)/"), "is a path of one machine"),
    (TEXT, re.compile(r"\.\./sha" r"red\b|/opt/spark-ve" r"nvs"), "is a path of one machine"),
    (
        {".h", ".cc"},
        re.compile(r"\b(sleep_(for|until)|u?sleep|nanosleep|\w+_clock::now)\s*\("),
        "is SystemClock's alone: take a Clock&",
    ),
]

NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.DOTALL
)
SCOPE = re.compile(
    r"(template\s*<.*>\s*)?((public|protected|private|static|final|abstract|inline|sealed)\s+)*"
    r"(namespace|class|struct|union|enum|interface|record|extern)\b",
    re.DOTALL,
)
ANNOTATION = re.compile(r"@\w+(\s*\([^()]*\))?|\[\[.*?\]\]|^\s*#[^\n]*", re.MULTILINE)


def files(root):
    for path in sorted(root.iterdir()):
        if SKIPPED.fullmatch(path.name) or path.is_symlink():
            continue
        if not path.is_dir():
            yield path
        # What a wrap has unpacked is not ours.
        elif path.name != "subprojects":
            yield from files(path)


def without_text(code):
    """The code with comments and literals emptied and its lines where they were."""

    def blank(match):
        lines = "\n" * match[0].count("\n")
        return lines if match[0].startswith("/") else '""' + lines

    return NOT_CODE.sub(blank, code)


def is_function(head):
    head = ANNOTATION.sub("", head).strip()
    return "(" in head and not SCOPE.match(head)


def braced_functions(code):
    """The first line, the length and the head of each function of C++ or Java, the outer ones."""
    code = without_text(code)
    depth, start, function = 0, 0, None
    for match in re.finditer(r"[{};]", code):
        if match[0] == "{":
            head = code[start : match.start()]
            if function is None and is_function(head):
                function = depth, match.start(), " ".join(head.split())
            depth += 1
        elif match[0] == "}":
            depth -= 1
            if function and function[0] == depth:
                first = code.count("\n", 0, function[1]) + 1
                last = code.count("\n", 0, match.start()) + 1
                yield first, last - first + 1, function[2]
                function = None
        start = match.end()


def python_functions(code):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1, node.name


def size_problems(path, text):
    if path.suffix not in CODE:
        return
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        yield 1, f"{lines} lines; {FILE_LINES_MAX} at most: split it by idea"
    functions = python_functions if path.suffix == ".py" else braced_functions
    for line, length, name in functions(text):
        if length > FUNCTION_LINES_MAX:
            yield line, f"{length} lines; {FUNCTION_LINES_MAX} at most: {name[-60:]}"


def word_problems(path, text):
    for suffixes, pattern, why in FORBIDDEN:
        if path.suffix not in suffixes:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if match := pattern.search(line):
                yield number, f"'{match[0]}' {why}"


def problems(root):
    for path in files(root):
        if path.suffix not in TEXT or path.name == "LICENSE":
            continue
        name = path.relative_to(root).as_posix()
        # Recorded answers, texts to count words of and input that may be any bytes are data.
        if name.startswith(("tests/wire/", "examples/data/", "tests/fuzz/corpus/")):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            yield f"{name}: is not UTF-8"
            continue
        for line, why in [*size_problems(path, text), *word_problems(path, text)]:
            if name != CLOCK or "Clock" not in why:
                yield f"{name}:{line}: {why}"


def main(root):
    found = list(problems(root))
    print("\n".join(found) or "every source file is as it should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
