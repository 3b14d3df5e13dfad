"""Statements that are cancelled, willing or not. See live_test.py."""
import os
import unittest

import live_test

PYTHON = "import ctypes, os, signal, subprocess, threading, time\n"


class CancelTest(live_test.LiveTest):
    kind = "shared"

    def cancel(self, kind, code):
        """Cancels code when it has come to where it says MARK. Returns its output."""
        mark = "%s/mark-%d" % (self.folder.name, self.driver.next_id)
        make = 'new java.io.File("%s").createNewFile()' if kind == "spark" \
            else "__import__('os').mkdir('%s')"
        number = self.driver.submit(kind, code.replace("MARK", make % mark))
        while not os.path.exists(mark):
            self.assertIsNone(self.driver.process.poll())
        return self.cancel_now(number)

    def cancel_now(self, number):
        self.server.send("cancel", id=number)
        output = self.cancelled(number)
        self.assertEqual(output["status"], "error")
        return output


class WillingTest(CancelTest):
    """Code that listens is not stopped by force, or its test would take too long."""

    settings = {"cancelMillis": 300000}

    def test_K01_one_that_waits_at_once(self):
        first = self.driver.submit("pyspark", "import time; time.sleep(1000)")
        second = self.driver.submit("pyspark", "nothing")
        third = self.driver.submit("pyspark", "'third'")
        self.server.event("started", id=first)
        self.server.send("cancel", id=second)
        event = self.driver.finished(second, 5)
        self.assertEqual((event["state"], event["output"]), ("cancelled", None))
        self.cancel_now(first)
        self.assertEqual(self.driver.finished(third)["output"]["data"]["text/plain"], "'third'")

    def test_K02_python_that_listens(self):
        process = self.text("import os\nkept = 5\nos.getpid()", "pyspark")
        for code in ("time.sleep(1000)", "while True: pass",
                     "lock = threading.Lock(); lock.acquire(); lock.acquire()",
                     "threading.Event().wait()", "subprocess.run(['sleep', '1000'])",
                     "ctypes.CDLL(None).sleep(1000)",
                     "os.read(os.pipe()[0], 1)",
                     "try:\n    time.sleep(1000)\nfinally:\n    kept = 6"):
            with self.subTest(code=code):
                output = self.cancel("pyspark", PYTHON + "MARK\n" + code)
                # What the interrupted call made of it may be anything, but not an end.
                self.assertNotIn("Interpreter died", output["evalue"])
                self.assertEqual(self.text("os.getpid()", "pyspark"), process)
        self.assertEqual(self.text("kept", "pyspark"), "6")

    def test_K03_python_in_a_spark_job(self):
        self.text("kept = 7", "pyspark")
        for code in ("sc.parallelize([1], 1).map(lambda _: (MARK, time.sleep(1000)))"
                     ".count()",
                     "def forever(x):\n    MARK\n    while True: pass\n"
                     "spark.udf.register('forever', forever)\n"
                     "spark.sql('select forever(id) from range(0, 1, 1, 1)').collect()"):
            with self.subTest(code=code):
                output = self.cancel("pyspark", PYTHON + code)
                self.assertRegex(output["evalue"] + "".join(output["traceback"]), "cancelled")
                self.assertEqual(self.text("kept + spark.range(3).count()", "pyspark"), "10")
        # The signal may come in the middle of a call into the JVM.
        self.cancel("pyspark", "MARK\nspark.range(1 << 50).selectExpr('sum(id % 7)').collect()")
        self.assertEqual(self.text("kept + spark.range(3).count()", "pyspark"), "10")

    def test_K05_scala_that_listens(self):
        self.text("val kept = 7", "spark")
        for code in ("MARK; Thread.sleep(1000000)", "MARK\nThread.sleep(1000000)",
                     "MARK; new Object { synchronized { wait() } }",
                     "MARK; new java.util.concurrent.CountDownLatch(1).await()",
                     "sc.parallelize(1 to 1).map { _ => MARK; Thread.sleep(1000000); 1 }.count()",
                     "MARK; spark.range(1L << 50).selectExpr(\"sum(id % 7)\").collect()",
                     "MARK; while (!Thread.currentThread.isInterrupted) {}"):
            with self.subTest(code=code):
                self.cancel("spark", code)
                self.assertIn("Int = 7", self.text("kept", "spark"))

    def test_K07_sql(self):
        for code in ("select sum(id % 7) from range(1125899906842624)",
                     "select java_method('java.lang.Thread', 'sleep', 1000000L)"):
            with self.subTest(code=code):
                number = self.driver.submit("sql", code)
                self.server.event("started", id=number)
                self.cancel_now(number)
                self.assertEqual(self.data("select 1 as a", "sql")["application/json"]["data"],
                                 [[1]])


class UnwillingTest(CancelTest):
    """Code that does not listen is stopped by force, or left to itself with its interpreter."""

    settings = {"cancelMillis": 1000}

    @classmethod
    def setUpClass(cls):
        super(UnwillingTest, cls).setUpClass()
        java = cls.server.event("application")["javaVersion"]
        cls.threads_stop = int(java.split(".")[0]) < 20

    def test_K04_python_that_does_not_listen_is_replaced(self):
        for code in ("made = []\nwhile True:\n    try:\n        made or made.append(MARK)\n"
                     "        while True: pass\n    except KeyboardInterrupt: pass",
                     "MARK\nctypes.PyDLL(None).sleep(1000)",  # Keeps Python's lock all the time.
                     "signal.signal(signal.SIGINT, signal.SIG_IGN)\nMARK\ntime.sleep(1000)"):
            with self.subTest(code=code):
                self.text("kept = 5", "pyspark")
                output = self.cancel("pyspark", PYTHON + code)
                self.assertRegex(output["evalue"], r"^Interpreter died:\n.*SIGKILL")
                self.assertEqual(self.error("kept", "pyspark")["ename"], "NameError")
                self.assertEqual(self.text("spark.range(3).count()", "pyspark"), "3")

    def test_K06_scala_that_does_not_listen(self):
        for code in ("MARK; while (true) {}",
                     "MARK; while (true) try Thread.sleep(1000) catch { case _: Exception => }"):
            with self.subTest(code=code):
                self.text("val kept = 7", "spark")
                output = self.cancel("spark", code)
                if self.threads_stop:
                    self.assertIn("Int = 7", self.text("kept", "spark"))
                else:
                    self.assert_replaced(output)

    def assert_replaced(self, output):
        self.assertIn("could not be stopped and still runs", output["evalue"])
        self.assertIn("not found: value kept", self.error("kept", "spark")["evalue"])
        self.assertIn("Int = 2", self.text("1 + 1", "spark"))
        if not self.threads_stop:
            return  # Nor do Spark 4.1's own closures work on Java 25.
        self.text("case class Item(i: Int)\nval two = 2", "spark")
        # Executors must not take the new classes for those of the other interpreter.
        self.assertIn("= 12.0", self.text(
            "sc.parallelize(1 to 3, 2).map(i => Item(i * two)).map(_.i).sum()", "spark"))
        self.assertIn("= 6", self.text("spark.range(4).map(_ + 0L).reduce(_ + _)", "spark"))

    def test_K08_sql_that_does_not_listen(self):
        mark = self.folder.name + "/sql-mark"
        self.text('spark.udf.register("forever", (a: Int) => {\n'
                  'new java.io.File("%s").createNewFile()\n'
                  "while (true) {}; 1 })" % mark, "spark")
        number = self.driver.submit("sql", "select forever(a) from values (1) as t(a)")
        while not os.path.exists(mark):
            self.assertIsNone(self.driver.process.poll())
        output = self.cancel_now(number)
        # It is the optimizer that runs this, in the statement's thread.
        self.assertIn("could not be stopped and still runs", output["evalue"])
        self.assertEqual(self.data("select 1 as a", "sql")["application/json"]["data"], [[1]])

    def test_Z_K09_scala_that_refuses_to_die_is_replaced(self):
        code = "while (true) try { MARK; while (true) {} } catch { case _: Throwable => }"
        for _ in range(2):
            self.text("val kept = 7", "spark")
            output = self.cancel("spark", code)
            self.assert_replaced(output)


if __name__ == "__main__":
    unittest.main(verbosity=2)
