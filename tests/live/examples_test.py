"""Runs the programs of examples/ against livy-server and the Spark that SPARK_HOME names.

examples_test.py BUILD_ROOT. ./test live runs it with each version of Spark.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

BUILD_ROOT = pathlib.Path(sys.argv[1])
RUN_SECONDS_MAX = 240
STOP_SECONDS_MAX = 60
LISTENING = re.compile(r"listening on (http://\S+)")


class Server:
    """livy-server on a free port, with its own output kept for messages."""

    def __init__(self, folder):
        self.log = pathlib.Path(folder) / "server.log"
        with self.log.open("w") as errors:
            self.process = subprocess.Popen(
                [BUILD_ROOT / "server/livy-server", "--port", "0"], text=True, cwd=folder,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            )
        # The end of its output, if it ends instead, ends this too.
        lines = iter(self.process.stdout.readline, "")
        self.url = next((match[1] for match in map(LISTENING.search, lines) if match), None)
        if not self.url:
            raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    def stop(self):
        self.process.terminate()
        try:
            status = self.process.wait(STOP_SECONDS_MAX)
        finally:
            self.process.kill()
            self.process.stdout.close()
        return status


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.server = Server(folder.name)
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

    def test_the_server_stops_in_order(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(Server(folder).stop(), 0)


if __name__ == "__main__":
    if not os.environ.get("SPARK_HOME"):
        print("SKIP: SPARK_HOME is not set")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
