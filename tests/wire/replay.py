"""Plays recorded requests to livy-server and compares what it answers with Apache Livy's answers.

replay.py SERVER fake GROUP...    without Spark; only the batches of group D may be launched
replay.py SERVER real GROUP...    with the Spark of LIVY_TEST_SPARK_35 or SPARK_HOME
With --propose in front, differences that deviations.json lacks are also printed as its entries.

README.md beside this file says what is compared.
"""

import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from exchange import exchange, get_json, read_group, request_bytes, with_ids
from normal import BUT_FOR, Normal, as_text, mapped

HERE = pathlib.Path(__file__).resolve().parent
REST_DOC = HERE.parent.parent / "docs/rest.md"
SKIPPED = 77
STATE_SECONDS_MAX = 300
STOP_SECONDS_MAX = 60
LISTENING = re.compile(r"listening on http://([^:\s]+):(\d+)")
# As the server of each group was set up; what this server does not know only warns.
CONF = {
    "G": {
        "livy.server.session.max-creation": "0",
        "livy.ui.enabled": "false",
        "livy.server.send-server-version": "true",
        "livy.server.security-headers.enabled": "false",
    },
}
# A group whose session was made before its recording began: its id there, and its kind.
SESSION_BEFORE = {"M": (1, "spark")}
# Groups that launch batches. With the fake Spark the one that succeeds does so when somebody writes
# a line to this pipe.
WITH_BATCHES = {"D"}
GATE = "gate"
PROGRAMS = {
    "pi.py": """
import sys
from operator import add
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("PythonPi").getOrCreate()
inside = spark.sparkContext.parallelize(range(1000), int(sys.argv[1])).map(lambda n: 4).reduce(add)
print("Pi is roughly", inside / 1000)
spark.stop()
""",
    "fail.py": "import sys\nprint('about to fail')\nsys.exit(3)\n",
    "sleep.py": "import signal\nprint('sleeping', flush=True)\nsignal.pause()\n",
}
FINAL = {"available", "cancelled"}
ENDED = {"success", "dead", "killed"}
# Requests that Livy answered while a statement or a cancellation was on its way, which may be
# further here: what that looks like, and the recorded form of it.
ON_THE_WAY = {
    "B044-statements-after-bad": (
        r'"state":"running"(.*)"started":\d+', r'"state":"waiting"\1"started":0'
    ),
    "B117-queued-after-cancel": (r'"completed":\d+', '"completed":0'),
    "B119-running-after-cancel-immediate": (
        r'"state":"cancelled","output":.*"started":(\d+),"completed":\d+',
        r'"state":"cancelling","output":null,"progress":0.0,"started":\1,"completed":0',
    ),
}


def from_difference(a, b):
    """Both texts from a little before they differ, and not far beyond."""
    start = max(0, len(os.path.commonprefix([a, b])) - 40)
    return a[start : start + 400], b[start : start + 400]


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o700)


def fake_submit(folder, group):
    """A spark-submit that leaves a mark and stays; for batches one that ends as they did."""
    if group not in WITH_BATCHES:
        return f": >'{folder}/launched'\nexec tail -f /dev/null\n"
    os.mkfifo(folder / GATE)
    return f"""case "$*" in
*/pi.py*) read -r line <'{folder}/{GATE}'; echo "Pi is roughly 3.14" ;;
*/sleep.py*) echo sleeping; exec tail -f /dev/null ;;
*/fail.py*) echo about to fail; exit 3 ;;
*) echo no such file >&2; exit 2 ;;
esac
"""


def fake_environment(folder, group):
    """A Spark that does as little as the group's requests need."""
    spark, java = folder / "spark", folder / "java"
    write_program(spark / "bin/spark-submit", "#!/bin/sh\n" + fake_submit(folder, group))
    write_program(java / "bin/java", "#!/bin/sh\nexit 1\n")
    (java / "release").write_text('IMPLEMENTOR="Test"\nJAVA_VERSION="17.0.15"\n')
    (spark / "jars").mkdir()
    for jar in ["spark-core_2.12-3.5.7.jar", "scala-library-2.12.18.jar"]:
        (spark / "jars" / jar).touch()
    (folder / "driver.jar").touch()
    return {"SPARK_HOME": spark, "JAVA_HOME": java, "LIVY_DRIVER_JAR": folder / "driver.jar"}


def make_places(folder):
    """What placeholders in requests stand for: a folder with a file, and a file that is not there."""
    lab = folder / "lab"
    (lab / "batch").mkdir(parents=True)
    for name, text in PROGRAMS.items():
        (lab / "batch" / name).write_text(text)
    return {"{LAB}": str(lab), "{TMP}": "/nonexistent/x.jar"}


class Server:
    """livy-server on a free port, with settings and a state of its own."""

    def __init__(self, program, folder, conf, environment):
        conf = {"livy.server.state-dir": folder / "state", "livy.spark.master": "local"} | conf
        (folder / "livy.conf").write_text("".join(f"{k} = {v}\n" for k, v in conf.items()))
        self.log = folder / "server.log"
        with self.log.open("w") as errors:
            self.process = subprocess.Popen(
                [program, "--conf", folder / "livy.conf", "--port", "0"], text=True, cwd=folder,
                env=os.environ | {k: str(v) for k, v in environment.items()},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            )
        # The end of its output, if it ends instead, ends this too.
        found = next(filter(None, map(LISTENING.search, self.process.stdout)), None)
        if not found:
            raise SystemExit(f"the server did not start:\n{self.log.read_text()}")
        self.address = found[1], int(found[2])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS_MAX)
        finally:
            self.process.kill()
            self.process.stdout.close()


class Deviations:
    """deviations.json: which answers differ from Livy's, how, and why."""

    def __init__(self):
        data = json.loads((HERE / "deviations.json").read_text(encoding="utf-8"))
        self.reasons, self.records = data["reasons"], data["records"]
        self.not_sent = data["not_sent"]
        self.not_here = [(re.compile(row["requests"]), row["reason"]) for row in data["not_here"]]

    def problems(self, names):
        rows = set(re.findall(r"^\| *([^|]+?) *\|", REST_DOC.read_text(encoding="utf-8"), re.M))
        for name, row in self.reasons.items():
            if row not in rows:
                yield f"reason {name}: docs/rest.md has no row '{row}'"
        for name, entry in (self.records | self.not_sent).items():
            if name[0] in names and name not in names[name[0]]:
                yield f"{name} is not a record"
            for reason in set(entry["reasons"]) - set(self.reasons):
                yield f"{name}: there is no reason {reason}"

    def is_not_here(self, record):
        request = f"{record.method} {record.target}"
        return any(pattern.search(request) for pattern, _ in self.not_here)

    def problem(self, name, differences):
        """What is wrong with the differences of a record, or None."""
        entry = self.records.get(name)
        if not entry:
            return "differs" if differences else None
        if not differences:
            return "is listed in deviations.json and does not differ"
        if "but_for" in entry:
            change = BUT_FOR[entry["but_for"]]
            apart = [tuple(mapped(change, side) for side in pair) for pair in differences.values()]
            equal = all(as_text(a) == as_text(b) for a, b in apart)
            return None if equal else f"differs in more than {entry['but_for']}"
        here = {part: ours for part, (_, ours) in differences.items()}
        as_listed = as_text(here) == as_text(entry["here"])
        return None if as_listed else "differs in another way than listed"


class Replay:
    """One group, played in order to one server."""

    def __init__(self, address, places, deviations, proposes, gate=None):
        self.address, self.places, self.gate = address, places, gate
        self.deviations, self.proposes = deviations, proposes
        self.ids = {}
        self.normal = Normal(self.ids)
        self.counts = collections.Counter()
        self.failures = []

    def prepare(self, group):
        if group in SESSION_BEFORE:
            recorded, kind = SESSION_BEFORE[group]
            body = json.dumps({"kind": kind})
            head = f"POST /sessions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            created = exchange(self.address, (head + body).encode(), "POST")
            self.ids[recorded] = json.loads(created.body)["id"]
            self.wait(f"/sessions/{self.ids[recorded]}/state", {"idle", "dead"})

    def wait(self, target, states):
        """Until one of the states is there, by the server's own waiting."""
        deadline = time.monotonic() + STATE_SECONDS_MAX
        mark = "&" if "?" in target else "?"
        # What is not waited for by an event here, such as the state "running", is asked for often.
        span = "50ms" if "running" in states else "30s"
        while time.monotonic() < deadline:
            now = get_json(self.address, f"{target}{mark}wait={span}")
            if not isinstance(now, dict) or now.get("state") in states:
                return

    def wait_as_recorded(self, record):
        """Lets the server come as far as Livy was when it gave the recorded answer."""
        path = record.target.split("?")[0]
        if batch := re.match(r"/batches/\d+", path):
            return self.wait_for_batch(record, with_ids(batch[0], self.ids))
        kind = re.fullmatch(r"/sessions/(\d+)(/state|/statements/\d+)?", path)
        if record.method != "GET" or not kind or record.answer.status != 200:
            return
        recorded = self.normal.body(record.answer, record.target, ours=False)
        state, target = recorded["state"], with_ids(path, self.ids)
        if kind[2] and kind[2].startswith("/statements"):
            if state in FINAL | {"running"}:
                self.wait(target, FINAL | {state})
            if state == "cancelled" and recorded["started"] == 0 and recorded["completed"]:
                self.wait(with_ids(f"/sessions/{kind[1]}/state", self.ids), {"idle", "dead"})
        elif state in {"idle", "dead"}:
            self.wait(with_ids(f"/sessions/{kind[1]}/state", self.ids), {state, "dead"})

    def wait_for_batch(self, record, target):
        if record.method != "GET" or record.answer.status != 200:
            return
        recorded = self.normal.body(record.answer, record.target, ours=False)
        state = recorded.get("state")
        if state == "success" and self.gate:
            self.gate.write_text("go\n")
            self.gate = None
        if state in ENDED:
            self.wait(target + "/state", ENDED)
        elif state:
            self.wait(target + "/state", ENDED | {state})

    def send(self, record):
        self.wait_as_recorded(record)
        target = with_ids(record.target, self.ids)
        host = ":".join(map(str, self.address))
        for placeholder, place in self.places.items():
            record.body = record.body.replace(placeholder, place)
        answer = exchange(self.address, request_bytes(record, target, host), record.method)
        creates = record.method == "POST" and record.target in {"/sessions", "/batches"}
        if creates and answer.status == 201:
            if record.answer.status == 201:
                there = json.loads(record.answer.body)["id"]
                self.ids[there] = json.loads(answer.body)["id"]
        if record.name in ON_THE_WAY:
            answer.body = re.sub(*ON_THE_WAY[record.name], answer.body)
        return answer

    def play(self, record):
        if record.name in self.deviations.not_sent:
            self.counts["not sent"] += 1
            return
        answer = self.send(record)
        differences = self.normal.differences(record, answer)
        if self.deviations.is_not_here(record):
            self.counts["not in this version"] += 1
            # What exists by now must be compared.
            if answer.status not in {404, 501} or answer.body:
                self.failures.append(f"{record.name} is here by now: answered {answer.status}")
            return
        problem = self.deviations.problem(record.name, differences)
        if not problem:
            self.counts["documented" if differences else "exact"] += 1
            return
        lines = [f"{record.name} {problem}: {record.method} {record.target[:80]}"]
        for part, (there, ours) in differences.items():
            there, ours = from_difference(as_text(there), as_text(ours))
            lines += [f"  {part} of Livy: {there}", f"  {part} here:    {ours}"]
        self.failures.append("\n".join(lines))
        if self.proposes and problem.startswith("differs"):
            here = {part: ours for part, (_, ours) in differences.items()}
            entry = {"reasons": [], "here": here}
            print(f"{json.dumps(record.name)}: {json.dumps(entry, ensure_ascii=False)},")


def play_group(program, spark, group, deviations, proposes):
    with tempfile.TemporaryDirectory(prefix="livy-replay-") as name:
        folder = pathlib.Path(name)
        # The recorded Spark had no R.
        real = {"SPARK_HOME": spark, "SPARKR_DRIVER_R": "there-is-no-R"}
        environment = fake_environment(folder, group) if spark == "fake" else real
        places = make_places(folder)
        conf = {"livy.file.local-dir-whitelist": f"{places['{LAB}']},/nonexistent"}
        with Server(program, folder, conf | CONF.get(group, {}), environment) as server:
            gate = folder / GATE if spark == "fake" and group in WITH_BATCHES else None
            replay = Replay(server.address, places, deviations, proposes, gate)
            replay.prepare(group)
            for record in read_group(HERE, group):
                try:
                    replay.play(record)
                except OSError as failure:
                    ended = server.process.poll()
                    replay.failures.append(
                        f"{record.name} got no answer: {failure!r}; the server "
                        + ("runs on" if ended is None else f"has ended with {ended}"))
                    break
        if (folder / "launched").exists():
            replay.failures.append("a refused request has launched something")
        if replay.failures:
            print("\n".join(replay.failures))
            print("the server's log ends with:\n" + server.log.read_text()[-2000:])
    kinds = ["exact", "documented", "not in this version", "not sent"]
    counted = ", ".join(f"{replay.counts[kind]} {kind}" for kind in kinds)
    print(f"group {group}: {counted}; {len(replay.failures)} wrong")
    return not replay.failures


def main(arguments):
    proposes = arguments[0] == "--propose"
    program, spark, *groups = arguments[proposes:]
    if spark == "real":
        spark = os.environ.get("LIVY_TEST_SPARK_35") or os.environ.get("SPARK_HOME")
        if not spark:
            print("SKIP: neither LIVY_TEST_SPARK_35 nor SPARK_HOME is set")
            return SKIPPED
    deviations = Deviations()
    names = {group: {record.name for record in read_group(HERE, group)} for group in groups}
    problems = list(deviations.problems(names))
    print("\n".join(problems), end="\n" if problems else "")
    program = pathlib.Path(program).resolve()
    good = [play_group(program, spark, group, deviations, proposes) for group in groups]
    return 0 if all(good) and not problems else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
