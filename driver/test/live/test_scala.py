"""Statements of kind spark under a real Spark. See live_test.py."""
import json
import re
import unittest

import live_test

TABLE = "application/vnd.livy.table.v1+json"


class ScalaTest(live_test.LiveTest):
    kind = "spark"
    settings = {"cancelMillis": 3000, "outputBytesMax": 100000}

    @classmethod
    def extra(cls):
        return {"spark.r.shell.command": "there-is-no-R"}

    def echo(self, text):
        """How the REPL of this Scala shows a definition."""
        if not self.scala213:
            return text
        text = text.replace("defined class", "class")
        return re.sub(r"(^|\n|\\n)([\w\\+]+?: )", r"\1val \2", text)

    def assert_echo(self, code, pattern):
        self.assertRegex(self.text(code), "^" + self.echo(pattern) + "$")

    def test_S01_fresh_result(self):
        self.assertEqual(self.text("1 + 2"), self.echo("res0: Int = 3\n"))

    def test_S02_three_statements(self):
        self.assertEqual(self.text("val x = 1"), self.echo("x: Int = 1\n"))
        self.assertEqual(self.text("val y = 2"), self.echo("y: Int = 2\n"))
        self.assertEqual(self.text("x + y"), self.echo("res1: Int = 3\n"))

    def test_S03_blank_lines_use_up_result_names(self):
        text = self.text("val x = 1\n\nval y = 2\n\nx + y")
        self.assertEqual(text, self.echo("x: Int = 1\ny: Int = 2\nres4: Int = 3\n"))

    def test_S04_table_of_lists(self):
        data = self.data('val x = List(List(1, "a"), List(3, "b"))\n%table x')
        self.assertEqual(data, {TABLE: {
            "headers": [{"type": "BIGINT_TYPE", "name": "0"}, {"type": "STRING_TYPE", "name": "1"}],
            "data": [[1, "a"], [3, "b"]]}})

    def test_S05_table_of_tuples(self):
        data = self.data('val x = List((1,"a"),(3,"b"))\n%table x')
        self.assertEqual(data[TABLE]["headers"], [{"type": "BIGINT_TYPE", "name": "_1"},
                                                  {"type": "STRING_TYPE", "name": "_2"}])
        self.assertEqual(self.data("%json x"), {"application/json": [
            {"_1": 1, "_2": "a"}, {"_1": 3, "_2": "b"}]})
        self.assertEqual(self.error("%json nope")["ename"], "NameError")
        self.assertEqual(self.error("%foo x")["evalue"], "Unknown magic command foo")
        mixed = self.error('val m = List(List(1), List("a"))\n%table m')
        self.assertEqual((mixed["ename"], mixed["evalue"]),
                         ("TypeError", "table rows have different types"))

    def test_S06_text_after_a_magic(self):
        code = 'val x = List(List(1, "a"), List(3, "b"))\n%table x\n1 + 2'
        self.assert_echo(code, r"res\d+: Int = 3\n")

    def test_S07_println(self):
        self.assertEqual(self.text('println("Hello World")'), "Hello World\n")
        self.assertEqual(self.text('System.out.println("Hello Java")'), "Hello Java\n")

    def test_S08_print(self):
        self.assertEqual(self.text("print(1)\nprint(2)"), "12")

    def test_S09_undefined_name(self):
        output = self.error("undefinedName")
        self.assertEqual(output["ename"], "Error")
        self.assertIn("error: not found: value undefinedName", output["evalue"])
        self.assertIn("       undefinedName\n", output["traceback"])
        self.assertNotIn("stdout", output)

    def test_S10_spark_job(self):
        self.assertIn("Array[Int] = Array(1, 2)\n",
                      self.text("sc.parallelize(0 to 1).map { i => i+1 }.collect"))

    def test_S11_comments(self):
        self.assertEqual(self.text("// comment"), "")
        self.assertEqual(self.text("/*\ncomment\n*/"), "")

    def test_S12_comments_after_a_value(self):
        self.assertEqual(self.text("val r = 1\n// comment\n/*\nmore\n*/\n// end"),
                         self.echo("r: Int = 1\n"))

    def test_S13_incomplete(self):
        for code in ("sc.", "sc.\n// comment"):
            output = self.error(code)
            self.assertEqual((output["evalue"], output["traceback"]), ("incomplete statement", []))

    def test_S14_comment_marks_in_text(self):
        text = self.text('val r = """\n/*\ncomment\n*/\n//comment\n"""')
        self.assertRegex(text, self.echo(r"r: String = ?")
                         + r'\n"?\n/\*\ncomment\n\*/\n//comment\n')

    def test_S15_completion(self):
        found = self.driver.complete("spark", '"a".', 4)
        self.assertLessEqual({"+", "charAt", "compareTo"}, set(found))

    def test_S16_error_in_a_function(self):
        self.text("def func1() { throw new Exception() }")
        output = self.error("func1()")
        self.assertIn("java.lang.Exception", output["evalue"])
        self.assertIn("func1(<console>:", output["traceback"][0])

    def test_S17_sc(self):
        self.assertIn("org.apache.spark.SparkContext = org.apache.spark.SparkContext",
                      self.text("sc"))

    def test_S18_cancel_a_job(self):
        number = self.driver.submit("spark", "sc.parallelize(1 to 10, 10)"
                                    ".map { i => if (i > 1) Thread.sleep(60000); i }.collect()")
        # One task ends soon, so that progress tells when the job runs.
        self.server.event("progress", id=number)
        self.server.send("cancel", id=number)
        self.assertRegex(json.dumps(self.cancelled(number)),
                         r"Job \d+ cancelled part of cancelled job group %d" % number)
        self.assert_echo("1 + 1", r"res\d+: Int = 2\n")

    def test_S19_cancel_a_waiting_statement(self):
        code = "sc.parallelize(1 to 10, 10).map { i => Thread.sleep(60000); i }.collect()"
        first, second = self.driver.submit("spark", code), self.driver.submit("spark", code)
        self.server.event("started", id=first)
        self.server.send("cancel", id=second)
        event = self.driver.finished(second, 5)
        self.assertEqual((event["state"], event["output"]), ("cancelled", None))
        self.server.send("cancel", id=first)
        self.cancelled(first)

    def test_S20_progress(self):
        number = self.driver.submit("spark", "sc.parallelize(1 to 4, 4)"
                                    ".map(i => { Thread.sleep(i * 600L); (i, 1) }).collect()")
        self.driver.finished(number)
        steps = [event["progress"] for event in self.server.events
                 if event["event"] == "progress" and event["id"] == number]
        self.assertTrue(steps)
        self.assertEqual(steps, sorted(set(steps)))
        self.assertLessEqual(steps[-1], 0.99)

    def test_S21_no_progress_without_jobs(self):
        number = self.driver.submit("spark", "1 + 1")
        self.driver.finished(number)
        self.assertFalse([event for event in self.server.events
                          if event["event"] == "progress" and event["id"] == number])

    def test_S22_sql_context(self):
        self.assertIn("org.apache.spark.sql.SQLContext = org.apache.spark.sql.",
                      self.text("val sql = spark.sqlContext"))

    def test_S23_throw(self):
        self.assertIn("java.lang.IllegalStateException",
                      self.error("throw new IllegalStateException()")["evalue"])

    def test_S24_no_secret(self):
        text = self.text('println(sc.getConf.getAll.toSeq ++ sys.props.toSeq ++ spark.conf.getAll'
                         ' ++ sys.env ++ spark.sql("set").collect())')
        self.assertIn("spark.livy.driver.session", text)
        self.assertNotIn("driver.secret", text)
        self.assertNotIn(self.server.secret, text)
        for name in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (self.driver.process.pid, name), "rb") as told:
                self.assertNotIn(self.server.secret.encode(), told.read())

    def test_S25_completion_of_a_name(self):
        self.text('val str = "str"')
        self.assertIn("compare", self.driver.complete("scala", "str.", 4))
        self.assertEqual(self.driver.complete("scala", "str2.", 5), [])

    def test_S27_case_class(self):
        self.assertEqual(self.text("case class Item(i: Int)"), self.echo("defined class Item\n"))
        self.assertIn("6.0", self.text("sc.parallelize(1 to 3).map(i => Item(i)).map(_.i).sum"))

    def test_S28_two_errors(self):
        output = self.error("foo bar baz")
        self.assertRegex("".join([output["evalue"], "\n"] + output["traceback"]),
                         r"(?s)error: not found: value foo\n       foo bar baz\n +\^\n"
                         r".*error: not found: value baz\n       foo bar baz\n +\^\n$")

    def test_S29_type_mismatch(self):
        output = self.error('val z: Int = "a"')
        self.assertRegex(output["evalue"], "error: type mismatch;$")
        self.assertEqual(output["traceback"][:2], [' found   : String("a")\n', " required: Int\n"])
        self.assertEqual(output["traceback"][2:],
                         ['       val z: Int = "a"\n', "                    ^\n"])

    def test_S30_division_by_zero(self):
        output = self.error('println("before"); 1/0')
        self.assertEqual(output["evalue"], "java.lang.ArithmeticException: / by zero")
        self.assertRegex(output["traceback"][0], r"^  \.\.\. \d+ elided\n$")
        self.assertEqual(list(output)[-1], "stdout")
        self.assertEqual(output["stdout"], "before\n")

    def test_S31_three_echoes(self):
        self.assert_echo("val a = 1\nval b = 2\na + b",
                         r"a: Int = 1\nb: Int = 2\nres\d+: Int = 3\n")
        self.error("val kept = 5\n1/0")
        self.assert_echo("kept", r"res\d+: Int = 5\n")

    def test_S32_show(self):
        self.assertEqual(self.text("spark.range(1).show()"),
                         "+---+\n| id|\n+---+\n|  0|\n+---+\n\n")

    def test_S33_blocks(self):
        self.assertEqual(self.text("List(1, 2)\n  .map(_ + 1)\n  .foreach(print)"), "23")
        self.assertEqual(self.text("if (false) print(1)\nelse print(2)"), "2")
        self.text("class Pair(val a: Int)\nobject Pair { def of(a: Int) = new Pair(a) }")
        self.assert_echo("Pair.of(3).a", r"res\d+: Int = 3\n")

    def test_S34_output_is_cut(self):
        text = self.text('print("x" * 300000)')
        self.assertRegex(text[-60:], "x\n... output cut after 100000 bytes\n$")
        self.assertLess(len(text), 100100)

    def test_S35_late_output_goes_to_the_log(self):
        number = self.driver.submit("spark", "import java.util.concurrent.CountDownLatch\n"
                                    "val gate = new CountDownLatch(1)\n"
                                    "new Thread() { override def run() { gate.await(); "
                                    'Console.println("late " + "words") } }.start()')
        self.driver.finished(number)
        self.assertNotIn("late words", self.text("gate.countDown()\nThread.sleep(300)"))
        self.await_log("late words")

    def test_S43_a_dot_or_else_on_the_next_line(self):
        self.assert_echo("val s43 = List(1, 2)\n  // a comment\n  .map(_ + 1)\n  .sum",
                         r"s43: Int = 5\n")
        self.assertEqual(self.text("if (false) {\n  print(1)\n}\nelse {\n  print(2)\n}"), "2")
        self.assert_echo("1 match {\n  case 1 => 2\n}\n// end", r"res\d+: Int = 2\n")

    def test_S44_definitions_that_need_each_other(self):
        self.text("object Shape { def of(a: Int) = new Shape(a) }\nclass Shape(val a: Int)")
        self.assert_echo("Shape.of(3).a", r"res\d+: Int = 3\n")
        self.text("sealed trait Tree\n\ncase class Leaf(n: Int) extends Tree\n"
                  "case class Fork(a: Tree, b: Tree) extends Tree")
        self.assert_echo("(Fork(Leaf(1), Leaf(2)): Tree) match {\n  case Fork(Leaf(n), _) => n\n"
                         "  case _ => 0\n}", r"res\d+: Int = 1\n")
        self.text("def even(n: Int): Boolean = n == 0 || odd(n - 1)\n"
                  "def odd(n: Int): Boolean = n != 0 && even(n - 1)")
        self.assert_echo("even(4)", r"res\d+: Boolean = true\n")

    def test_S45_what_one_block_defines_it_uses(self):
        text = self.text("import scala.collection.mutable.ArrayBuffer\nval b45 = ArrayBuffer(1)\n"
                         "b45 += 2\nb45.sum")
        self.assertRegex(text, self.echo(r"res\d+: Int = 3\n$"))
        self.assert_echo("implicit class Twice45(n: Int) { def twice = n * 2 }\n21.twice",
                         r"defined class Twice45\nres\d+: Int = 42\n")
        self.assert_echo("val e45 = 1\nimplicit val g45: Long = 2\nlazy val h45 = 3\n"
                         "@transient\n@volatile var i45 = 4\nh45 + i45",
                         r"[\s\S]*res\d+: Int = 7\n")
        self.assert_echo("@deprecated(\"old\", \"1\") def f45(n: Int) = n\n@inline\nval v45 = 1",
                         r"[\s\S]*v45: Int = 1\n")
        self.assert_echo("val c45 = 1; val d45 = 2\nc45 + d45 // end\n/* end */",
                         r"c45: Int = 1\nd45: Int = 2\nres\d+: Int = 3\n")

    def test_S46_a_package_is_refused(self):
        output = self.error("package nowhere { class A }")
        self.assertEqual(output["ename"], "Error")
        self.assert_echo("1 + 1", r"res\d+: Int = 2\n")

    def test_X1_other_kinds(self):
        self.text("spark.range(3).createOrReplaceTempView(\"three\")")
        self.assertEqual(self.data("select count(*) as n from three", "sql")
                         ["application/json"]["data"], [[3]])
        self.assertEqual(self.text("spark.table('three').count()", "pyspark"), "3")

    def test_X2_no_interpreter(self):
        output = self.error("1 + 1", "sparkr")
        self.assertEqual((output["ename"], output["evalue"]),
                         ("InterpreterError", "Fail to start interpreter"))
        self.assertRegex(output["traceback"][0], "^R did not start: .*there-is-no-R.*\n$")

    def test_X3_error_in_the_second_line(self):
        output = self.error("val one = 1\nnope\nval two = 2")
        self.assertIn("error: not found: value nope", output["evalue"])
        self.assertIn("       nope\n", output["traceback"])

    def test_Y_C1_cancel_sleep_and_loop(self):
        for code in ("Thread.sleep(60000)", "while (true) {}"):
            number = self.driver.submit("spark", code)
            self.server.event("started", id=number)
            self.server.send("cancel", id=number)
            self.cancelled(number)
            self.assert_echo("1 + 1", r"res\d+: Int = 2\n")

    def test_Z_S26_exit(self):
        self.driver.submit("spark", "System.exit(0)")
        self.server.event("state", 30, state="dead")
        self.assertEqual(self.driver.process.wait(30), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
