"""A livy-server whose Spark is stub_driver.py, in a folder of its own, and the processes that it launches."""
import os
import pathlib
import re
import signal
import stat
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "live"))
import live_server  # noqa: E402

CONF = """
livy.server.recovery.mode = recovery
livy.server.session.max-creation = 1000
livy.server.session.timeout-check = false
livy.server.session.state-retain.sec = 1d
livy.server.log-level = warning
livy.file.local-dir-whitelist = /
"""
TAG = re.compile(rb"\0LIVY_APPLICATION_TAG=livy-(session|batch)-(\d+)-")


class Bed:
    """`settings` go before those that all have."""

    def __init__(self, build, folder, settings):
        self.build, self.folder = pathlib.Path(build).resolve(), pathlib.Path(folder)
        self.settings = CONF + settings
        self.environment = self.fake_spark()
        # How a process has ended that somebody else has launched, Linux tells from 6.15 on.
        self.can_tell = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 15)
        self.started, self.slowest = 0, 0
        self.followed = set()  # Numbers of servers that lived when the next one began to start.

    def fake_spark(self):
        (self.folder / "journal").mkdir()
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
                "XDG_CACHE_HOME": str(self.folder / "cache"),
                "STUB_JOURNAL": str(self.folder / "journal")}

    def move_drivers(self, host):
        """Where they connect from now on."""
        file = self.folder / "journal" / "host"
        file.with_suffix(".new").write_text(host)
        file.with_suffix(".new").rename(file)

    def start(self, settings=""):
        """A server that has a number, and says when it was ready."""
        began = time.monotonic()
        server = live_server.LiveServer(self.build, self.folder, self.settings + settings,
                                        **self.environment)
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.started += 1
        server.number, server.ready = self.started, time.time()
        server.is_followed = False
        return server

    def was_between(self, it):
        """Whether it died because one server was launching it when the next one looked for it."""
        return it.server in self.followed and "was being launched" in it.end["endReason"]

    def journal(self, name):
        """What a driver or a batch has written of itself, by lines."""
        try:
            return (self.folder / "journal" / name).read_text().splitlines()
        except FileNotFoundError:
            return []

    def ran(self, session):
        """Ids of statements that the session's driver has taken, each once."""
        taken = [int(line) for line in self.journal(str(session.id))]
        assert len(taken) == len(set(taken)), f"statements of {session.path} ran twice: {taken}"
        return set(taken)

    def processes(self):
        """Drivers and batches: number, "session" or "batch", and its id."""
        mark = str(self.folder).encode()
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
                tag = TAG.search(b"\0" + (process / "environ").read_bytes())
            except OSError:
                continue
            if b"stub_driver.py" in command and mark in command and tag:
                yield int(process.name), tag[1].decode(), int(tag[2])

    def kill_processes(self):
        for process, _, _ in self.processes():
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass  # It has ended meanwhile.
