"""What statements print: as it comes, in bounds, and in whatever bytes. See live_test.py."""
import json
import shutil
import unittest

import live_test

BYTES_MAX = 200000
CUT = "\n... output cut after %d bytes" % BYTES_MAX


class OutputTest(live_test.LiveTest):
    kind = "shared"
    settings = {"cancelMillis": 2000, "outputBytesMax": BYTES_MAX}

    def told(self, number):
        return [event for event in self.server.events
                if event["event"] == "output" and event["id"] == number]

    def await_told(self, number, text, seconds=30):
        """Waits until so much was told of a statement."""
        return self.server.wait(
            lambda events: text in "".join(event["text"] for event in self.told(number)),
            seconds, "output %r of %d" % (text, number))

    def gate(self):
        """A file that a statement waits for."""
        return self.folder.name + "/gate-%d" % self.driver.next_id

    def open_gate(self, name):
        with open(name, "w"):
            pass

    def follow(self, kind, code):
        """The events of a statement that prints one, waits until that is known, and prints two."""
        gate = self.gate()
        number = self.driver.submit(kind, code % gate)
        self.await_told(number, "one")
        self.assertFalse([event for event in self.server.events
                          if event["event"] == "finished" and event["id"] == number])
        self.open_gate(gate)
        output = self.driver.finished(number)["output"]
        self.assertEqual(output["status"], "ok", output)
        self.assertNotIn("truncated", output)
        told = self.told(number)
        self.assertTrue(all(list(event) == ["seq", "event", "id", "text"] for event in told))
        return "".join(event["text"] for event in told), output["data"]["text/plain"]

    PYTHON_GATE = "import os, sys, time\n%s\nwhile not os.path.exists('%%s'): time.sleep(0.01)\n"
    SCALA_GATE = '%s\nwhile (!new java.io.File("%%s").exists) Thread.sleep(10)\n'

    def test_O01_python_prints_while_it_runs(self):
        code = self.PYTHON_GATE % "print('one', '\\U0001f600')" + "print('two')"
        told, final = self.follow("pyspark", code)
        self.assertTrue(told.startswith("one \U0001f600\n"))
        self.assertEqual(final, "one \U0001f600\ntwo")

    def test_O02_pythons_errors_come_last_in_the_result(self):
        code = self.PYTHON_GATE % "print('one', file=sys.stderr)" + "print('two')"
        told, final = self.follow("pyspark", code)
        self.assertTrue(told.startswith("one\n"))
        self.assertEqual(final, "two\none")

    def test_O03_subprocesses_print_while_they_run(self):
        code = self.PYTHON_GATE % "os.system('echo one')" + "print('two')"
        told, final = self.follow("pyspark", code)
        self.assertTrue(told.startswith("one\n"))
        self.assertEqual(final, "one\ntwo")

    def test_O04_scala_prints_while_it_runs(self):
        for line in ('println("one")', 'System.out.println("one")',
                     'new Thread { override def run() = println("one") }.start()', '"one"'):
            with self.subTest(line=line):
                told, final = self.follow("spark", self.SCALA_GATE % line + 'println("two")')
                self.assertIn("one", told)
                self.assertRegex(final, "(?s)one.*two\n$")
                self.assertTrue(final.startswith(told.split("\n")[0]), (told, final))

    def test_O05_a_short_statement_tells_nothing_before_its_end(self):
        for _ in range(20):
            self.assertEqual(self.text("print(1)", "pyspark"), "1")
        quick = [self.driver.submit("pyspark", "print(1)") for _ in range(50)]
        self.driver.finished(quick[-1])
        self.assertLess(len([1 for number in quick if self.told(number)]), 3)

    def test_O06_much_output_is_cut(self):
        for kind, code in (("pyspark", "print('x' * 10000000)"),
                           ("pyspark", "for i in range(1000): print('\\u00e4' * 5000)"),
                           ("pyspark", "import os; n = os.write(1, b'x' * 10000000)"),
                           ("pyspark", "'x' * 10000000"),
                           ("spark", 'println("x" * 10000000)'),
                           ("spark", 'for (i <- 1 to 1000) print("\\u00e4" * 5000)'),
                           ("spark", 'System.out.print("x" * 10000000)')):
            with self.subTest(kind=kind, code=code):
                output = self.run_code(code, kind)
                text = output["data"]["text/plain"]
                self.assertEqual(text.rstrip()[-len(CUT):], CUT)
                size = len(text.rstrip()[:-len(CUT)].encode())
                self.assertTrue(BYTES_MAX - 4 < size <= BYTES_MAX, size)
                self.assertEqual((list(output)[-1], output["truncated"]), ("truncated", True))

    def test_O07_errors_are_cut(self):
        for kind, code in (("pyspark", "raise Exception('x' * 10000000)"),
                           ("pyspark", "print('x' * 10000000); 1 / 0"),
                           ("spark", 'throw new Exception("x" * 10000000)'),
                           ("spark", 'print("x" * 10000000); 1 / 0'),
                           ("sql", "select raise_error(repeat('x', 10000000))")):
            with self.subTest(kind=kind, code=code):
                output = self.run_code(code, kind)
                self.assertEqual(output["status"], "error")
                self.assertLess(len(json.dumps(output)), 3 * BYTES_MAX)
                self.assertEqual((list(output)[-1], output["truncated"]), ("truncated", True))

    def test_O08_all_that_is_told_is_bounded(self):
        gate = self.gate()
        number = self.driver.submit("pyspark", self.PYTHON_GATE % "print('x' * 10000000)\n"
                                    "print('y' * 10000000)" % gate)
        self.server.wait(lambda events: sum(len(event["text"]) for event in self.told(number))
                         >= BYTES_MAX, what="all of it")
        self.open_gate(gate)
        self.driver.finished(number)
        told = [len(event["text"]) for event in self.told(number)]
        self.assertEqual(sum(told), BYTES_MAX)
        self.assertLessEqual(max(told), 65536)

    def test_O09_endless_output_needs_no_memory_and_can_be_cancelled(self):
        self.text("import os, resource\ndef peak():\n"
                  "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
                  "print('x' * 1000000)\nbefore = peak()", "pyspark")
        self.text("for i in range(2000000): print('x')\n"
                  "for i in range(2000): n = os.write(1, b'xyz' * 10000)", "pyspark")
        self.assertLess(int(self.text("peak() - before", "pyspark")), 5000)
        process = self.text("os.getpid()", "pyspark")
        for code in ("while True: print('x')", "while True: print('x' * 100000)",
                     "while True: n = os.write(1, b'xyz' * 99)",
                     "import subprocess; subprocess.run('exec yes x', shell=True)"):
            with self.subTest(code=code):
                number = self.driver.submit("pyspark", code)
                self.await_told(number, "x")
                self.server.send("cancel", id=number)
                output = self.cancelled(number)
                self.assertEqual(output["ename"], "KeyboardInterrupt")
                self.assertEqual(self.text("os.getpid()", "pyspark"), process)

    def test_O10_endless_scala_output_ends_without_force(self):
        for line in ('println("x")', 'print("x" * 100000)', 'System.out.println("x")'):
            number = self.driver.submit("spark", "val kept = 7\nwhile (true) { %s }" % line)
            self.await_told(number, "x")
            self.server.send("cancel", id=number)
            self.cancelled(number)
            self.assertIn("Int = 7", self.text("kept", "spark"))

    def test_O11_any_bytes_and_characters(self):
        for code, text in (
                ("import sys; n = sys.stdout.buffer.write(b'a\\xff\\xfeb\\xc3')", "a\ufffd\ufffdb\ufffd"),
                ("import os; n = os.write(1, b'a\\xff\\xc3\\xa4\\xe4\\xb8b')", "a\ufffd\u00e4\ufffdb"),
                ("print('a\\0b\\x01\\x7f')", "a\0b\x01\x7f"),
                ("import os; n = os.write(1, b'a\\0b')", "a\0b"),
                ("print('a\\r\\nb\\rc')", "a\r\nb\rc"),
                ("print('\\ud800|\\udfff|\\U0001f600\\u2028\"\\\\')",
                 "\ud800|\udfff|\U0001f600\u2028\"\\")):
            with self.subTest(code=code):
                self.assertEqual(self.text(code, "pyspark"), text)
        for code, text in (
                ('print("a\\u0000b\\u0001\\u007f")', "a\0b\x01\x7f"),
                ('print("a\\r\\nb\\rc\\u00e4\\u4e2d")', "a\r\nb\rc\u00e4\u4e2d"),
                ('print("\\ud83d\\ude00 \\ud800!")', "\U0001f600 ?!"),
                ('System.out.write(Array[Byte](97, -1, -61, 98)); System.out.flush()',
                 "a\ufffd\ufffdb"),
                ('System.out.print("\\u00e4\\u4e2d")', "\u00e4\u4e2d")):
            with self.subTest(code=code):
                self.assertEqual(self.text(code, "spark"), text)

    def test_O12_output_before_an_error_is_kept(self):
        for kind, code in (("pyspark", "print('before')\n1 / 0"),
                           ("pyspark", "import os; os.system('echo before'); nope"),
                           ("spark", 'println("before")\n1 / 0'),
                           ("spark", 'println("before")\nnope'),
                           ("spark", 'System.out.println("before"); throw new Error("x")')):
            with self.subTest(kind=kind, code=code):
                output = self.error(code, kind)
                self.assertEqual((list(output)[-1], output["stdout"]), ("stdout", "before\n"))

    def test_O13_a_forked_process_prints_too_and_does_not_go_on(self):
        text = self.text("import multiprocessing as m\nc = m.get_context('fork')"
                         ".Process(target=print, args=('child',))\nc.start(); c.join()", "pyspark")
        self.assertEqual(text, "child")
        self.text("import os\nif os.fork(): n = os.wait()", "pyspark")
        self.assertEqual(self.text("1 + 1", "pyspark"), "2")

    def test_O14_closed_descriptors_do_no_harm(self):
        self.assertEqual(self.text("import os\nos.close(1)\nos.close(2)\nprint('a')", "pyspark"),
                         "a")
        number = self.driver.submit("pyspark", "print('b')")
        self.assertLess(self.driver.finished(number)["micros"], 500000)
        self.text("os.dup2(os.open(os.devnull, os.O_WRONLY), 1)", "pyspark")

    def need_r(self):
        if not shutil.which("R"):
            self.skipTest("R is not there")

    def test_O15_r_prints_while_it_runs(self):
        self.need_r()
        told, final = self.follow("sparkr", 'cat("one \U0001f600\\n")\n'
                                  'while (!file.exists("%s")) Sys.sleep(0.01)\nprint("two")')
        self.assertEqual(told.split("\n")[0], "one \U0001f600")
        self.assertEqual(final, 'one \U0001f600\n[1] "two"')

    def test_O16_output_of_r_is_cut(self):
        self.need_r()
        for code in ('cat(strrep("x", 10000000))', 'for (i in 1:1000) cat(strrep("\u00e4", 5000))',
                     'message(strrep("x", 8000)); print(rep("x", 200000))'):
            with self.subTest(code=code):
                output = self.run_code(code, "sparkr")
                text = output["data"]["text/plain"]
                self.assertEqual(text[-len(CUT):], CUT)
                self.assertLessEqual(len(text.encode()), BYTES_MAX + len(CUT))
                self.assertEqual((list(output)[-1], output["truncated"]), ("truncated", True))

    def test_O17_endless_output_of_r_can_be_cancelled(self):
        self.need_r()
        process = self.text("kept <- 5; cat(Sys.getpid())", "sparkr")
        number = self.driver.submit("sparkr", 'repeat cat("x\\n")')
        self.await_told(number, "x")
        self.server.send("cancel", id=number)
        self.cancelled(number)
        self.assertEqual(self.text("cat(Sys.getpid())", "sparkr"), process)
        self.assertEqual(self.text("kept", "sparkr"), "[1] 5")

    def test_O18_r_keeps_output_before_an_error(self):
        self.need_r()
        for code in ('cat("before\\n"); stop("x")', 'sink(tempfile()); sink(); cat("before\\n"); nope',
                     'cat("before\\n"); quit()'):
            with self.subTest(code=code):
                output = self.error(code, "sparkr")
                self.assertEqual((list(output)[-1], output["stdout"]), ("stdout", "before\n"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
