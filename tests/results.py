"""What the parts of ./test have found, and which targets a part needs.

results.py targets BUILD SUITE   prints the targets that the tests of a suite run
results.py report FILE           sums up the parts listed in FILE, one a line:
                                   log PART TESTLOG.json    a part's tests, as Meson recorded them
                                   passed PART              a part that is one test
                                   failed PART LOG          a part that came to no tests
                                   skipped PART REASON      a part that could not run here
"""

import json
import pathlib
import re
import subprocess
import sys

TAIL_LINES = 40
DOCTEST = re.compile(
    r"test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed \|(?:\s*(\d+) skipped)?"
)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\s*\n(OK|FAILED)(?: \((.*)\))?$", re.MULTILINE)
SKIP = re.compile(r"^.*?\bSKIP: *(.*)$|\.\.\. skipped ['\"](.*)['\"]$", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
GOOD = {"OK", "EXPECTEDFAIL"}


def output(test):
    return COLOUR.sub("", test.get("stdout", "") + test.get("stderr", ""))


def cases(text):
    """Passed, failed and skipped cases as the program itself counted them, or None."""
    found = [tuple(int(n or 0) for n in match.groups()) for match in DOCTEST.finditer(text)]
    for match in UNITTEST.finditer(text):
        number = {key: int(n) for key, n in re.findall(r"([a-z ]+)=(\d+)", match[3] or "")}
        number = {key.strip(): n for key, n in number.items()}
        failed = sum(number.get(key, 0) for key in ("failures", "errors", "unexpected successes"))
        skipped = number.get("skipped", 0)
        found.append((max(0, int(match[1]) - failed - skipped), failed, skipped))
    return tuple(map(sum, zip(*found))) if found else None


def counts(test):
    if test["result"] == "SKIP":
        return 0, 0, 1
    passed, failed, skipped = cases(output(test)) or (int(test["result"] in GOOD), 0, 0)
    if test["result"] not in GOOD:
        failed = max(failed, 1)
    return passed, failed, skipped


def skip_reasons(test):
    reasons = [a or b for a, b in SKIP.findall(output(test))]
    if not reasons and counts(test)[2]:
        reasons = ["no reason given"]
    return list(dict.fromkeys(reasons))


def tail(text):
    lines = text.rstrip().splitlines()[-TAIL_LINES:]
    return "\n".join("  | " + line for line in lines) or "  | (no output)"


def tests_of(log):
    path = pathlib.Path(log)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines if line.strip()]


def sum_up_log(part, log):
    tests = tests_of(log)
    if not tests:
        print(f"FAILED {part}: it ran no test")
        return 0, 1, 0
    total = [0, 0, 0]
    for test in tests:
        total = [a + b for a, b in zip(total, counts(test))]
        name = f"{part}: {test['name'].split(' / ')[-1]}"
        for reason in skip_reasons(test):
            print(f"SKIPPED {name}: {reason}")
        if test["result"] not in GOOD | {"SKIP"}:
            print(f"FAILED {name} ({test['result'].lower()}, {test.get('duration', 0):.1f} s)")
            print(tail(output(test)))
    return tuple(total)


def sum_up(line):
    what, part, *rest = line.split(" ", 2)
    if what == "log":
        return sum_up_log(part, *rest)
    if what == "passed":
        return 1, 0, 0
    if what == "skipped":
        print(f"SKIPPED {part}: {rest[0]}")
        return 0, 0, 1
    log = pathlib.Path(rest[0])
    print(f"FAILED {part}, see {log}")
    print(tail(log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""))
    return 0, 1, 0


def report(parts):
    lines = pathlib.Path(parts).read_text(encoding="utf-8").splitlines()
    total = [sum(column) for column in zip(*map(sum_up, lines))] or [0, 0, 0]
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


def introspect(build, what):
    command = ["meson", "introspect", what, build]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def print_targets(build, suite):
    # Meson writes a suite as PROJECT:SUITE.
    tests = [
        test
        for test in introspect(build, "--tests")
        if suite in {name.split(":")[-1] for name in test["suite"]}
    ]
    wanted = {target for test in tests for target in test["depends"]}
    root = pathlib.Path(build).resolve()
    for target in introspect(build, "--targets"):
        if target["id"] in wanted:
            for name in target["filename"]:
                print(pathlib.Path(name).resolve().relative_to(root))
    return 0


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    sys.exit({"report": report, "targets": print_targets}[command](*arguments))
