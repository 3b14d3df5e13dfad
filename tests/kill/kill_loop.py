"""kill_loop.py BUILD [--rounds N] [--seed S] [--store sqlite|filesystem]

Kills a livy-server with SIGKILL at random moments, while clients create, submit, cancel and delete, starts it
again, and compares what it shows with what it has acknowledged, record by record:

  - every id, statement, output, cancellation and deletion that was answered is there, as it was told;
  - nothing is there that nobody asked for, and what was asked for without an answer can be asked for again
    with the same Idempotency-Key, and is there once;
  - no id is given twice, and no statement runs twice.

Drivers are processes of tests/kill/stub_driver.py, which survive the server. Some are killed, too.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import stat
import sys
import tempfile
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "live"))
import live_server  # noqa: E402

CLIENTS = 4
SESSIONS_MAX = 6
BATCHES_MAX = 6
ROUND_SECONDS_MAX = 0.25
CONF = """
livy.server.recovery.mode = recovery
livy.server.session.max-creation = 1000
livy.server.session.timeout-check = false
livy.server.session.state-retain.sec = 1d
livy.rsc.retained-statements = 100000
livy.server.log-level = warning
livy.file.local-dir-whitelist = /
livy.server.state-store = {store}
"""
FINAL = ("available", "cancelled")


class Lost(Exception):
    """No answer: whether it took effect is not known."""


class Object:
    """What is known of a session, a statement or a batch."""

    def __init__(self, key, body, collection):
        self.key, self.body, self.collection = key, body, collection
        self.id = None
        self.deletion = None  # "asked", then "done".
        self.cancelled = False  # The request was answered.
        self.final = None  # The final view, once somebody has seen it.
        self.statements = []

    @property
    def path(self):
        return f"{self.collection}/{self.id}"


class Model:
    def __init__(self):
        self.lock = threading.Lock()
        self.sessions, self.batches = [], []
        self.given = {}  # By collection, all ids that were ever told.
        self.counts = {"created": 0, "submitted": 0, "outputs": 0, "cancelled": 0, "deleted": 0,
                       "unknown": 0, "drivers killed": 0}

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def alive(self, objects):
        with self.lock:
            return [it for it in objects if it.id is not None and it.deletion is None]


class Round:
    """Requests to one run of the server, until it is killed."""

    def __init__(self, url, model, random):
        self.address = url.removeprefix("http://")
        self.model, self.random = model, random

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.address, timeout=90)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               headers or {})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as failure:
            raise Lost from failure
        finally:
            connection.close()
        return answer.status, json.loads(text) if text else None

    def create(self, it):
        """Asks for it, maybe once more; what is answered is what counts."""
        status, view = self.request("POST", it.collection, it.body, {"Idempotency-Key": it.key})
        is_statement = it.collection.endswith("/statements")
        if is_statement and (status == 404 or status == 500 and "Session is in state" in view):
            return False  # Its session's end or deletion came first.
        assert status == 201, (it.collection, it.body, status, view)
        with self.model.lock:
            assert it.id in (None, view["id"]), (it.path, view)
            if it.id is None:
                it.id = view["id"]
                given = self.model.given.setdefault(it.collection, set())
                assert it.id not in given, f"{it.path} was given twice"
                given.add(it.id)
        return True

    def work(self):
        try:
            while True:
                self.step()
        except Lost:
            self.model.count("unknown")

    def step(self):
        model, dice = self.model, self.random.random()
        sessions = model.alive(model.sessions)
        if dice < 0.08 and len(sessions) < SESSIONS_MAX or not sessions:
            self.add(model.sessions, "/sessions", {"kind": "spark"}, "created")
        elif dice < 0.12 and len(model.alive(model.batches)) < BATCHES_MAX:
            self.add(model.batches, "/batches", {"file": "/stub.jar", "args": ["0.2"]}, "created")
        elif dice < 0.15:
            self.delete(self.random.choice(sessions + model.alive(model.batches)))
        elif dice < 0.65:
            session = self.random.choice(sessions)
            code = self.random.choice(["tell {}", "tell {}", "hold 0.05 {}"])
            text = uuid.uuid4().hex
            body = {"code": code.format(text) if "hold" not in code else "hold 0.05"}
            self.add(session.statements, session.path + "/statements", body, "submitted")
        else:
            statements = model.alive(self.random.choice(sessions).statements)
            if statements:
                self.look(self.random.choice(statements), cancels=dice > 0.95)

    def add(self, objects, collection, body, what):
        it = Object(uuid.uuid4().hex, body, collection)
        with self.model.lock:
            objects.append(it)
        if self.create(it):
            self.model.count(what)
        else:
            with self.model.lock:
                objects.remove(it)

    def delete(self, it):
        with self.model.lock:
            it.deletion = it.deletion or "asked"
        status, view = self.request("DELETE", it.path)
        assert status in (200, 404), (it.path, status, view)
        it.deletion = "done"
        self.model.count("deleted")

    def look(self, it, cancels=False):
        if cancels:
            status, view = self.request("POST", it.path + "/cancel")
            if status == 200:
                it.cancelled = True
                self.model.count("cancelled")
        # What others see meanwhile may be newer than the answer.
        known = it.final, it.cancelled
        status, view = self.request("GET", it.path)
        if status in (400, 404):
            return  # Its session has ended, or was deleted.
        assert status == 200, (it.path, status, view)
        self.compare(it, view, *known)

    def compare(self, it, view, final, is_cancelled):
        assert view["code"] == it.body["code"], (it.path, it.body, view)
        if final:
            assert {k: view[k] for k in final} == final, (it.path, final, view)
        if is_cancelled:
            assert view["state"] in ("cancelling",) + FINAL, (it.path, view)
        if view["state"] in FINAL and not it.final:
            # When one that was cancelled in the queue has ended, its driver tells later.
            parts = ("state", "output", "completed") if view["completed"] else ("state",)
            it.final = {part: view[part] for part in parts}
            self.model.count("outputs")
            if view["state"] == "available" and it.body["code"].startswith("tell"):
                told = view["output"]["data"]["text/plain"]
                assert told == it.body["code"].removeprefix("tell "), (it.path, view)


class Check(Round):
    """After a restart, with nobody else there."""

    def run(self):
        self.settle(self.model.sessions, "/sessions")
        self.settle(self.model.batches, "/batches")
        for session in self.model.alive(self.model.sessions):
            self.check_session(session)

    def settle(self, objects, collection):
        for it in [it for it in objects if it.id is None]:
            self.create(it)
        for it in objects:
            if it.deletion == "asked":
                self.delete(it)
        for it in [it for it in objects if it.deletion]:
            status, _ = self.request("GET", it.path)
            assert status == 404, f"{it.path} was deleted and is there"
            objects.remove(it)
        _, page = self.request("GET", collection + "?size=10000")
        listed = [entry["id"] for entry in page["sessions"]]
        known = sorted(it.id for it in objects)
        assert listed == known, f"{collection}: listed {listed}, known {known}"

    def check_session(self, session):
        _, view = self.request("GET", session.path)
        if view["state"] in ("dead", "killed"):
            assert view["endReason"], view
            # Its statements are not shown any more. Another request would be refused, so that
            # nothing can be said of those that were not answered.
            session.statements.clear()
            return self.delete(session)
        for it in [it for it in session.statements if it.id is None]:
            if not self.create(it):
                session.statements.remove(it)
        _, page = self.request("GET", session.path + "/statements")
        views = {view["id"]: view for view in page["statements"]}
        known = {it.id for it in session.statements}
        assert views.keys() == known, (session.path, views.keys() ^ known)
        for it in session.statements:
            self.compare(it, views[it.id], it.final, it.cancelled)


class Loop:
    def __init__(self, arguments, folder):
        self.build, self.folder = pathlib.Path(arguments.build).resolve(), pathlib.Path(folder)
        self.random = random.Random(arguments.seed)
        self.model = Model()
        self.settings = CONF.format(store=arguments.store)
        self.environment = self.fake_spark()
        self.slowest = 0

    def fake_spark(self):
        journal = self.folder / "journal"
        journal.mkdir()
        stub = pathlib.Path(__file__).with_name("stub_driver.py").resolve()
        for name, text in (
                ("spark/bin/spark-submit", f'#!/bin/sh\nexec {sys.executable} {stub} "$@"\n'),
                ("spark/jars/spark-core_2.12-3.5.7.jar", ""),
                ("spark/jars/scala-library-2.12.18.jar", ""),
                ("driver.jar", ""),
                ("java/bin/java", "#!/bin/sh\n"),
                ("java/release", 'JAVA_VERSION="17.0.15"\n')):
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return {"SPARK_HOME": str(self.folder / "spark"), "JAVA_HOME": str(self.folder / "java"),
                "LIVY_DRIVER_JAR": str(self.folder / "driver.jar"),
                "XDG_CACHE_HOME": str(self.folder / "cache"), "STUB_JOURNAL": str(journal)}

    def start(self):
        began = time.monotonic()
        server = live_server.LiveServer(self.build, self.folder, self.settings, **self.environment)
        self.slowest = max(self.slowest, time.monotonic() - began)
        return server

    def drivers(self):
        mark = str(self.folder).encode()
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if b"stub_driver.py" in command and mark in command:
                yield int(process.name)

    def kill_a_driver(self):
        drivers = list(self.drivers())
        if drivers:
            try:
                os.kill(self.random.choice(drivers), signal.SIGKILL)
            except ProcessLookupError:
                return
            self.model.count("drivers killed")

    def round(self, server):
        seeds = [self.random.random() for _ in range(CLIENTS)]
        failures = []

        def work(seed):
            try:
                Round(server.url, self.model, random.Random(seed)).work()
            except Exception as failure:  # Told by the thread that waits.
                failures.append(failure)

        clients = [threading.Thread(target=work, args=(seed,)) for seed in seeds]
        for client in clients:
            client.start()
        time.sleep(self.random.random() * ROUND_SECONDS_MAX)
        if self.random.random() < 0.1:
            self.kill_a_driver()
        server.kill()
        for client in clients:
            client.join()
        if failures:
            raise failures[0]

    def await_all(self, server):
        """Every statement of a session that lives comes to its end, and only once."""
        check = Check(server.url, self.model, self.random)
        for session in self.model.alive(self.model.sessions):
            for it in session.statements:
                began = time.monotonic()
                status, view = check.request("GET", it.path + "?wait=60s")
                if status == 200:
                    assert view["state"] in FINAL, (
                        it.path, view, f"after {time.monotonic() - began:.1f} s",
                        check.request("GET", session.path))
                    check.compare(it, view, it.final, it.cancelled)
        for journal in (self.folder / "journal").iterdir():
            ran = journal.read_text().split()
            assert len(ran) == len(set(ran)), f"statements of {journal.name} ran twice: {ran}"

    def run(self, rounds):
        server = self.start()
        try:
            for number in range(rounds):
                self.round(server)
                server = self.start()
                try:
                    Check(server.url, self.model, self.random).run()
                except Lost as lost:
                    raise AssertionError("the server does not answer") from lost
                if number % 20 == 19:
                    self.await_all(server)
            self.await_all(server)
        finally:
            server.kill()
            self.kill_drivers()

    def kill_drivers(self):
        for driver in self.drivers():
            os.kill(driver, signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--store", default="sqlite")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.randrange(10**6)
    print(f"seed {arguments.seed}", flush=True)
    folder = tempfile.mkdtemp(prefix="livy-kill-")
    loop = Loop(arguments, folder)
    began = time.monotonic()
    try:
        loop.run(arguments.rounds)
    except Exception:
        print(f"the state is kept in {folder}; {loop.model.counts}")
        raise
    shutil.rmtree(folder, ignore_errors=True)
    counts = ", ".join(f"{number} {what}" for what, number in loop.model.counts.items())
    print(f"{arguments.rounds} rounds in {time.monotonic() - began:.0f} s: {counts}; "
          f"slowest start {loop.slowest:.2f} s")


if __name__ == "__main__":
    main()
