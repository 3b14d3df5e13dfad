"""The checks of tests/check_*.py find what they are for, and nothing else."""

import pathlib
import tempfile
import unittest

import check_docs
import check_includes
import check_sources
import results


class Tree(unittest.TestCase):
    """A folder of its own for each test, with the files it writes."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


class Includes(Tree):
    def refused(self, name, line):
        self.write(name, line + "\n")
        return bool(list(check_includes.problems(self.root)))

    def test_each_rule_has_a_breach_that_is_found(self):
        for name, line in [
            ("include/livy/a.h", "#include <fmt/format.h>"),
            ("include/livy/a.h", '#include "core/json.h"'),
            ("include/livy/a.h", "#include <unistd.h>"),
            ("lib/core/a.cc", '#include "http/router.h"'),
            ("lib/server/a.cc", '#include "store/sqlite_store.h"'),
            ("lib/server/a.cc", '#include "json.h"'),
            ("lib/server/a.cc", "#  include <rapidjson/document.h>"),
            ("lib/core/names.cc", "#include <rapidjson/document.h>"),
            ("lib/http/a.h", "#include <httplib.h>"),
            ("tests/http/a.cc", "#include <httplib.h>"),
            ("lib/launch/a.cc", "#include <openssl/sha.h>"),
            ("lib/core/a.cc", "#include <sqlite3.h>"),
            ("lib/new/a.cc", '#include "new/b.h"'),
            ("tests/server/a.cc", "#include <httplib.h>"),
            ("bench/a.cc", "#include <httplib.h>"),
            ("tests/server/a.cc", "#include <zlib.h>"),
            ("examples/a.cc", '#include "core/json.h"'),
            ("examples/a.cc", "#include <fmt/format.h>"),
        ]:
            with self.subTest(name=name, line=line):
                self.setUp()
                self.assertTrue(self.refused(name, line))

    def test_what_the_rule_allows_passes(self):
        for name, line in [
            ("include/livy/testing/a.h", "#include <livy/clock.h>"),
            ("include/livy/a.h", "#include <condition_variable>"),
            ("lib/core/json_write.cc", "#include <rapidjson/writer.h>"),
            ("lib/http/a.cc", "#include <openssl/ssl.h>"),
            ("lib/http/a.cc", "#include <sys/epoll.h>"),
            ("tests/http/a.cc", "#include <zlib.h>"),
            ("tests/http/a.cc", "#include <openssl/ssl.h>"),
            ("tests/install/foreign_client.cc", "#include <httplib.h>"),
            ("bench/bare_httplib.cc", "#include <httplib.h>"),
            ("lib/server/a.cc", '#include "driver_link/link.h"'),
            ("server/main.cc", '#include "launch/spark_submit.h"'),
            ("examples/a.cc", "#include <livy/livy.h>"),
        ]:
            with self.subTest(name=name, line=line):
                self.setUp()
                self.assertFalse(self.refused(name, line))


class Sources(Tree):
    def found(self, name, text):
        self.write(name, text)
        return list(check_sources.problems(self.root))

    def test_functions_are_measured_from_brace_to_brace(self):
        body = "  Call(\"}\");  // }\n" * 67
        fits = "namespace a {\nclass B : C<int> {\n void F() const\n {\n" + body + "}\n};\n}\n"
        self.assertEqual(self.found("lib/a.cc", fits), [])

        for name, text in [
            ("lib/a.cc", "namespace a {\nvoid F() {\n" + body + "  if (x) {\n  }\n}\n}\n"),
            ("driver/A.java", "@Fixed(1) class A {\n int f() throws B {\n" + body + "\n\n\n}\n}\n"),
            ("tests/a.py", "def f():\n" + "    call()\n" * 70),
        ]:
            with self.subTest(name=name):
                self.setUp()
                self.assertEqual(len(self.found(name, text)), 1)

    def test_files_are_measured(self):
        self.assertEqual(self.found("lib/a.cc", "int a;\n" * 500), [])
        self.assertEqual(len(self.found("lib/a.cc", "int a;\n" * 501)), 1)

    def test_words_that_no_file_may_have_are_found(self):
        for name, text in [
            ("lib/a.cc", "// TO" + "DO: later\n"),
            ("docs/a.md", "See /wo" + "rk/main.\n"),
            ("quickstart", "cd /ro" + "ot/x\n"),
            ("lib/a.cc", "std::this_thread::sleep_for(x);\n"),
            ("tests/a.cc", "auto now = std::chrono::steady_clock::now();\n"),
        ]:
            with self.subTest(name=name):
                self.setUp()
                self.assertEqual(len(self.found(name, text)), 1)

    def test_the_clock_itself_may_read_the_time(self):
        self.assertEqual(self.found("lib/core/clock.cc", "auto now = steady_clock::now();\n"), [])

    def test_builds_and_data_are_not_looked_at(self):
        self.write("build-test/a.cc", "sleep_for(1);\n")
        self.write("subprojects/fmt/a.cc", "sleep_for(1);\n")
        self.assertEqual(self.found("tests/wire/a.txt", "/ro" + "ot/x\n"), [])

    def test_only_input_for_fuzzing_may_be_any_bytes(self):
        for name, problems in [("tests/fuzz/corpus/json/a", 0), ("tests/fuzz/a", 1)]:
            self.setUp()
            self.write(name, "").write_bytes(b"\xff")
            self.assertEqual(len(list(check_sources.problems(self.root))), problems)


class Docs(Tree):
    def found(self, block):
        self.write("examples/a.cc", "int main() {\n  Call();\n  return 0;\n}\n")
        self.write("README.md", f"Text.\n\n```cpp\n{block}\n```\n")
        return list(check_docs.problems(self.root))

    def test_an_excerpt_may_be_indented_otherwise(self):
        self.assertEqual(self.found("// examples/a.cc\nCall();\nreturn 0;"), [])

    def test_an_excerpt_that_differs_is_found(self):
        for block in ["Call(1);", "Call();\n}", "", "Call();\n\nreturn 0;"]:
            with self.subTest(block=block):
                self.assertEqual(len(self.found(f"// examples/a.cc\n{block}")), 1)
        self.assertEqual(len(self.found("// examples/b.cc\nCall();")), 1)
        self.assertEqual(len(self.found("Call();")), 1)

    def test_settings_are_in_the_program_and_the_documents(self):
        self.write("server/options.cc", 'Take("livy.a", x);\n  Take(\n  "livy.b", y);\nFail("livy.c");')
        row = "| `{}` | `1` | | |\n"
        for documented, shown, expected in [
            (["livy.a", "livy.b"], "# livy.a = 1\nlivy.b = 2\n# Text.\n", 0),
            (["livy.a", "livy.b"], "", 0),
            (["livy.a"], "", 1),
            (["livy.a", "livy.b", "livy.b"], "", 1),
            (["livy.a", "livy.b", "livy.c"], "", 1),
            (["livy.a", "livy.b"], "# livy.c = 1\n", 1),
        ]:
            with self.subTest(documented=documented, shown=shown):
                self.write("docs/configuration.md", "## Settings\n"
                           + "".join(map(row.format, documented)) + "## Not read\n" + row.format("livy.d"))
                self.write("packaging/livy.conf", shown)
                self.write("README.md", "")
                self.assertEqual(len(list(check_docs.problems(self.root))), expected)


class Results(unittest.TestCase):
    def test_cases_are_counted_as_the_programs_print_them(self):
        for output, outcome, counts in [
            ("[doctest] test cases: 17 | 17 passed | 0 failed | 2 skipped", "OK", (17, 0, 2)),
            ("[doctest] test cases:  3 |  2 passed | 1 failed |", "FAIL", (2, 1, 0)),
            ("Ran 5 tests in 0.1s\n\nOK (skipped=2)", "OK", (3, 0, 2)),
            ("Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)", "FAIL", (2, 2, 1)),
            ("nothing that is known", "OK", (1, 0, 0)),
            ("SKIP: there is no R", "SKIP", (0, 0, 1)),
            ("", "TIMEOUT", (0, 1, 0)),
            # A sanitizer may fail a program whose cases have all passed.
            ("[doctest] test cases: 3 | 3 passed | 0 failed | 0 skipped", "FAIL", (3, 1, 0)),
        ]:
            with self.subTest(output=output, outcome=outcome):
                self.assertEqual(results.counts({"result": outcome, "stdout": output}), counts)


if __name__ == "__main__":
    unittest.main()
