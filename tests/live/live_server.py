"""A livy-server for the live tests, with the Spark of $SPARK_HOME, and the few requests they make of it."""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

STOP_SECONDS_MAX = 60
REQUEST_SECONDS_MAX = 300
LISTENING = re.compile(r"listening on (http://\S+)")


class LiveServer:
    """livy-server on a free port, with its state and its output in `folder`."""

    def __init__(self, build_root, folder, settings="", port=("--port", "0"), program=(),
                 **environment):
        folder = pathlib.Path(folder)
        self.log = folder / "server.log"
        conf = folder / "livy.conf"
        conf.write_text(settings)
        environment |= {"XDG_STATE_HOME": str(folder / "state")}
        with self.log.open("w") as errors:
            self.process = subprocess.Popen(
                [*program, build_root / "server/livy-server", *port, "--conf", conf],
                env=os.environ | environment, text=True, cwd=folder,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            )
        # The end of its output, if it ends instead, ends this too.
        lines = iter(self.process.stdout.readline, "")
        self.url = next((match[1] for match in map(LISTENING.search, lines) if match), None)
        if not self.url:
            self.kill()
            raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    def stop(self):
        self.process.terminate()
        try:
            status = self.process.wait(STOP_SECONDS_MAX)
        finally:
            self.kill()
        return status

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def request(self, method, path, body=None):
        """The answer's status and its JSON, None without a body."""
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS_MAX) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as failure:
            status, text = failure.code, failure.read()
        return status, json.loads(text) if text else None

    def start_session(self, kind, **fields):
        """A session's id, once it is idle."""
        status, session = self.request("POST", "/sessions", {"kind": kind} | fields)
        assert status == 201, session
        while session["state"] == "starting":
            _, session = self.request("GET", f"/sessions/{session['id']}?wait=60s")
        assert session["state"] == "idle", session
        return session["id"]

    def submit(self, session, code, **fields):
        status, statement = self.request(
            "POST", f"/sessions/{session}/statements", {"code": code} | fields)
        assert status == 201, statement
        return statement["id"]

    def result(self, session, statement):
        """A statement's output, once it is final."""
        while True:
            status, view = self.request(
                "GET", f"/sessions/{session}/statements/{statement}?wait=60s")
            assert status == 200, view
            if view["state"] in ("available", "cancelled"):
                return view["output"]

    def run(self, session, code, **fields):
        return self.result(session, self.submit(session, code, **fields))


def drivers_of(process):
    """The pids of the driver JVMs that a livy-server has started and that live."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # It has ended meanwhile.
        if b"org.livy.driver" in command and parent == process.pid:
            found.append(int(folder.name))
    return found


def run_tests(representative=None):
    """The tests of the program that calls this: those that are named behind BUILD_ROOT, else all.

    What does not depend on the version of Spark is tried with one of them: another runs the class
    `representative` alone, if there is one.
    """
    spark = os.environ.get("SPARK_HOME")
    if not spark:
        print("SKIP: SPARK_HOME is not set")
        sys.exit(77)
    chosen = sys.argv[2:]
    if representative and not list(pathlib.Path(spark).glob("jars/spark-core_*-3.*.jar")):
        chosen = chosen or [representative]
    unittest.main("__main__", argv=sys.argv[:1] + chosen, verbosity=2)
