"""Two versions of Spark in one livy-server: that of $SPARK_HOME, and as a runtime the other one.

runtimes_test.py BUILD_ROOT, with a Spark in $SPARK_HOME; $LIVY_TEST_SPARK_35 and $LIVY_TEST_SPARK_4 name
the two that there are.
"""

import os
import pathlib
import sys
import tempfile
import unittest

from live_server import LiveServer, run_tests

BUILD_ROOT = pathlib.Path(sys.argv[1]).absolute()
SPARK = os.environ.get("SPARK_HOME", "")
OTHER = next((home for home in map(os.environ.get, ("LIVY_TEST_SPARK_35", "LIVY_TEST_SPARK_4"))
              if home and home != SPARK), "")
VERSION_PY = """
from pyspark.sql import SparkSession
print("the version is", SparkSession.builder.getOrCreate().version)
"""


def version_of(home):
    """Such as "3.5.7", which the name of a jar tells."""
    return next(pathlib.Path(home).glob("jars/spark-core_*.jar")).stem.rpartition("-")[2]


def runtime_settings(home):
    settings = f"livy.runtime.other.spark-home = {home}\n"
    # Spark as a package of Python stands below the Python that suits it.
    python = os.path.normpath(f"{home}/../../../../bin/python")
    if os.path.exists(python):
        settings += f"livy.runtime.other.env.PYSPARK_PYTHON = {python}\n"
    return settings


class Runtimes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.common = f"livy.spark.master = local[1]\nlivy.file.local-dir-whitelist = {folder.name}\n"
        self.server = LiveServer(BUILD_ROOT, self.folder, self.common + runtime_settings(OTHER))
        self.addCleanup(lambda: self.server.stop())

    def versions_in(self, session):
        """What Scala and Python say in a session."""
        return (self.server.run(session, "print(sc.version)")["data"]["text/plain"].strip(),
                self.server.run(session, "spark.version", kind="pyspark")["data"]["text/plain"])

    def test_sessions_of_two_sparks_side_by_side(self):
        first = self.server.start_session("spark")
        other = self.server.start_session("spark", runtime="other")
        for session, home in ((first, SPARK), (other, OTHER)):
            version = version_of(home)
            self.assertEqual(self.versions_in(session), (version, f"'{version}'"))
        self.assertNotIn("runtime", self.server.request("GET", f"/sessions/{first}")[1])
        self.assertEqual(self.server.request("GET", f"/sessions/{other}")[1]["runtime"], "other")

        status, refusal = self.server.request("POST", "/sessions", {"runtime": "third"})
        self.assertEqual(status, 400)
        self.assertIn("Unknown runtime: third", refusal["msg"])

    def test_a_batch_of_the_other_spark(self):
        program = pathlib.Path(self.folder) / "version.py"
        program.write_text(VERSION_PY)
        status, batch = self.server.request(
            "POST", "/batches", {"file": str(program), "runtime": "other"})
        self.assertEqual(status, 201, batch)
        self.assertEqual(batch["runtime"], "other")
        while batch["state"] in ("starting", "running"):
            _, batch = self.server.request("GET", f"/batches/{batch['id']}?wait=60s")
        self.assertEqual(batch["state"], "success", batch)
        _, log = self.server.request("GET", f"/batches/{batch['id']}/log?size=-1")
        self.assertIn(f"the version is {version_of(OTHER)}", log["log"])

    def test_a_session_outlives_the_configuration_of_its_runtime(self):
        session = self.server.start_session("spark", runtime="other")
        self.server.run(session, "val kept = 41")
        self.server.kill()
        self.server = LiveServer(BUILD_ROOT, self.folder, self.common)
        output = self.server.run(session, "kept + 1")
        self.assertIn("42", output["data"]["text/plain"])
        self.assertEqual(self.server.request("GET", f"/sessions/{session}")[1]["runtime"], "other")
        status, _ = self.server.request("POST", "/sessions", {"runtime": "other"})
        self.assertEqual(status, 400)


if __name__ == "__main__":
    if not OTHER:
        print("SKIP: LIVY_TEST_SPARK_35 and LIVY_TEST_SPARK_4 name no second Spark")
        sys.exit(77)
    run_tests()
