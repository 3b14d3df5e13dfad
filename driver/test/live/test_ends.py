"""Interpreters that die, and Spark stopped by the session's code. See live_test.py."""
import os
import signal
import tempfile
import unittest

import driver_process
import live_test


class DeathTest(live_test.LiveTest):
    kind = "pyspark"

    def child(self):
        return int(self.text("import os; os.getpid()"))

    def pythons(self):
        """The states of the driver's Python processes."""
        states = []
        for name in os.listdir("/proc"):
            try:
                with open("/proc/%s/stat" % name) as stat:
                    command, _, rest = stat.read().rpartition(")")
            except (OSError, IndexError):
                continue
            fields = rest.split()
            if int(fields[1]) == self.driver.process.pid and "(python" in command:
                states.append(fields[0])
        return states

    def assert_died(self, output, how):
        self.assertEqual((output["ename"], output["traceback"]), ("Error", []))
        self.assertTrue(output["evalue"].startswith("Interpreter died:\n" + how), output)
        self.assertEqual(self.error("kept")["ename"], "NameError")
        self.assertEqual(self.text("spark.table('kept_view').count()"), "3")
        self.assertEqual(len(self.pythons()), 1)
        self.assertNotIn("Z", self.pythons())

    def setUp(self):
        self.text("kept = 5\nspark.range(3).createOrReplaceTempView('kept_view')")

    def test_E01_exit(self):
        self.assert_died(self.error("import os; os._exit(3)"), "Python exit code 3\n")
        self.assert_died(self.error("import os; os._exit(666)"), "Python exit code 154")

    def test_E02_the_last_words_are_told(self):
        output = self.error("import os\nos.write(%d, b'last words\\n')\nos._exit(3)"
                            % self.log_descriptor())
        self.assert_died(output, "Python exit code 3\nlast words")

    def log_descriptor(self):
        return int(self.text("import gc\n[o for o in gc.get_objects()"
                             " if type(o).__name__ == 'Capture'][0].log"))

    def test_E03_what_was_printed_before_is_kept(self):
        number = self.driver.submit("pyspark", "import os, time\nprint('before')\n"
                                    "while not os.path.exists('%s/gate'): time.sleep(0.01)\n"
                                    "os._exit(3)" % self.folder.name)
        self.server.event("output", id=number)
        with open(self.folder.name + "/gate", "w"):
            pass
        output = self.driver.finished(number)["output"]
        self.assertEqual((list(output)[-1], output["stdout"]), ("stdout", "before\n"))
        self.assert_died(output, "Python exit code 3")

    def test_E04_segmentation_fault(self):
        output = self.error("import ctypes; ctypes.string_at(0)")
        self.assertIn("Segmentation fault", output["evalue"])
        self.assert_died(output, "Python exit code 139 (signal 11, SIGSEGV)")

    def test_E05_killed_while_it_runs(self):
        child = self.child()
        number = self.driver.submit("pyspark", "import time; time.sleep(1000)")
        self.server.event("started", id=number)
        os.kill(child, signal.SIGKILL)
        event = self.driver.finished(number)
        self.assertEqual(event["state"], "available")
        self.assert_died(event["output"], "Python exit code 137 (signal 9, SIGKILL")

    def test_E06_killed_while_it_is_idle(self):
        os.kill(self.child(), signal.SIGKILL)
        self.assertEqual(self.data("select 1 as a", "sql")["application/json"]["data"], [[1]])
        output = self.error("open('%s/never', 'w')" % self.folder.name)
        self.assertIn("137 (signal 9", output["evalue"])
        self.assertFalse(os.path.exists(self.folder.name + "/never"))
        self.assert_died(output, "")

    def test_E07_too_little_memory_is_an_error_like_others(self):
        self.assertEqual(self.error("bytearray(1 << 50)")["ename"], "MemoryError")
        self.assertEqual(self.text("kept"), "5")

    def test_E08_end_of_a_thread_or_of_exec(self):
        output = self.error("import os; os.execv('/bin/sh', ['sh', '-c', 'exit 4'])")
        self.assert_died(output, "Python exit code 4")


@unittest.skipUnless(driver_process.SPARK_HOME and driver_process.DRIVER_JAR,
                     "SPARK_HOME or LIVY_DRIVER_JAR is not set")
class StopTest(unittest.TestCase):
    def assert_ends(self, kind, code, status):
        with tempfile.TemporaryDirectory() as folder:
            driver = driver_process.DriverProcess(folder, kind, cancelMillis=3000)
            try:
                driver.await_idle()
                number = driver.submit(kind, code)
                waiting = driver.submit(kind, "1 + 1")
                self.assertEqual(driver.process.wait(60), 1)
                events = driver.server.events
                finished = [event for event in events if event["event"] == "finished"]
                self.assertEqual([(event["id"], event["output"]["status"]) for event in finished],
                                 [(number, status)])
                self.assertFalse([event for event in events if event.get("id") == waiting])
                self.assertEqual([event["state"] for event in events[-2:]], ["error", "dead"])
                for event in events[-2:]:
                    self.assertIn("Spark was stopped", event["message"])
            finally:
                driver.close()

    def test_E20_spark_stop_in_python(self):
        self.assert_ends("pyspark", "spark.stop()", "ok")

    def test_E21_spark_stop_in_scala(self):
        self.assert_ends("spark", "sc.stop()", "ok")

    def test_E22_spark_stop_by_code_that_goes_on(self):
        self.assert_ends("pyspark", "sc.stop()\nwhile True: pass", "error")


if __name__ == "__main__":
    unittest.main(verbosity=2)
