"""Statements of kind pyspark under a real Spark. See live_test.py."""
import os
import signal
import unittest

import live_test

TABLE = "application/vnd.livy.table.v1+json"


class PythonTest(live_test.LiveTest):
    kind = "pyspark"
    settings = {"cancelMillis": 3000, "outputBytesMax": 100000}

    @classmethod
    def extra(cls):
        """A Python that says something before our code runs, as one with a sitecustomize may."""
        name = os.path.join(cls.folder.name, "python")
        with open(os.open(name, os.O_WRONLY | os.O_CREAT, 0o700), "w") as script:
            script.write('#!/bin/sh\necho "of the site"\nexec "$PYSPARK_PYTHON" "$@"\n')
        os.mkdir(cls.folder.name + "/tmp")
        return {"spark.pyspark.driver.python": name,
                "spark.driver.extraJavaOptions": "-Djava.io.tmpdir=%s/tmp" % cls.folder.name}

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
            "none = subprocess.run(['sh', '-c', 'echo e; echo f >&2'])").split()[-3:], ["e", "f", "c"])
        self.assertEqual(self.error("input()")["ename"], "EOFError")
        self.assertEqual(self.error("import sys; sys.exit(3)")["ename"], "SystemExit")

    def test_P27_unicode_and_size(self):
        self.assertEqual(self.text("print('\\u00e4\\u4e2d\\U0001f600')"), "\u00e4\u4e2d\U0001f600")
        self.assertEqual(self.text("print('\\ud800')"), "\ud800")
        self.assertRegex(self.text("print('x' * 3000000)")[-60:], "output cut after 100000 bytes")

    def test_P28_late_output_goes_to_the_log(self):
        self.text("import threading\ngate = threading.Event()\n"
                  "def late():\n    gate.wait()\n    print('late', 'words')\n"
                  "thread = threading.Thread(target=late)\nthread.start()")
        self.assertEqual(self.text("gate.set()\nthread.join()\nprint('mine')"), "mine")
        self.await_log("late words")

    def test_P29_no_secret(self):
        text = self.text("import os\nprint(os.environ, sc.getConf().getAll(),"
                         " spark.sql('set').collect())")
        self.assertIn("spark.livy.driver.session", text)
        self.assertNotIn(self.server.secret, text)

    def left_files(self):
        return [name for name in os.listdir(self.folder.name + "/tmp") if name.startswith("livy-")]

    def test_P30_only_the_folder_of_classes_stays_while_it_runs(self):
        self.text("1 + 2")
        self.assertEqual(sorted(os.listdir(self.folder.name + "/tmp/" + self.left_files()[0])),
                         ["added", "classes", "lock"])
        self.assertRegex(" ".join(self.left_files()), "^livy-driver-[0-9]+$")

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
            self.assertNotIn("livy-script", "".join(self.cancelled(number)["traceback"]))
            self.assertEqual(self.text("1 + 2"), "3")

    def test_C1_cancel_leaves_the_connections_of_other_threads(self):
        self.text("""import threading
ready, go, same = threading.Event(), threading.Event(), []
def ask():
    client = sc._gateway._gateway_client
    sc._jvm.System.nanoTime()
    mine = client.get_thread_connection()
    ready.set()
    go.wait()
    sc._jvm.System.nanoTime()
    same.append(client.get_thread_connection() is mine)
asking = threading.Thread(target=ask)
asking.start()
ready.wait()""")
        number = self.driver.submit("pyspark", "sc._jvm.Thread.sleep(60000)")
        self.server.event("started", id=number)
        self.server.send("cancel", id=number)
        self.cancelled(number)
        self.assertEqual(self.text("go.set()\nasking.join()\nsame"), "[True]")

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
        self.assertEqual(self.left_files(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
