"""The driver program under a real Spark, named by SPARK_HOME; the jar by LIVY_DRIVER_JAR.

A test is named after the acceptance case that it runs: S for Scala, P for Python, Q for SQL, W for
the wire, C for cancellation, X for the rest.
"""
import json
import os
import re
import signal
import ssl
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

import driver_process
import wire_server

TABLE = "application/vnd.livy.table.v1+json"


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
        cls.driver = driver_process.DriverProcess(cls.folder.name, cls.kind, **cls.settings)
        cls.addClassCleanup(cls.driver.close)
        cls.server = cls.driver.server
        try:
            cls.driver.await_idle()
        except AssertionError:
            print(cls.driver.log())
            raise
        cls.scala213 = cls.server.event("application")["scalaVersion"].startswith("2.13")

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


class ScalaTest(LiveTest):
    kind = "spark"
    settings = {"cancelMillis": 3000, "outputBytesMax": 100000}

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
        self.assertEqual(self.data("%json x"), {"application/json": [[1, "a"], [3, "b"]]})
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
        text = self.text('println(sc.getConf.getAll.toSeq ++ sys.props.toSeq ++ spark.conf.getAll)')
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

    def test_X1_other_kinds(self):
        self.text("spark.range(3).createOrReplaceTempView(\"three\")")
        self.assertEqual(self.data("select count(*) as n from three", "sql")
                         ["application/json"]["data"], [[3]])
        self.assertEqual(self.text("spark.table('three').count()", "pyspark"), "3")

    def test_X2_no_interpreter(self):
        output = self.error("1 + 1", "sparkr")
        self.assertEqual((output["ename"], output["evalue"]),
                         ("InterpreterError", "Fail to start interpreter"))

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


class PythonTest(LiveTest):
    kind = "pyspark"
    settings = {"cancelMillis": 3000, "outputBytesMax": 100000}

    def test_P01_value(self):
        self.assertEqual(self.text("1 + 2"), "3")

    def test_P02_three_statements(self):
        self.assertEqual([self.text(code) for code in ("x = 1", "y = 2", "x + y")], ["", "", "3"])

    def test_P03_block(self):
        self.assertEqual(self.text("x = 1\n\ny = 2\n\nx + y"), "3")

    def test_P04_print(self):
        self.assertEqual(self.text('print("1")\nprint("2")'), "1\n2")

    def test_P05_class(self):
        self.assertEqual(self.text(
            "class Counter(object):\n    def __init__(self):\n        self.count = 0\n\n"
            "    def add(self, n):\n        self.count += n\n\n"
            "counter = Counter()\ncounter.add(1)\ncounter.add(2)\ncounter.count"), "3")

    def test_P06_json(self):
        data = self.data("x = [[1, 'a'], [3, 'b']]\n%json x")
        self.assertEqual(data, {"application/json": [[1, "a"], [3, "b"]]})
        self.assertEqual(self.data("print('p')\nx = [1, float('nan')]\n%json x"),
                         {"application/json": [1, None], "text/plain": "p"})

    def test_P07_table(self):
        data = self.data("x = [[1, 'a'], [3, 'b']]\n%table x")
        self.assertEqual(data, {TABLE: {
            "headers": [{"name": "0", "type": "INT_TYPE"}, {"name": "1", "type": "STRING_TYPE"}],
            "data": [[1, "a"], [3, "b"]]}})

    def test_P08_table_of_dicts(self):
        data = self.data('x = [{"a":"1","b":None},{"a":"2","b":2}]\n%table x')
        self.assertEqual(data[TABLE], {
            "headers": [{"name": "a", "type": "STRING_TYPE"}, {"name": "b", "type": "INT_TYPE"}],
            "data": [["1", None], ["2", 2]]})

    def test_P09_table_with_nulls(self):
        data = self.data('x = [{"a":None,"b":None},{"a":"2","b":2}]\n%table x')
        self.assertEqual(data[TABLE], {
            "headers": [{"name": "a", "type": "STRING_TYPE"}, {"name": "b", "type": "INT_TYPE"}],
            "data": [[None, None], ["2", 2]]})
        self.assertEqual(self.data("x = [[2, 1], [3]]\n%table x")[TABLE]["data"], [[2, 1], [3]])

    def test_P10_text_after_a_magic(self):
        self.assertEqual(self.text("x = [[1, 'a']]\n%table x\n1 + 2"), "3")

    def test_P11_hello(self):
        self.assertEqual(self.text("print('Hello World')"), "Hello World")

    def test_P12_undefined_name(self):
        self.assertEqual(self.error("undefined_name"), {
            "status": "error", "execution_count": self.driver.next_id - 1, "ename": "NameError",
            "evalue": "name 'undefined_name' is not defined",
            "traceback": ["Traceback (most recent call last):\n",
                          "NameError: name 'undefined_name' is not defined\n"]})

    def test_P13_unknown_magics(self):
        output = self.error("%")
        self.assertEqual((output["ename"], output["evalue"]),
                         ("UnknownMagic", "magic command not specified"))
        self.assertEqual(output["traceback"], ["UnknownMagic: magic command not specified\n"])
        self.assertEqual(self.error("%foo")["evalue"], "unknown magic command 'foo'")
        output = self.error("%json nope")
        self.assertEqual((output["ename"], output["evalue"]), ("KeyError", "'nope'"))
        for code in ("x = object()\n%json x", "%json", "x = [[1], ['a']]\n%table x"):
            self.error(code)
        self.assertEqual(self.text("1 + 2"), "3")

    def test_P14_syntax_error(self):
        output = self.error("syntax_x = 1\n'")
        self.assertEqual(output["ename"], "SyntaxError")
        self.assertRegex(output["evalue"],
                         "^(EOL while scanning string literal|unterminated string literal)")
        self.assertEqual(output["traceback"][0], '  File "<stdin>", line 2\n')
        self.assertEqual(self.error("syntax_x")["ename"], "NameError")

    def test_P16_traceback(self):
        output = self.error('def func1():\n  raise Exception("message")\n'
                            "def func2():\n  func1()\nprint('before')\nfunc2()")
        self.assertEqual(output["traceback"], [
            "Traceback (most recent call last):\n", '  File "<stdin>", line 4, in func2\n',
            '  File "<stdin>", line 2, in func1\n', "Exception: message\n"])
        self.assertEqual((list(output)[-1], output["stdout"]), ("stdout", "before\n"))

    def test_P17_version(self):
        self.assertEqual(self.text("import sys\nsys.version >= '3'"), "True")

    def test_P18_job(self):
        self.assertEqual(self.text("sc.parallelize(range(100)).map(lambda x: x * 2)"
                                   ".reduce(lambda x, y: x + y)"), "9900")

    def test_P19_spark(self):
        self.assertIn("pyspark.sql.session.SparkSession", self.text("spark"))

    def test_P20_table_of_rows(self):
        data = self.data("from pyspark.sql import Row\n"
                         "x = [Row(name='a', age=1), Row(name='b', age=2)]\n%table x")
        self.assertEqual([header["name"] for header in data[TABLE]["headers"]], ["age", "name"])

    def test_P21_key_error(self):
        output = self.error("raise KeyError('foo')")
        self.assertEqual((output["ename"], output["evalue"]), ("KeyError", "'foo'"))

    def test_P22_line_ends(self):
        self.assertEqual(self.text("print(1)\r\nprint(1)"), "1\n1")

    def test_P23_working_folder(self):
        self.assertEqual(self.text("import os\nfrom pyspark import SparkFiles\n"
                                   "os.getcwd() == SparkFiles.getRootDirectory()"), "True")

    def test_P24_no_progress_while_it_sleeps(self):
        number = self.driver.submit("pyspark", "import time\ntime.sleep(1)")
        self.assertGreater(self.driver.finished(number)["micros"], 1000000)
        self.assertFalse([event for event in self.server.events
                          if event["event"] == "progress" and event["id"] == number])

    def test_P25_interpreter_dies(self):
        output = self.error("import os; os._exit(66)")
        self.assertEqual((output["ename"], output["traceback"]), ("Error", []))
        self.assertTrue(output["evalue"].startswith("Interpreter died:\n"), output)
        self.assertEqual(self.text("spark.range(2).count()"), "2")

    def test_P26_streams_in_order(self):
        self.assertEqual(self.text(
            "import os, subprocess, sys\nprint('a', flush=True)\nos.write(1, b'b\\n')\n"
            "print('c', file=sys.stderr)\nsys.stdout.buffer.write(b'd\\n')\n"
            "none = subprocess.run(['sh', '-c', 'echo e; echo f >&2'])").split()[-2:], ["e", "f"])
        self.assertEqual(self.error("input()")["ename"], "EOFError")
        self.assertEqual(self.error("import sys; sys.exit(3)")["ename"], "SystemExit")

    def test_P27_unicode_and_size(self):
        self.assertEqual(self.text("print('\\u00e4\\u4e2d\\U0001f600')"), "\u00e4\u4e2d\U0001f600")
        self.assertEqual(self.text("print('\\ud800')"), "\ud800")
        self.assertRegex(self.text("print('x' * 3000000)")[-60:], "output cut after 100000 char")

    def test_P28_late_output_goes_to_the_log(self):
        self.text("import threading\ngate = threading.Event()\n"
                  "def late():\n    gate.wait()\n    print('late', 'words')\n"
                  "thread = threading.Thread(target=late)\nthread.start()")
        self.assertEqual(self.text("gate.set()\nthread.join()\nprint('mine')"), "mine")
        self.await_log("late words")

    def test_X1_scala_later(self):
        self.assertIn("Int = 2\n", self.text("1 + 1", "spark"))

    def test_X2_completion(self):
        self.text("some_name = 1")
        self.assertIn("some_name", self.driver.complete("pyspark", "some_n", 6))

    def test_C1_cancel(self):
        for code in ("import time; time.sleep(60)", "while True: pass",
                     "sc.parallelize([1], 1).map(lambda x: __import__('time').sleep(60)).count()"):
            number = self.driver.submit("pyspark", code)
            self.server.event("started", id=number)
            self.server.send("cancel", id=number)
            self.cancelled(number)
            self.assertEqual(self.text("1 + 2"), "3")

    def test_C2_cancel_what_refuses(self):
        number = self.driver.submit(
            "pyspark", "import time; open('%s/entered', 'w').close()\nwhile True:\n"
            "    try:\n        time.sleep(60)\n    except KeyboardInterrupt: pass"
            % self.folder.name)
        while not os.path.exists(self.folder.name + "/entered"):
            self.assertIsNone(self.driver.process.poll())
        self.server.send("cancel", id=number)
        self.assertIn("Interpreter died", self.cancelled(number)["evalue"])
        self.assertEqual(self.text("1 + 2"), "3")

    def test_C3_kill_python(self):
        child = int(self.text("import os; os.getpid()"))
        number = self.driver.submit("pyspark", "import time; time.sleep(60)")
        self.server.event("started", id=number)
        os.kill(child, signal.SIGKILL)
        self.assertIn("exit code 137", self.driver.finished(number)["output"]["evalue"])
        self.assertEqual(self.text("1 + 2"), "3")
        self.assertEqual(self.data("select 1 as a", "sql")["application/json"]["data"], [[1]])

    def test_Z_P15_exit_handlers(self):
        self.text("import atexit\ndef handler():\n    print('goodbye')\n"
                  "registered = atexit.register(handler)")
        self.assertEqual(self.driver.stop(), 0)
        self.assertIn("goodbye", self.driver.log())
        self.assertEqual(self.server.events[-1]["state"], "dead")


class SqlTest(LiveTest):
    kind = "sql"

    def result(self, code):
        return self.data(code)["application/json"]

    def test_Q1_rows(self):
        self.result("create or replace temp view people as select * from "
                    "values (cast(null as string), 1), ('a', 2) as t(name, age)")
        result = self.result("select * from people")
        self.assertEqual(result["schema"], {"type": "struct", "fields": [
            {"name": "name", "type": "string", "nullable": True, "metadata": {}},
            {"name": "age", "type": "integer", "nullable": False, "metadata": {}}]})
        self.assertEqual(result["data"], [[None, 1], ["a", 2]])

    def test_Q2_no_rows(self):
        self.assertEqual(self.result("select 1 as a where 1 = 2")["data"], [])
        self.assertEqual(self.result("drop view if exists nothing"),
                         {"schema": {"type": "struct", "fields": []}, "data": []})

    def test_Q3_dates(self):
        self.assertEqual(self.result("select date'2019-07-24', cast(null as date)")["data"],
                         [["2019-07-24", None]])

    def test_Q4_decimals(self):
        data = self.result("select cast(1.0 as decimal(38,18)),"
                           " cast(2.0 as decimal(38,18))")["data"]
        self.assertEqual(data, [[1.0, 2.0]])

    def test_Q5_unknown_table(self):
        output = self.error("select * from nope")
        self.assertEqual(output["ename"], "Error")
        self.assertRegex(output["evalue"], "not found|cannot be found")
        self.assertTrue(output["traceback"][0].startswith("org.apache.spark."))

    def test_Q6_two_statements(self):
        self.assertEqual(self.error("select 1; select 2")["ename"], "Error")

    def test_Q7_values(self):
        data = self.result(
            "select cast(0.1 as float), cast(1e20 as double), double('NaN'), double('Infinity'),"
            " x'ff01', timestamp'2018-08-06 09:11:15.5 UTC', array(1, 2), map(1, 'a'),"
            " named_struct('x', 'a', 'y', 2), 9007199254740993, true, null")["data"]
        self.assertEqual(data, [[0.10000000149011612, 1e20, None, "Infinity", [-1, 1],
                                 "2018-08-06T09:11:15Z", [1, 2], {"1": "a"}, {"x": "a", "y": 2},
                                 9007199254740993, True, None]])

    def test_W1_states_are_in_order(self):
        self.server.event("state", state="idle")
        names = [(event["event"], event.get("state")) for event in self.server.events[:3]]
        self.assertEqual(names, [("state", "starting"), ("application", None), ("state", "idle")])
        first, second = [self.driver.submit("sql", "select 1 as a") for _ in range(2)]
        self.driver.finished(second)
        self.server.wait(lambda events: events[-1].get("state") == "idle", what="idle")
        own = [event for event in self.server.events if event["seq"] >= self.server.event(
            "started", id=first)["seq"]]
        self.assertEqual([(event["event"], event.get("id")) for event in own],
                         [("started", first), ("finished", first), ("started", second),
                          ("finished", second), ("state", None)])
        self.assertEqual(list(own[1])[-1], "output")

    def test_W2_lost_answers(self):
        self.server.answers_to_lose = 2
        repeats = self.server.repeats
        self.assertEqual(self.result("select 2 as a")["data"], [[2]])
        self.assertEqual(self.result("select 3 as a")["data"], [[3]])
        self.assertGreater(self.server.repeats, repeats)
        numbers = [event["seq"] for event in self.server.events]
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_W3_server_gone_and_back(self):
        number = self.driver.submit("sql", "select count(*) as n from range(100) "
                                    "where java_method('java.lang.Thread', 'sleep', 20L) is null")
        self.server.event("started", id=number)
        self.server.stop_listening()
        self.await_log_line("trying again")
        self.server.listen()
        self.assertEqual(self.driver.finished(number)["state"], "available")
        self.assertEqual(self.result("select 4 as a")["data"], [[4]])
        ids = [event["id"] for event in self.server.events if event["event"] == "finished"]
        self.assertEqual(len(ids), len(set(ids)))

    def await_log_line(self, text):
        while text not in self.driver.log():
            self.assertIsNone(self.driver.process.poll())

    def test_W4_second_boot_is_refused(self):
        url = ("https://127.0.0.1:%d/driver/v1/sessions/7/events?boot=other&have=0"
               % self.server.port)
        trust_all = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trust_all.check_hostname = False
        trust_all.verify_mode = ssl.CERT_NONE
        request = urllib.request.Request(
            url, b"", {"Authorization": "Bearer " + self.server.secret})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, context=trust_all, timeout=10)
        self.assertEqual(refused.exception.code, 409)
        second = driver_process.DriverProcess(self.folder.name, "sql", server=self.server)
        self.assertEqual(second.process.wait(30), 1)
        self.assertIn("HTTP 409", second.log())
        self.assertEqual(self.result("select 5 as a")["data"], [[5]])

    def test_W5_wrong_secret(self):
        wrong = driver_process.DriverProcess(
            self.folder.name, "sql", server=self.server, secret="wrong")
        self.assertEqual(wrong.process.wait(30), 1)
        self.assertIn("HTTP 401", wrong.log())

    def test_W6_wrong_certificate(self):
        wrong = driver_process.DriverProcess(
            self.folder.name, "sql", server=self.server, fingerprint="00" * 32,
            serverLostMillis=2000)
        self.assertEqual(wrong.process.wait(30), 1)
        self.assertIn("not the one this driver was told to trust", wrong.log())

    def test_Z_stop(self):
        self.assertEqual(self.driver.stop(), 0)
        self.assertEqual(self.server.events[-1]["state"], "dead")


@unittest.skipUnless(driver_process.SPARK_HOME and driver_process.DRIVER_JAR,
                     "SPARK_HOME or LIVY_DRIVER_JAR is not set")
class StartTest(unittest.TestCase):
    def test_X8_stop_while_it_starts(self):
        with tempfile.TemporaryDirectory() as folder:
            driver = driver_process.DriverProcess(folder, "spark")
            try:
                driver.server.event("state", state="starting")
                self.assertEqual(driver.stop(), 0)
                self.assertEqual(driver.server.events[-1]["state"], "dead")
            finally:
                driver.close()

    def test_X9_spark_does_not_start(self):
        with tempfile.TemporaryDirectory() as folder:
            driver = driver_process.DriverProcess(
                folder, "sql", extra={"spark.driver.bindAddress": "192.0.2.1",
                                      "spark.port.maxRetries": "0"})
            try:
                self.assertEqual(driver.process.wait(120), 1)
                states = [event for event in driver.server.events if event["event"] == "state"]
                self.assertEqual([event["state"] for event in states],
                                 ["starting", "error", "dead"])
                self.assertTrue(states[1]["message"])
                self.assertIn("BindException", driver.log())
            finally:
                driver.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
