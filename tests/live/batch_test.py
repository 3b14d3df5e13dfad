"""Batches of livy-server with a real Spark: how they end, and what is left of them.

batch_test.py BUILD_ROOT, with a Spark in $SPARK_HOME.
"""

import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest
import urllib.request

from live_server import LiveServer, run_tests

BUILD_ROOT = pathlib.Path(sys.argv[1]).absolute()
RUN_SECONDS_MAX = 240
ENDED = {"success", "dead", "killed"}
# As little of Spark as makes it one's own.
PROGRAMS = {
    "sum.py": """
        import sys
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        print("the sum is", spark.range(int(sys.argv[1])).groupBy().sum().first()[0])
        print("and this is an error", file=sys.stderr)
        spark.stop()
        """,
    "fail.py": """
        raise ValueError("no such thing")
        """,
    "exit.py": """
        import sys
        print("about to exit")
        sys.exit(7)
        """,
    # Waits at its gate: a pipe that both sides open, and that the test closes.
    "gate.py": """
        import os, pathlib, sys
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        pathlib.Path(sys.argv[1] + ".pid").write_text(str(os.getpid()))
        open(sys.argv[1]).read()
        print("the count is", spark.range(11).count())
        """,
    "Hog.java": """
        import org.apache.spark.sql.SparkSession;
        public final class Hog {
          public static void main(String[] args) {
            SparkSession.builder().getOrCreate();
            java.util.List<long[]> all = new java.util.ArrayList<>();
            while (true) all.add(new long[1 << 22]);
          }
        }
        """,
    "Count.java": """
        import org.apache.spark.sql.SparkSession;
        public final class Count {
          public static void main(String[] args) {
            SparkSession spark = SparkSession.builder().getOrCreate();
            System.out.println("the count is " + spark.range(Long.parseLong(args[0])).count());
            spark.stop();
          }
        }
        """,
}


def group_of(pid):
    """The processes of a process group that live."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue  # It has ended meanwhile.
        if int(group) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


class WithBatches(unittest.TestCase):
    settings = "livy.spark.master = local[1]\n"

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, text in PROGRAMS.items():
            (self.folder / name).write_text(textwrap.dedent(text))
        os.mkfifo(self.folder / "gate")
        self.start()
        self.addCleanup(lambda: self.server.stop())

    def start(self):
        settings = self.settings + f"livy.file.local-dir-whitelist = {self.folder}\n"
        self.server = LiveServer(BUILD_ROOT, self.folder, settings)

    def submit(self, file, **fields):
        body = {"file": str(self.folder / file), "conf": {"spark.ui.enabled": "false"}} | fields
        status, batch = self.server.request("POST", "/batches", body)
        self.assertEqual(status, 201, batch)
        self.assertEqual(batch["state"], "starting")
        return batch["id"]

    def ended(self, batch):
        while True:
            status, view = self.server.request("GET", f"/batches/{batch}?wait=60s")
            self.assertEqual(status, 200, view)
            if view["state"] in ENDED:
                return view

    def log(self, batch):
        return self.server.request("GET", f"/batches/{batch}/log?size=-1")[1]["log"]

    def run_to_gate(self):
        """A batch that waits at its gate, and the pid of its Python process."""
        batch = self.submit("gate.py", args=[str(self.folder / "gate")], name="gated")
        # It opens the gate to read when it has come there, and this waits for that. It goes on when
        # the last who may write has closed it.
        self.gate = (self.folder / "gate").open("w")
        self.addCleanup(self.gate.close)
        return batch, int((self.folder / "gate.pid").read_text())

    def jar_of(self, name):
        if not shutil.which("javac"):
            self.skipTest("there is no javac")
        classes = self.folder / "classes"
        subprocess.run(
            ["javac", "--release", "8", "-nowarn", "-d", classes, "-cp",
             f"{os.environ['SPARK_HOME']}/jars/*", self.folder / f"{name}.java"],
            check=True, timeout=RUN_SECONDS_MAX, stderr=subprocess.DEVNULL)
        subprocess.run(["jar", "cf", self.folder / f"{name}.jar", "-C", classes, "."], check=True,
                       timeout=RUN_SECONDS_MAX)
        return f"{name}.jar"


class Ends(WithBatches):
    def test_a_python_batch_succeeds(self):
        batch = self.submit("sum.py", args=["101"], name="sum")
        view = self.ended(batch)
        self.assertEqual((view["state"], view["exitCode"]), ("success", 0), view)
        log = self.log(batch)
        self.assertIn("the sum is 5050", log)
        self.assertIn("and this is an error", log)
        self.assertEqual((log[0], log[-1]), ("stdout: ", "\nstderr: "))
        self.assertEqual(self.server.request("GET", "/batches/sum")[1]["id"], batch)

    def test_a_class_of_a_jar_succeeds(self):
        batch = self.submit(self.jar_of("Count"), className="Count", args=["12"])
        self.assertEqual(self.ended(batch)["state"], "success", self.log(batch))
        self.assertIn("the count is 12", self.log(batch))

    def test_a_batch_that_raises_is_dead_and_says_what(self):
        view = self.ended(self.submit("fail.py"))
        self.assertEqual((view["state"], view["exitCode"]), ("dead", 1), view)
        self.assertIn("ValueError: no such thing", view["endReason"])

    def test_a_batch_that_exits_is_dead_with_its_status_told(self):
        view = self.ended(self.submit("exit.py"))
        self.assertEqual(view["state"], "dead")
        # PythonRunner passes it on as spark-submit's own.
        self.assertIn("7", view["endReason"])
        self.assertIn("about to exit", view["log"])

    def test_a_file_that_is_not_there_is_a_dead_batch(self):
        view = self.ended(self.submit("nosuch.py"))
        self.assertEqual(view["state"], "dead")
        self.assertIn("No such file", view["endReason"])

    def test_a_driver_without_memory_is_dead_and_says_so(self):
        batch = self.submit(self.jar_of("Hog"), className="Hog", driverMemory="600m")
        view = self.ended(batch)
        self.assertEqual(view["state"], "dead", view)
        self.assertIn("java.lang.OutOfMemoryError", "\n".join(self.log(batch)))
        self.assertIn("OutOfMemoryError", view["endReason"])


class Output(WithBatches):
    def test_all_that_a_batch_writes_is_kept_and_can_be_followed(self):
        batch = self.submit("sum.py", args=["101"])
        with urllib.request.urlopen(
            f"{self.server.url}/batches/{batch}/output?follow=true", timeout=RUN_SECONDS_MAX
        ) as stream:
            events = [json.loads(line[6:]) for line in stream if line.startswith(b"data: ")]
        self.assertEqual(events.pop(), {"state": "success"})
        followed = "".join(event["text"] for event in events)
        self.assertIn("\nthe sum is 5050\n", followed)
        _, page = self.server.request("GET", f"/batches/{batch}/output?size=1048576")
        self.assertEqual(page["text"], followed)
        (file,) = self.folder.glob("state/livy/output/livy-batch-*/0")
        self.assertEqual(file.read_text(), followed)
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        # It outlives the server, and goes with the batch.
        self.server.kill()
        self.start()
        self.assertEqual(
            self.server.request("GET", f"/batches/{batch}/output?size=1048576")[1], page)
        self.server.request("DELETE", f"/batches/{batch}")
        self.assertFalse(file.exists())

    def test_what_the_driver_of_a_session_writes_is_kept(self):
        session = self.server.start_session("pyspark")
        _, page = self.server.request("GET", f"/sessions/{session}/output?size=1048576")
        self.assertTrue(page["text"])
        self.assertFalse(page["ended"])
        # What a driver is told about its server is not among it.
        (text,) = [
            file.read_text() for file in self.folder.glob("state/livy/output/livy-session-*/0")]
        self.assertEqual(text, page["text"])
        self.assertNotIn("spark.livy.driver.secret", text)


class Kills(WithBatches):
    def test_a_deleted_batch_leaves_no_process(self):
        batch, python = self.run_to_gate()
        group = os.getpgid(python)
        self.assertGreater(len(group_of(group)), 1)
        self.assertEqual(self.server.request("DELETE", f"/batches/{batch}"),
                         (200, {"msg": "deleted"}))
        self.assertEqual(group_of(group), [])
        self.assertEqual(self.server.request("GET", f"/batches/{batch}")[0], 404)

    def test_a_stopped_batch_is_killed_and_stays_listed(self):
        batch, python = self.run_to_gate()
        self.assertEqual(self.server.request("POST", f"/batches/{batch}/stop"), (204, None))
        view = self.ended(batch)
        self.assertEqual((view["state"], view["endReason"]), ("killed", "stopped"))

    def test_a_batch_whose_process_is_killed_outside_is_dead_with_the_signal(self):
        batch, python = self.run_to_gate()
        os.killpg(os.getpgid(python), signal.SIGKILL)
        view = self.ended(batch)
        self.assertEqual(view["state"], "dead")
        self.assertIn("SIGKILL", view["endReason"])

    def test_a_server_that_is_told_to_stop_leaves_no_batch(self):
        _, python = self.run_to_gate()
        group = os.getpgid(python)
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(group_of(group), [])
        self.start()
        self.assertEqual(self.ended("gated")["endReason"], "the server stopped")


class Restarts(WithBatches):
    def test_a_batch_goes_on_after_a_crash_of_its_server_and_can_be_killed(self):
        batch, python = self.run_to_gate()
        self.server.kill()
        self.start()
        status, view = self.server.request("GET", "/batches/gated")
        self.assertEqual((status, view["id"], view["state"]), (200, batch, "running"))
        group = os.getpgid(python)
        self.assertEqual(self.server.request("DELETE", f"/batches/{batch}")[0], 200)
        self.assertEqual(group_of(group), [])

    def test_a_batch_that_ends_after_a_crash_is_no_false_success(self):
        batch, python = self.run_to_gate()
        self.server.kill()
        self.start()
        self.assertEqual(self.server.request("GET", "/batches/gated")[1]["state"], "running")
        os.killpg(os.getpgid(python), signal.SIGKILL)
        self.assertEqual(self.ended(batch)["state"], "dead")

    def test_how_a_batch_ends_after_a_crash_is_known_if_the_kernel_tells(self):
        batch, _ = self.run_to_gate()
        self.server.kill()
        self.start()
        self.gate.close()
        view = self.ended(batch)
        kernel = tuple(map(int, os.uname().release.split(".")[:2]))
        if kernel >= (6, 15):
            self.assertEqual((view["state"], view["exitCode"]), ("success", 0), view)
        else:
            self.assertEqual(view["state"], "dead", view)
            self.assertIn("not known", view["endReason"])

    def test_a_batch_that_ended_without_a_server_has_a_reason(self):
        batch, python = self.run_to_gate()
        group = os.getpgid(python)
        self.server.kill()
        leader = os.pidfd_open(group)
        self.addCleanup(os.close, leader)
        os.killpg(group, signal.SIGKILL)
        select.select([leader], [], [], RUN_SECONDS_MAX)
        self.start()
        view = self.ended(batch)
        self.assertEqual(view["state"], "dead")
        self.assertTrue(view["endReason"])
        # Ids go on.
        self.assertEqual(self.submit("exit.py"), batch + 1)

    def test_ended_batches_are_there_after_a_crash(self):
        done = self.submit("sum.py", args=["5"], name="done")
        self.assertEqual(self.ended(done)["state"], "success")
        self.server.kill()
        self.start()
        view = self.ended("done")
        self.assertEqual((view["id"], view["state"], view["exitCode"]), (done, "success", 0))
        self.assertIn("the sum is 10", self.log(done))


class NoMaster(WithBatches):
    settings = "livy.spark.master = spark://127.0.0.1:9\n"  # Where nobody listens.

    def test_a_batch_whose_master_cannot_be_reached_is_dead(self):
        # Spark tries for a minute.
        view = self.ended(self.submit("sum.py", args=["3"]))
        self.assertEqual((view["state"], view["exitCode"]), ("dead", 1), view)
        self.assertIn("All masters are unresponsive", "\n".join(self.log(view["id"])))


class NoMasterForDrivers(WithBatches):
    settings = "livy.spark.master = spark://127.0.0.1:9\nlivy.spark.deploy-mode = cluster\n"

    def test_a_batch_whose_driver_cannot_be_submitted_is_dead(self):
        view = self.ended(self.submit(self.jar_of("Count"), className="Count", args=["12"]))
        self.assertEqual(view["state"], "dead", view)
        self.assertTrue(view["endReason"].startswith("spark-submit exited with status "), view)
        self.assertIn("127.0.0.1:9", "\n".join(self.log(view["id"])))


class Clients(WithBatches):
    """Bodies as other clients send them."""

    def test_what_airflow_sends(self):
        # Every member that is set, lists and numbers as they are, and no Content-Length surprise.
        view = self.ended(self.submit(
            "sum.py", args=["3"], className=None, jars=None, pyFiles=[], files=[], archives=None,
            driverMemory="512m", driverCores=1, executorMemory=None, executorCores=None,
            numExecutors=1, queue=None, name="airflow", proxyUser=None,
            conf={"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": 2}))
        self.assertEqual(view["state"], "success", view)

    def test_what_pylivy_sends(self):
        view = self.ended(self.submit("sum.py", args=["4"], proxyUser="ada", name=None))
        self.assertEqual(view["state"], "success", view)


if __name__ == "__main__":
    run_tests("Ends")
