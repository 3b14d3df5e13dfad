"""Starts the driver program by a real spark-submit and talks to it."""
import os
import signal
import subprocess
import time

import wire_server

SPARK_HOME = os.environ.get("SPARK_HOME")
DRIVER_JAR = os.environ.get("LIVY_DRIVER_JAR")


class DriverProcess(object):
    """A driver of one kind with its server. close() ends both.

    `settings` are of the driver program, `extra` of Spark.
    """

    def __init__(self, folder, kind, server=None, extra=None, **settings):
        self.server = server or wire_server.WireServer(wire_server.Certificate(folder))
        self.next_id = 0
        properties = {
            "servers": "127.0.0.1:%d" % self.server.port,
            "session": self.server.session,
            "secret": self.server.secret,
            "fingerprint": self.server.certificate.fingerprint,
            "kind": kind,
        }
        properties.update(settings)
        name = os.path.join(folder, "spark-%d.conf" % len(os.listdir(folder)))
        with open(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), "w") as text:
            for key, value in properties.items():
                text.write("spark.livy.driver.%s %s\n" % (key, value))
            spark = {"spark.ui.enabled": "false", "spark.master": "local[2]"}
            spark.update(extra or {})
            for key, value in spark.items():
                text.write("%s %s\n" % (key, value))
        environment = dict(os.environ, SPARK_LOCAL_IP="127.0.0.1")
        self.log_name = name + ".log"
        with open(self.log_name, "wb") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                [os.path.join(SPARK_HOME, "bin", "spark-submit"), "--properties-file", name,
                 "--class", "org.livy.driver.DriverMain", DRIVER_JAR],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                start_new_session=True)

    def await_idle(self, seconds=180):
        self.server.event("state", seconds, state="idle")
        self.idle_after = self.server.arrivals[-1] - self.started
        return self

    def submit(self, kind, code, **more):
        number = self.next_id
        self.next_id += 1
        self.server.send("execute", id=number, kind=kind, code=code, **more)
        return number

    def finished(self, number, seconds=120):
        return self.server.event("finished", seconds, id=number)

    def run(self, kind, code, seconds=120):
        """Runs a statement and returns its output."""
        return self.finished(self.submit(kind, code), seconds)["output"]

    def complete(self, kind, code, cursor):
        self.next_id += 1
        self.server.send("complete", id=self.next_id, kind=kind, code=code, cursor=cursor)
        return self.server.event("completion", id=self.next_id)["candidates"]

    def add(self, resource, **source):
        """Gives it a file and returns what went wrong, or None."""
        self.next_id += 1
        self.server.send("add", id=self.next_id, resource=resource, **source)
        return self.server.event("added", id=self.next_id).get("error")

    def log(self):
        with open(self.log_name, errors="replace") as text:
            return text.read()

    def stop(self, seconds=60):
        """Ends it in an orderly way and returns its exit code."""
        self.server.send("stop")
        return self.process.wait(seconds)

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self.server.listener is not None:
            self.server.stop_listening()
