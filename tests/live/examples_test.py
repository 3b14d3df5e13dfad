"""Runs the programs of examples/ against livy-server and a real Spark, of each version there is.

examples_test.py SOURCE_ROOT BUILD_ROOT, with the environment that tests/spark_env.sh prints.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from live_server import LiveServer

SOURCE_ROOT, BUILD_ROOT = map(pathlib.Path, sys.argv[1:3])
RUN_SECONDS_MAX = 240


class Examples:
    """The tests of one version of Spark; `variable` is set below."""

    @classmethod
    def setUpClass(cls):
        spark_home = os.environ.get(cls.variable)
        if not spark_home:
            print(f"SKIP: {cls.variable} is not set")
            raise unittest.SkipTest(f"{cls.variable} is not set")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.server = LiveServer(BUILD_ROOT, spark_home, folder.name)
        cls.addClassCleanup(cls.server.stop)

    def run_example(self, name, *arguments):
        done = subprocess.run(
            [BUILD_ROOT / "examples" / name, self.server.url, *arguments], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=RUN_SECONDS_MAX,
        )
        log = self.server.log.read_text()[-4000:]
        self.assertEqual(done.returncode, 0, f"{done.stdout}\nThe server's log:\n{log}")
        return done.stdout

    def test_word_count(self):
        # A text of its own, so that the right answer is known.
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as text:
            text.write("spark livy spark\n" * 41)
            text.flush()
            printed = self.run_example("word_count", text.name)
        self.assertRegex(printed, r"(?m)\bspark\b.*\b82\b|\b82\b.*\bspark\b")

    def test_pi(self):
        self.assertRegex(self.run_example("pi"), r"\b3\.1\d")


class Spark35(Examples, unittest.TestCase):
    variable = "LIVY_TEST_SPARK_35"

    def test_server_stops_in_order(self):
        with tempfile.TemporaryDirectory() as folder:
            server = LiveServer(BUILD_ROOT, os.environ[self.variable], folder)
            self.assertEqual(server.stop(), 0)


class Spark4(Examples, unittest.TestCase):
    variable = "LIVY_TEST_SPARK_4"


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
