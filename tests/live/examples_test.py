"""Runs the programs of examples/ against livy-server and the Spark that SPARK_HOME names.

examples_test.py BUILD_ROOT. ./test live runs it with each version of Spark.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from live_server import LiveServer

BUILD_ROOT = pathlib.Path(sys.argv[1])
DATA = pathlib.Path(__file__).resolve().parent.parent.parent / "examples/data"
RUN_SECONDS_MAX = 240


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.server = LiveServer(BUILD_ROOT, folder.name,
                                f"livy.file.local-dir-whitelist = {DATA}\n")
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

    def test_first_session(self):
        self.assertIn("5050", self.run_example("first_session"))

    def test_embedded_server(self):
        done = subprocess.run([BUILD_ROOT / "examples/embedded_server"], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=RUN_SECONDS_MAX)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("[[5050]]", done.stdout)

    def test_pi(self):
        self.assertRegex(self.run_example("pi"), r"\b3\.1\d")

    def test_batch(self):
        printed = self.run_example("batch", str(DATA / "pi.py"), "4")
        self.assertRegex(printed, r"Pi is roughly 3\.1(.|\n)*success\n$")

    def test_the_server_stops_in_order(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(LiveServer(BUILD_ROOT, folder).stop(), 0)


if __name__ == "__main__":
    if not os.environ.get("SPARK_HOME"):
        print("SKIP: SPARK_HOME is not set")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
