"""A standalone master of Spark and a worker, on loopback, for the tests of one program."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading

READY_SECONDS_MAX = 240
# The worker starts drivers without what spark-submit gives to its own from Java 17 on.
OPENED = [f"java.base/{name}" for name in (
    "java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util "
    "java.util.concurrent java.util.concurrent.atomic sun.nio.ch sun.nio.cs sun.security.action "
    "sun.util.calendar jdk.internal.ref").split()]


class Daemon:
    """A process of Spark's that says in its log when it is ready."""

    def __init__(self, arguments, ready, **environment):
        self.process = subprocess.Popen(
            [f"{os.environ['SPARK_HOME']}/bin/spark-class", *map(str, arguments)],
            env=os.environ | {"SPARK_DAEMON_MEMORY": "384m"} | environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        late = threading.Timer(READY_SECONDS_MAX, self.process.kill)
        late.start()
        self.log = ""
        for line in self.process.stdout:
            self.log += line
            if ready in line:
                break
        late.cancel()
        self.reader = threading.Thread(target=self.process.stdout.read, daemon=True)
        self.reader.start()
        if ready not in self.log:
            self.kill()
            raise AssertionError(f"{arguments[0]} did not come up:\n{self.log}")

    def port_of(self, service):
        return re.search(f"started service '{service}' on port ([0-9]+)", self.log)[1]

    def kill(self):
        """Kills it at once, with all that it has started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # All have ended.
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def stop(self):
        """Lets it end what it has started."""
        self.process.terminate()
        try:
            self.process.wait(60)
        finally:
            self.kill()


class Standalone:
    """A master that keeps its state on disk, and its worker."""

    def __init__(self):
        with contextlib.ExitStack() as parts:
            self.folder = parts.enter_context(tempfile.TemporaryDirectory())
            self.master = self.start_master(0, 0, "New state: ALIVE")
            parts.callback(lambda: self.master.stop())
            self.port = self.master.port_of("sparkMaster")
            self.ui_port = self.master.port_of("MasterUI")
            self.url = f"spark://127.0.0.1:{self.port}"
            self.ui = f"http://127.0.0.1:{self.ui_port}"
            parts.callback(self.start_worker().stop)
            self.stop = parts.pop_all().close

    def start_worker(self):
        return Daemon(
            ["org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--port", 0,
             "--webui-port", 0, "--cores", 4, "--memory", "4g", "--work-dir",
             self.subfolder("work"), self.url],
            "Successfully registered with master",
            JDK_JAVA_OPTIONS=" ".join(f"--add-opens={name}=ALL-UNNAMED" for name in OPENED))

    def subfolder(self, name):
        folder = pathlib.Path(self.folder) / name
        folder.mkdir(exist_ok=True)
        return folder

    def start_master(self, port, ui_port, ready):
        return Daemon(
            ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", port,
             "--webui-port", ui_port],
            ready,
            SPARK_DAEMON_JAVA_OPTS="-Dspark.deploy.recoveryMode=FILESYSTEM "
            f"-Dspark.deploy.recoveryDirectory={self.subfolder('recovery')}")

    def restart_master(self):
        self.master.kill()
        self.master = self.start_master(self.port, self.ui_port, "Recovery complete")
