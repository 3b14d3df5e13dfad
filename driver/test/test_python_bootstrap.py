"""What the Python process does with code, without a driver and without Spark."""
import importlib.util
import os
import signal
import sys
import threading
import unittest


def load(path):
    spec = importlib.util.spec_from_file_location("python_bootstrap", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bootstrap = load(sys.argv.pop(1))
output, statements = bootstrap.livy_output, bootstrap.livy_statements


class RunnerTest(unittest.TestCase):
    def setUp(self):
        self.names = {"__builtins__": __builtins__}
        self.runner = statements.Runner(self.names)

    def data(self, code):
        answer = self.runner.execute(code)
        self.assertIn("data", answer, answer)
        return answer["data"]

    def test_a_syntax_error_runs_nothing(self):
        answer = self.runner.execute("x = 1\n'")
        self.assertEqual(answer["ename"], "SyntaxError")
        self.assertEqual(answer["traceback"][0], '  File "<stdin>", line 2\n')
        self.assertNotIn("x", self.names)

    def test_a_null_byte_is_an_error_and_no_crash(self):
        self.assertIn(self.runner.execute("a\0b")["ename"], ("SyntaxError", "ValueError"))

    def test_the_users_outermost_frame_is_hidden(self):
        answer = self.runner.execute("def f():\n  1/0\nf()")
        self.assertEqual(answer["traceback"], [
            "Traceback (most recent call last):\n", '  File "<stdin>", line 2, in f\n',
            "ZeroDivisionError: division by zero\n"])

    def test_no_frame_of_ours_is_shown_whatever_raised(self):
        server = bootstrap.Server(None, None, output.Capture(2), None)
        server.running = server.interrupted = 1
        self.addCleanup(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
        signal.signal(signal.SIGINT, server.on_interrupt)
        start = threading.Thread.start
        self.addCleanup(setattr, threading.Thread, "start", start)
        output.Capture(2).mark_threads()
        self.names["writer"] = output.Writer(output.Capture(2), 2)
        head, frame = "Traceback (most recent call last):\n", '  File "<stdin>", line 2, in f\n'
        for body, inner, last in [
                ("import signal; signal.raise_signal(signal.SIGINT)", [], "KeyboardInterrupt\n"),
                ("writer.write(1)", [], "TypeError: write() argument must be str, not int\n"),
                ("import threading; threading.Thread.start(None)", ["threading.py"], None)]:
            with self.subTest(body=body):
                lines = self.runner.execute("def f():\n  %s\nf()" % body)["traceback"]
                self.assertEqual(lines[:2], [head, frame])
                self.assertEqual(len(lines), 3 + len(inner), lines)
                for name, line in zip(inner, lines[2:]):
                    self.assertIn(name, line)
                self.assertEqual(lines[-1], last or lines[-1])

    def test_frames_of_a_magic_are_the_users_alone(self):
        self.runner.execute("class A(object):\n  def __str__(self):\n    return 1 / 0\nx = [A()]")
        lines = self.runner.execute("%table x")["traceback"]
        self.assertEqual(lines, ["Traceback (most recent call last):\n",
                                 '  File "<stdin>", line 3, in __str__\n',
                                 "ZeroDivisionError: division by zero\n"])
        self.assertEqual(self.runner.execute("%json x")["traceback"], [
            "Traceback (most recent call last):\n",
            "TypeError: Object of type A is not JSON serializable\n"])

    @unittest.skipIf(sys.version_info < (3, 11), "there are no exception groups")
    def test_frames_in_a_group_of_exceptions_are_hidden(self):
        self.names["writer"] = output.Writer(output.Capture(2), 2)
        lines = self.runner.execute("try:\n  writer.write(1)\nexcept TypeError as e:\n"
                                    "  raise ExceptionGroup('all', [e])")["traceback"]
        self.assertNotIn("livy_output", "".join(lines))
        self.assertIn("must be str", "".join(lines))

    def test_a_percent_sign_in_python_is_no_magic(self):
        self.assertEqual(self.data('x = (10\n% 3)'), {})
        self.assertEqual(self.names["x"], 1)

    def test_magics_are_not_looked_for_within_texts_and_brackets(self):
        self.assertEqual(self.data("x = \'\'\'\n%json x\n\'\'\'\n%json x"),
                         {"application/json": "\n%json x\n"})
        self.assertEqual(self.data("x = (10\n% 3)\n%json x"), {"application/json": 1})
        self.assertEqual(self.runner.execute("x = (\n%json x")["ename"], "SyntaxError")
        lines = self.runner.execute("%json x\n\n1 +")["traceback"]
        self.assertEqual(lines[0], '  File "<stdin>", line 3\n')
        # Quick, although each of the lines might be a magic.
        text = "x = \'\'\'" + "\n%" * 20000
        self.assertEqual(self.runner.execute(text)["ename"], "SyntaxError")
        self.assertEqual(len(self.data(text + "\n\'\'\'\n%json x")["application/json"]), 40001)

    def test_lines_around_magics_run_in_order(self):
        self.assertEqual(self.data("x = [1]\n%json x\nx = [2]\n%json x"), {"application/json": [2]})
        self.assertEqual(self.data("%json x\ny = 3"), {})

    def test_values_json_does_not_have(self):
        self.names["x"] = [float("nan"), float("inf"), 1.5, (1,), {1: None}]
        self.assertEqual(self.data("%json x")["application/json"],
                         [None, None, 1.5, [1], {"1": None}])
        self.names["x"] = object()
        self.assertEqual(self.runner.execute("%json x")["ename"], "TypeError")

    def test_table_types(self):
        import datetime
        import decimal
        self.names["x"] = [[True, 1, 1.5, "a", datetime.datetime(2020, 1, 2),
                            datetime.date(2020, 1, 2),
                            decimal.Decimal("1.5"), [1, None], {"a": 1}, None, object]]
        table = self.data("%table x")["application/vnd.livy.table.v1+json"]
        self.assertEqual([header["type"] for header in table["headers"]], [
            "BOOLEAN_TYPE", "INT_TYPE", "DOUBLE_TYPE", "STRING_TYPE", "TIMESTAMP_TYPE", "DATE_TYPE",
            "DECIMAL_TYPE", "ARRAY_TYPE", "MAP_TYPE", "NULL_TYPE", "STRING_TYPE"])
        self.assertEqual(table["headers"][10]["name"], "10")
        self.assertEqual(table["data"][0][4:9],
                         ["2020-01-02 00:00:00", "2020-01-02", "1.5", [1, None], {"a": 1}])
        for mixed in ([[1], ["a"]], [[[1, "a"]]], [[{"a": 1, "b": "c"}]]):
            self.names["x"] = mixed
            self.assertEqual(self.runner.execute("%table x")["evalue"],
                             "table rows have different types")


class CompletionTest(unittest.TestCase):
    def found(self, text, **names):
        return bootstrap.livy_completion.complete(text, names)

    def test_names_attributes_and_words(self):
        self.assertIn("some_name", self.found("1 + some_n", some_name="text"))
        self.assertIn("some_name.upper(", self.found("some_name.up", some_name="text"))
        self.assertIn("while", self.found("whi"))
        self.assertIn("print(", self.found("x = [pri"))
        self.assertIn("os.path.join(", self.found("os.path.jo", os=os))
        self.assertEqual(self.found("os._exit", os=os), ["os._exit("])
        self.assertFalse([name for name in self.found("os.", os=os) if name.startswith("os._")])

    def test_what_cannot_be_known_has_no_names(self):
        for text in ("", " ", "1.", "f().x", "'a'.up", "x[0].", "nope.x", "if.x", "a..b", ".x",
                     "while True:\n", "\u00e4\u4e2d\U0001f600.", "nope.x."):
            self.assertEqual(self.found(text, f=print, x=[1]), [], text)

    def test_no_code_of_the_user_runs(self):
        ran = []

        class Descriptor(object):
            def __get__(self, instance, owner):
                ran.append("get")

        class Trap(object):
            described = Descriptor()

            def __init__(self):
                self.inner = "text"

            def __getattr__(self, name):
                ran.append(name)

            def __dir__(self):
                ran.append("dir")
                return []

            @property
            def value(self):
                ran.append("value")

            def __call__(self):
                ran.append("call")

        trap = Trap()
        self.assertEqual(self.found("trap.", trap=trap),
                         ["trap.described", "trap.inner", "trap.value"])
        self.assertEqual(self.found("trap.inner.upp", trap=trap), ["trap.inner.upper("])
        for text in ("trap.value.", "trap.described.", "trap.other.", "tra", "Trap."):
            self.found(text, trap=trap, Trap=Trap)
        self.assertEqual(ran, [])


class CaptureTest(unittest.TestCase):
    def setUp(self):
        self.log, self.log_in = os.pipe()
        self.capture = output.Capture(self.log_in)
        self.addCleanup(os.close, self.log)
        self.addCleanup(os.close, self.log_in)

    def test_output_is_cut_visibly(self):
        self.capture.begin(1)
        self.capture.write("x" * (output.OUTPUT_MAX + 1))
        self.capture.write("y")
        text, cut = self.capture.end()
        self.assertTrue(text.endswith("x\n... output cut after 1048576 bytes\n"))
        self.assertTrue(cut)
        self.capture.begin(2)
        self.assertEqual(self.capture.end(), ("", False))

    def test_bytes_are_counted_and_characters_kept_whole(self):
        for text in ("\u00e4", "\u4e2d", "\U0001f600", "\ud800"):
            size = len(text.encode("utf-8", "surrogatepass"))
            for room in range(3 * size + 1):
                whole = room // size
                self.assertEqual(output.head("a" + text * 3, room + 1),
                                 ("a" + text * whole, 1 + size * whole))
        self.assertEqual(output.head("a" * 5, 3), ("aaa", 3))
        self.assertEqual(output.head("a", 0), ("", 0))

    def test_no_memory_is_used_beyond_the_limit(self):
        self.capture.begin(1)
        self.capture.follow(1)
        self.capture.write("x" * output.OUTPUT_MAX)
        for _ in range(100):
            self.capture.write("y")
        self.assertEqual(len(self.capture.parts[1]) + len(self.capture.untold), 2)

    def test_what_went_to_the_error_stream_comes_last(self):
        self.capture.begin(1)
        output.Writer(self.capture, 2).write("error")
        output.Writer(self.capture, 1).write("out")
        self.assertEqual(self.capture.end(), ("outerror", False))

    def test_a_statement_that_is_followed_tells_what_it_printed_in_order(self):
        self.capture.begin(1)
        self.capture.write("a")
        self.assertFalse(self.capture.changed.is_set())
        self.capture.follow(1)
        self.assertTrue(self.capture.changed.is_set())
        self.capture.write("b", 2)
        self.assertEqual(self.capture.take(), (1, "ab"))
        self.assertFalse(self.capture.changed.is_set())
        self.capture.write("c")
        self.assertEqual(self.capture.take(), (1, "c"))
        self.assertEqual(self.capture.end(), ("acb", False))
        self.capture.begin(2)
        self.capture.write("not followed")
        self.assertFalse(self.capture.changed.is_set())

    def test_one_may_be_followed_before_it_begins(self):
        self.capture.follow(1)
        self.capture.begin(1)
        self.capture.write("a")
        self.assertEqual(self.capture.take(), (1, "a"))

    def test_an_interrupt_does_not_leave_the_lock_held(self):
        server = bootstrap.Server(None, None, self.capture, None)
        self.addCleanup(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
        signal.signal(signal.SIGINT, server.on_interrupt)
        append = self.capture.append

        def interrupted_append(text, stream):
            signal.raise_signal(signal.SIGINT)
            append(text, stream)

        self.capture.append = interrupted_append
        self.capture.begin(1)
        server.running = server.interrupted = 1
        with self.assertRaises(KeyboardInterrupt):
            self.capture.write("whole")
        self.assertFalse(self.capture.lock.locked())
        self.assertEqual(self.capture.end(), ("whole", False))

    def test_an_exceptions_own_text_is_cut(self):
        answer = {"evalue": "x" * 2000000, "traceback": ["y"]}
        bootstrap.bound(answer)
        self.assertEqual(answer, {"evalue": "x" * output.OUTPUT_MAX, "traceback": [],
                                  "truncated": True})
        answer = {"evalue": "x", "traceback": ["y", "z" * 2000000, "w"]}
        bootstrap.bound(answer)
        self.assertEqual([len(line) for line in answer["traceback"]],
                         [1, output.OUTPUT_MAX - 2])
        answer = {"evalue": "x", "traceback": ["y"]}
        bootstrap.bound(answer)
        self.assertNotIn("truncated", answer)

    def test_a_threads_late_output_goes_to_the_log(self):
        start = threading.Thread.start
        self.capture.mark_threads()
        gate = threading.Event()
        thread = threading.Thread(target=lambda: (gate.wait(), self.capture.write("late")))
        self.capture.begin(1)
        thread.start()
        self.capture.end()
        self.capture.begin(2)
        gate.set()
        thread.join()
        threading.Thread.start = start
        self.assertEqual(self.capture.end(), ("", False))
        self.assertEqual(os.read(self.log, 100), b"late")

    def test_marks_are_found_wherever_they_are_cut(self):
        data = b"before" + output.Pump.MARK + b"\0after\0x"
        for cut in range(len(data)):
            pump = output.Pump(self.capture, -1, -1)
            self.capture.begin(1)
            pending = pump.consume(data[:cut])
            pump.consume(pending + data[cut:] + b"y" * 50)
            self.assertTrue(pump.reached.is_set())
            self.assertEqual(self.capture.end(), ("beforeafter\0x" + "y" * 50, False))


if __name__ == "__main__":
    unittest.main()
