"""Completion under a real Spark, beside statements that run. See live_test.py."""
import shutil
import unittest

import live_test


class CompletionTest(live_test.LiveTest):
    kind = "spark"

    def complete(self, kind, text):
        return self.driver.complete(kind, text, len(text))

    def test_X10_scala(self):
        self.assertEqual(self.complete("spark", "sc.paralleli"), ["parallelize"])
        self.text('val text10 = "a"')
        self.assertIn("text10", self.complete("spark", "text1"))
        self.assertIn("charAt", self.complete("spark", "val a = 1\ntext10.ch"))

    def test_X11_scala_beside_statements(self):
        # The compiler does one thing at a time; what matters is that nothing breaks.
        numbers = [self.driver.submit("spark", "Thread.sleep(100); %d + 1" % i) for i in range(20)]
        for _ in range(40):
            self.assertIn(self.complete("spark", "sc.paralleli"), ([], ["parallelize"]))
        for number in numbers:
            self.assertEqual(self.driver.finished(number)["output"]["status"], "ok")
        self.assertEqual(self.complete("spark", "sc.paralleli"), ["parallelize"])

    def test_X12_python(self):
        self.text("text12 = 'a'\nclass Trap12(object):\n    @property\n    def value(self):\n"
                  "        print('seen')\n        return 'a'\ntrap12 = Trap12()", "pyspark")
        self.assertIn("text12.upper(", self.complete("pyspark", "print(text12.up"))
        self.assertEqual(self.complete("python", "spark.ran"), ["spark.range("])
        self.assertEqual(self.complete("pyspark", "trap12."), ["trap12.value"])
        self.assertEqual(self.complete("pyspark", "trap12.value."), [])
        self.assertEqual(self.text("1 + 1", "pyspark"), "2")

    def test_X13_python_while_it_runs(self):
        self.text("import time", "pyspark")
        number = self.driver.submit("pyspark", "end = time.time() + 4\n"
                                    "while time.time() < end: defined13 = 1")
        self.server.event("started", id=number)
        for _ in range(20):
            self.assertEqual(self.complete("pyspark", "spark.ran"), ["spark.range("])
        self.assertFalse([event for event in self.server.events
                          if event["event"] == "finished" and event["id"] == number])
        self.driver.finished(number)
        # At the moment of the end, too.
        for _ in range(30):
            number = self.driver.submit("pyspark", "1")
            self.assertEqual(self.complete("pyspark", "spark.ran"), ["spark.range("])
            self.assertEqual(self.driver.finished(number)["output"]["data"], {"text/plain": "1"})

    def test_X14_sql(self):
        self.data("create or replace temp view people14 as select 'a' as name14, 1 as age14", "sql")
        self.assertEqual(self.complete("sql", "SEL"), ["SELECT"])
        self.assertIn("people14", self.complete("sql", "select * from peo"))
        self.assertEqual(self.complete("sql", "select p.na, p.ag from people14 as p where p.nam"),
                         ["name14"])
        self.assertEqual(self.complete("sql", "select * from people14 where age1"), ["age14"])
        self.assertIn("date_add", self.complete("sql", "select date_a"))
        self.assertEqual(self.complete("sql", "select nope.x"), [])
        self.assertLessEqual(len(self.complete("sql", "select ")), 500)

    def test_X15_r(self):
        if not shutil.which("R"):
            self.skipTest("R is not there")
        self.text("frame15 <- data.frame(column15 = 1)", "sparkr")
        self.assertEqual(self.complete("sparkr", "x <- 1\nframe1"), ["frame15"])
        self.assertIn("frame15$column15", self.complete("r", "frame15$col"))
        number = self.driver.submit("sparkr", "Sys.sleep(2)")
        self.server.event("started", id=number)
        self.assertEqual(self.complete("sparkr", "frame1"), [])
        self.driver.finished(number)

    def test_X16_cursors_outside(self):
        for kind in ("spark", "pyspark", "sql"):
            for cursor in (-1, -2 ** 31, 8, 2 ** 31 - 1):
                self.assertEqual(self.driver.complete(kind, "sc.para", cursor), [])
            self.driver.complete(kind, "\"\U0001f600\"", 2)
        self.assertEqual(self.complete("spark", "sc.paralleli"), ["parallelize"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
