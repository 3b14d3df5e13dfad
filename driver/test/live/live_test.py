"""What the live tests share: a driver under a real Spark.

SPARK_HOME names Spark, LIVY_DRIVER_JAR the jar. A test is named after the acceptance case that it
runs: S for Scala, P for Python, Q for SQL, W for the wire, C for cancellation, X for the rest.
"""
import tempfile
import unittest

import driver_process


class LiveTest(unittest.TestCase):
    """One driver for all tests of a class, which run in the order of their names."""

    kind = None
    settings = {}

    @classmethod
    def setUpClass(cls):
        if not driver_process.SPARK_HOME or not driver_process.DRIVER_JAR:
            raise unittest.SkipTest("SPARK_HOME or LIVY_DRIVER_JAR is not set")
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.driver = driver_process.DriverProcess(cls.folder.name, cls.kind, extra=cls.extra(),
                                                   **cls.settings)
        cls.addClassCleanup(cls.driver.close)
        cls.server = cls.driver.server
        try:
            cls.driver.await_idle()
        except AssertionError:
            print(cls.driver.log())
            raise
        cls.scala213 = cls.server.event("application")["scalaVersion"].startswith("2.13")

    @classmethod
    def extra(cls):
        """Settings of Spark."""
        return {}

    def run_code(self, code, kind=None):
        output = self.driver.run(kind or self.kind, code)
        self.assertEqual(output["execution_count"], self.driver.next_id - 1)
        return output

    def data(self, code, kind=None):
        output = self.run_code(code, kind)
        self.assertEqual(output["status"], "ok", output)
        return output["data"]

    def text(self, code, kind=None):
        data = self.data(code, kind)
        self.assertEqual(list(data), ["text/plain"])
        return data["text/plain"]

    def error(self, code, kind=None):
        output = self.run_code(code, kind)
        self.assertEqual(output["status"], "error", output)
        return output

    def cancelled(self, number):
        event = self.driver.finished(number)
        self.assertEqual(event["state"], "cancelled")
        return event["output"]

    def await_log(self, text):
        """Waits until the driver's log says something; a statement's thread may be late."""
        for _ in range(200):
            if text in self.driver.log():
                return
            self.driver.run("sql", "select 1")
        self.fail("not in the log: " + text)
