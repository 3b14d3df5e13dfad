"""Magics in Scala and Python under a real Spark. See live_test.py."""
import base64
import unittest

import live_test

JSON = "application/json"
TABLE = "application/vnd.livy.table.v1+json"


class MagicsTest(live_test.LiveTest):
    kind = "spark"
    settings = {"sqlRowsMax": 20}

    def json(self, code, kind=None):
        data = self.data(code, kind)
        self.assertEqual(list(data), [JSON])
        return data[JSON]

    def table(self, code, kind=None):
        """The names of the columns, their types, and the rows."""
        data = self.data(code, kind)
        self.assertEqual(list(data), [TABLE])
        headers = data[TABLE]["headers"]
        return ([header["name"] for header in headers],
                [header["type"].replace("_TYPE", "") for header in headers], data[TABLE]["data"])

    def named_error(self, code, kind=None):
        output = self.error(code, kind)
        return output["ename"], output["evalue"]

    def python_json(self, code):
        return self.json(code, "pyspark")

    def python_table(self, code):
        return self.table(code, "pyspark")

    # Scala.

    def test_S36_json_of_an_earlier_statement(self):
        self.text('val m36 = Map("a" -> 1, "b" -> 2)')
        self.assertEqual(self.json("%json m36"), {"a": 1, "b": 2})
        self.assertEqual(self.json("val other36 = 5\n%json m36"), {"a": 1, "b": 2})
        self.assertEqual(self.json("%json m36.keys.toList.sorted  // a comment"), ["a", "b"])
        self.assertEqual(self.named_error("%json nope36"),
                         ("NameError", "Value nope36 does not exist"))
        self.assertEqual(self.named_error("%json"), ("NameError", "Value  does not exist"))
        self.assertEqual(self.named_error("%table"), ("NameError", "Value  does not exist"))

    def test_S37_forms_of_json(self):
        self.text("case class Point37(x: Int, `the y`: Option[Double])")
        self.assertEqual(self.json(
            'val v37 = List(Point37(1, Some(2.5)), Point37(3, None), (1, "a"), ("key", 2), null,'
            ' Some(1), None, \'c\', Array(1, 2), Right(3), Double.NaN, Double.PositiveInfinity,'
            ' BigInt("123456789012345678901234567890"), 1.5f, true, Set(1).iterator,'
            ' java.util.Arrays.asList(1, "b"), java.sql.Date.valueOf("2020-01-02"))\n%json v37'),
            [{"x": 1, "the y": 2.5}, {"x": 3}, {"_1": 1, "_2": "a"}, {"key": 2}, None, 1, None, "c",
             [1, 2], 3, None, "Infinity", 123456789012345678901234567890, 1.5, True, [1], [1, "b"],
             "2020-01-02"])
        self.assertIsNone(self.json("val n37: String = null\n%json n37"))

    def test_S38_json_of_an_rdd_and_a_data_frame(self):
        output = self.run_code("val r38 = sc.parallelize(1 to 20)\n%json r38")
        self.assertEqual(output["data"], {JSON: list(range(1, 11))})
        self.assertEqual((list(output)[-1], output["truncated"]), ("truncated", True))
        self.assertNotIn("truncated", self.run_code("val s38 = sc.parallelize(1 to 10)\n%json s38"))
        self.assertEqual(self.json('val d38 = Seq((1, "a"), (2, null)).toDF("n", "t")\n%json d38'),
                         [{"n": 1, "t": "a"}, {"n": 2, "t": None}])
        self.assertEqual(self.json("%json d38.collect"), self.json("%json d38"))
        output = self.run_code("val l38 = spark.range(100)\n%json l38")
        self.assertEqual((len(output["data"][JSON]), output["truncated"]), (20, True))

    def test_S39_table_of_a_data_frame(self):
        self.assertEqual(self.table(
            'val d39 = spark.sql("select 1 as z, null as a, 1.5 as d, array(struct(1 as p)) as s,'
            ' date\'2020-01-02\' as t, \'x\' as z union all select 2, null, null, null, null,'
            ' null")\n%table d39'),
            (["z", "a", "d", "s", "t", "z"],
             ["BIGINT", "NULL", "DECIMAL", "ARRAY", "DATE", "STRING"],
             [[1, None, 1.5, [{"p": 1}], "2020-01-02", "x"], [2] + [None] * 5]))
        self.assertEqual(self.table("%table spark.range(1)"), (["id"], ["BIGINT"], [[0]]))
        number = self.driver.submit("spark", "%table spark.range(100)", rowsMax=3)
        output = self.driver.finished(number)["output"]
        self.assertEqual(len(output["data"][TABLE]["data"]), 3)
        self.assertTrue(output["truncated"])

    def test_S40_tables(self):
        self.text("case class Row40(b: String, a: BigDecimal)")
        self.assertEqual(self.table('val c40 = Seq(Row40("x", 1.5))\n%table c40'),
                         (["a", "b"], ["DECIMAL", "STRING"], [[1.5, "x"]]))
        self.assertEqual(self.table('val p40 = Array(("a", 1), (null, 2))\n%table p40'),
                         (["_1", "_2"], ["STRING", "BIGINT"], [["a", 1], [None, 2]]))
        self.assertEqual(self.table('val m40 = Seq(Map("a" -> 1), Map("b" -> 2))\n%table m40'),
                         (["a", "b"], ["BIGINT", "BIGINT"], [[1, None], [None, 2]]))
        self.assertEqual(self.table("%table 5"), (["0"], ["BIGINT"], [[5]]))
        self.assertEqual(self.table("%table Map(1 -> true)"), (["1"], ["BOOLEAN"], [[True]]))
        self.assertEqual(self.table("%table List[Int]()"), ([], [], []))
        self.assertEqual(self.table("%table List(List(2, 1), List(3))")[2], [[2, 1], [3]])
        self.assertEqual(self.table("%table sc.parallelize(Seq((1, 2.5)))"),
                         (["_1", "_2"], ["BIGINT", "DOUBLE"], [[1, 2.5]]))
        for mixed in ('List(List(1), List("a"))', 'List(List(List(1, "a")))',
                      'List(Map("m" -> Map("a" -> 1, "b" -> "c")))'):
            self.assertEqual(self.named_error("%table " + mixed),
                             ("TypeError", "table rows have different types"))

    def test_S41_what_has_no_json(self):
        unconvertible = ("ValueError", "Failed to convert value into a JSON value")
        too_large = ("ValueError", "The value is too large for an output")
        self.assertEqual(self.named_error("%json new Object"), unconvertible)
        self.assertEqual(self.named_error(
            "val l41 = new java.util.ArrayList[Object]()\nval added = l41.add(l41)\n%json l41"),
            unconvertible)
        self.assertEqual(self.named_error('%json "x" * 20000000'), too_large)
        self.assertEqual(self.named_error("%json Iterator.continually(1)"), too_large)
        self.assertEqual(self.named_error("%table Iterator.continually(1)"), too_large)
        self.assertEqual(self.named_error('%json sc.parallelize(Seq(1)).map(i => i / 0)')[0],
                         "Error")
        self.assertIn("java.lang.IllegalStateException: mine", self.named_error(
            '%json (throw new IllegalStateException("mine")).toString')[1])
        self.assertEqual(self.named_error("%foo x"), ("UnknownMagic", "Unknown magic command foo"))
        self.assertIn("Int = 2", self.text("1 + 1"))

    def test_S42_no_magic_within_texts_and_comments(self):
        self.assertEqual(self.text('println("""\n%json x\n""".trim)\n/*\n%table y\n*/'), "%json x\n")
        self.assertEqual(self.json('val q42 = "\\"\\"\\""  // "\nval c = \'"\'\n%json q42'), '"""')

    # Python.

    def test_P31_json_of_an_earlier_statement(self):
        self.text("m31 = {'a': 1, None: [True], True: 2}", "pyspark")
        self.assertEqual(self.python_json("%json m31"), {"a": 1, "null": [True], "true": 2})
        self.assertEqual(self.python_json("%json  m31['a'] + 1"), 2)
        self.assertEqual(self.named_error("%json nope31", "pyspark"), ("KeyError", "'nope31'"))
        self.assertEqual(self.named_error("%json", "pyspark"),
                         ("ValueError", "%json needs the name of a value"))
        self.assertEqual(self.named_error("%json 1 +", "pyspark")[0], "SyntaxError")
        self.assertEqual(self.named_error("%json 1 / 0", "pyspark")[0], "ZeroDivisionError")

    def test_P32_json_of_what_json_has_not(self):
        self.assertEqual(self.python_json(
            "import datetime, decimal\nx = [float('nan'), float('inf'), decimal.Decimal('1.50'),"
            " datetime.date(2020, 1, 2), (1, 2), 10 ** 30, '\\ud800']\n%json x"),
            [None, None, "1.50", "2020-01-02", [1, 2], 10 ** 30, "\ud800"])
        for value, ename in (("object()", "TypeError"), ("{1, 2}", "TypeError"),
                             ("'x' * 20000000", "ValueError"), ("10 ** 5000", "ValueError"),
                             ("[0] * 3000000", "ValueError")):
            self.assertEqual(self.named_error("%json " + value, "pyspark")[0], ename)
        self.assertEqual(self.named_error("x = []\nx.append(x)\n%json x", "pyspark"),
                         ("ValueError", "The value has more than 200 levels"))
        self.assertEqual(self.named_error("%table x", "pyspark")[0], "ValueError")
        self.assertEqual(self.text("len(x)", "pyspark"), "1")

    def test_P33_data_frames_and_rdds(self):
        self.text("d33 = spark.sql(\"select 1 as z, struct(1.5 as p) as a, 'x' as z\")", "pyspark")
        self.assertEqual(self.python_table("%table d33"),
                         (["z", "a", "z"], ["INT", "MAP", "STRING"], [[1, {"p": "1.5"}, "x"]]))
        self.assertEqual(self.python_json("%json d33"), [[1, {"p": "1.5"}, "x"]])
        self.assertEqual(self.python_json("%json spark.range(2)"), [{"id": 0}, {"id": 1}])
        output = self.run_code("%table spark.range(100)", "pyspark")
        self.assertEqual((len(output["data"][TABLE]["data"]), output["truncated"]), (20, True))
        output = self.run_code("%json sc.parallelize(range(20))", "pyspark")
        self.assertEqual((output["data"][JSON], output["truncated"]), (list(range(10)), True))
        self.assertEqual(self.python_table("%table sc.parallelize([(1, 'a')])")[2], [[1, "a"]])

    def test_P34_tables(self):
        self.assertEqual(self.python_table(
            "import datetime, decimal\nx = [[1, None, datetime.date(2020, 1, 2), [1], {'a': 1},"
            " decimal.Decimal(2), float('nan')], [2] + [None] * 6]\n%table x"),
            ([str(i) for i in range(7)],
             ["INT", "NULL", "DATE", "ARRAY", "MAP", "DECIMAL", "DOUBLE"],
             [[1, None, "2020-01-02", [1], {"a": 1}, "2", None], [2] + [None] * 6]))
        self.assertEqual(self.python_table("%table [{'a': 1}, {'b': 2}]"),
                         (["a", "b"], ["INT", "INT"], [[1, None], [None, 2]]))
        self.assertEqual(self.python_table("%table 5"), (["0"], ["INT"], [[5]]))
        self.assertEqual(self.python_table("%table []"), ([], [], []))
        for mixed in ("[[1], ['a']]", "[[[1, 'a']]]", "[[{'a': 1, 'b': 'c'}]]"):
            self.assertEqual(self.named_error("%table " + mixed, "pyspark"),
                             ("TypeError", "table rows have different types"))

    def test_P35_no_magic_within_texts_and_brackets(self):
        self.assertEqual(self.python_json('t35 = """\n%json x\n"""\n%json t35'), "\n%json x\n")
        self.assertEqual(self.python_json("t35 = (10\n% 3)\n%json t35"), 1)
        output = self.error("t35 = 1\n%json t35\n1 / 0", "pyspark")
        self.assertEqual(output["ename"], "ZeroDivisionError")
        self.assertIn('line 3\n', self.error("%json t35\n\nt35 = (", "pyspark")["traceback"][0])
        self.assertEqual(self.text("t35", "pyspark"), "1")

    def test_P36_matplot(self):
        fake = ("class Figure(object):\n    def savefig(self, file, format):\n"
                "        file.write(b'\\x89PNG of ' + format.encode())\n"
                "class plt(object):\n    @staticmethod\n    def gcf():\n        return Figure()\n"
                "    @staticmethod\n    def plot(*what): pass\n")
        self.text("try:\n    import matplotlib.pyplot as plt\nexcept ImportError:\n"
                  + "".join("    %s\n" % line for line in fake.splitlines()), "pyspark")
        data = self.data("lines = plt.plot([1, 2])\n%matplot plt", "pyspark")
        self.assertEqual(list(data), ["image/png", "text/plain"])
        self.assertEqual(data["text/plain"], "")
        self.assertTrue(base64.b64decode(data["image/png"]).startswith(b"\x89PNG"))
        self.assertEqual(list(self.data("%matplot plt.gcf()", "pyspark")), list(data))
        self.assertEqual(self.named_error("%matplot sc", "pyspark")[0], "AttributeError")
        self.assertEqual(self.named_error("%plot plt", "pyspark"),
                         ("UnknownMagic", "unknown magic command 'plot'"))

    def test_P37_pandas(self):
        if self.run_code("import pandas", "pyspark")["status"] == "error":
            self.skipTest("pandas is not there")
        self.text("import numpy\nf37 = pandas.DataFrame({'b': [1, 2], 'a': ['x', None]})", "pyspark")
        self.assertEqual(self.python_table("%table f37"),
                         (["b", "a"], ["INT", "STRING"], [[1, "x"], [2, None]]))
        self.assertEqual(self.python_json("%json f37"),
                         [{"b": 1, "a": "x"}, {"b": 2, "a": None}])
        self.assertEqual(self.python_json("%json [numpy.int64(1), numpy.array([1.5])]"), [1, [1.5]])
        self.assertEqual(self.python_table("%table numpy.array([[1, 2]])")[1], ["INT", "INT"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
