"""Statements of kind sparkr under a real Spark; without R they are skipped. See live_test.py."""
import base64
import os
import shutil
import unittest

import live_test


class RTest(live_test.LiveTest):
    kind = "sparkr"
    settings = {"cancelMillis": 20000, "outputBytesMax": 100000}

    @classmethod
    def setUpClass(cls):
        if not shutil.which("R"):
            raise unittest.SkipTest("R is not there")
        super().setUpClass()

    def has_spark(self):
        output = self.run_code("class(spark)")
        if output["status"] == "error":
            self.assertIn("The SparkR package is neither in", output["evalue"])
        return output["status"] == "ok"

    def test_R01_value(self):
        self.assertEqual(self.text("1 + 2"), "[1] 3")

    def test_R02_three_statements(self):
        self.assertEqual([self.text(code) for code in ("x = 1", "y = 2", "x + y")],
                         ["", "", "[1] 3"])

    def test_R03_block(self):
        self.assertEqual(self.text("x = 1\n\ny = 2\n\nx + y"), "[1] 3")
        self.assertEqual(self.text("1\n2"), "[1] 2")
        self.assertEqual([self.text(code) for code in ("", "# comment", "invisible(1)")], [""] * 3)

    def test_R04_print(self):
        self.assertEqual(self.text('print("1")\nprint("2")'), '[1] "1"\n[1] "2"')

    def test_R05_cat(self):
        self.assertEqual(self.text("cat(3)"), "3")
        self.assertEqual(self.text('cat("\\na\\n\\nb \\n\\n")'), "a\n\nb \n")
        self.assertEqual(self.text('cat("\\033[31mred\\033[0m")'), "red")

    def test_R06_undefined_name(self):
        output = self.error("cat('before\\n'); undefinedName")
        self.assertEqual((output["ename"], output["traceback"]), ("Error", []))
        self.assertIn("object 'undefinedName' not found", output["evalue"])
        self.assertEqual(output["stdout"], "before\n")
        self.assertEqual(self.error("undefinedName")["evalue"],
                         '[1] "Error in eval(parse(text = \\"undefinedName\\")): '
                         "object 'undefinedName' not found\"")
        self.assertEqual(self.error("f <- function(n) stop('deep ', n)\nf(1)")["evalue"],
                         '[1] "Error in f(1): deep 1"')
        self.assertEqual(self.error("stop('plain', call. = FALSE)")["evalue"],
                         '[1] "Error: plain"')

    def test_R07_incomplete(self):
        output = self.error("x[")
        self.assertEqual(output["evalue"], '[1] "Error in parse(text = \\"x[\\"): <text>:2:0: '
                         'unexpected end of input\\n1: x[\\n   ^"')
        self.assertEqual(output["traceback"], [])

    def test_R08_print_a_text(self):
        self.assertEqual(self.text('print("a")'), '[1] "a"')

    def test_R09_data_frames(self):
        if not self.has_spark():
            self.skipTest("SparkR is not there")
        self.text('localDF <- data.frame(name=c("John", "Smith"), age=c(19, 23))\n'
                  "df <- createDataFrame(localDF)")
        self.assertEqual(self.text("printSchema(df)"),
                         "root\n |-- name: string (nullable = true)\n"
                         " |-- age: double (nullable = true)")
        self.assertEqual(self.text("count(filter(df, df$age > 20))"), "[1] 1")
        self.text('createOrReplaceTempView(df, "r_people")')
        self.assertEqual(self.data("select name from r_people where age > 20", "sql")
                         ["application/json"]["data"], [["Smith"]])

    def test_R10_hello(self):
        self.assertEqual(self.text("print('Hello World')"), '[1] "Hello World"')

    def test_R11_without_spark(self):
        if self.has_spark():
            self.skipTest("SparkR is there")
        for code in ("sc", "spark", "createDataFrame(data.frame(a = 1))", 'sql("select 1")'):
            self.assertIn("The SparkR package is neither in", self.error(code)["evalue"])
        self.assertEqual(self.text("spark <- 5\nspark"), "[1] 5")
        self.text("rm(spark)")

    def test_R12_plots(self):
        for code in ("plot(1:3)", "hist(c(1, 2, 2))", "library(graphics); barplot(1:2)"):
            data = self.data(code)
            self.assertEqual(sorted(data), ["image/png", "text/plain"])
            self.assertTrue(base64.b64decode(data["image/png"]).startswith(b"\x89PNG"))
            self.assertNotIn("\n", data["image/png"])
        self.assertEqual(list(self.data("1 + 1")), ["text/plain"])

    def test_R13_unicode_and_warnings(self):
        self.assertEqual(self.text("'\u00e4\u4e2d\U0001f600'"), '[1] "\u00e4\u4e2d\U0001f600"')
        self.assertEqual(self.error("stop('\u00e4')")["evalue"],
                         '[1] "Error in eval(parse(text = \\"stop(\'\u00e4\')\\")): \u00e4"')
        self.assertEqual(self.text("f <- function() { warning('care'); 1 }\nf()"),
                         "Warning message:\nIn f() : care\n[1] 1")
        self.assertEqual(self.text("message('said')"), "said")

    def test_R14_no_input_and_no_end(self):
        self.assertEqual(self.text("readline('? ')"), '? \n[1] ""')
        self.assertEqual(self.text("readLines(file('stdin'))"), "character(0)")

    def test_R15_cancel(self):
        self.text("kept <- 5")
        for code in ("Sys.sleep(60)", "repeat {}"):
            number = self.driver.submit("sparkr", code)
            self.server.event("started", id=number)
            self.server.send("cancel", id=number)
            self.cancelled(number)
            self.assertEqual(self.text("kept"), "[1] 5")

    def test_Y_R16_end_of_the_process(self):
        self.assertTrue(self.error("quit()")["evalue"].startswith("Interpreter died:\n"))
        self.assertEqual(self.text("1 + 2"), "[1] 3")
        pid = int(self.text("cat(Sys.getpid())"))
        os.kill(pid, 9)
        self.assertIn("Interpreter died", self.error("1 + 2")["evalue"])
        self.assertEqual(self.text("1 + 2"), "[1] 3")


if __name__ == "__main__":
    unittest.main(verbosity=2)
