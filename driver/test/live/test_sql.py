"""Statements of kind sql under a real Spark. See live_test.py."""
import unittest

import live_test


class SqlTest(live_test.LiveTest):
    kind = "sql"
    settings = {"sqlRowsMax": 7}

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

    def row(self, *columns):
        return self.result("select " + ", ".join(columns))["data"][0]

    def test_Q7_numbers(self):
        self.assertEqual(self.row(
            "1Y", "2S", "3", "9007199254740993L", "cast(0.1 as float)", "cast(1e20 as double)",
            "100D", "double('NaN')", "double('Infinity')", "float('-Infinity')",
            "12345678901234567890.123456789BD", "true", "null"),
            [1, 2, 3, 9007199254740993, 0.10000000149011612, 1e20, 100.0, None, "Infinity",
             "-Infinity", 12345678901234567890.123456789, True, None])
        schema = self.result("select null as a, 1.5 as b")["schema"]["fields"]
        self.assertEqual([field["type"] for field in schema], ["void", "decimal(2,1)"])

    def test_Q8_texts_and_bytes(self):
        self.result("create or replace temp view fixed as select"
                    " cast('ab' as char(4)) as c, cast('cd' as varchar(9)) as v")
        self.assertEqual(self.result("select c, v from fixed")["data"][0][1], "cd")
        self.assertEqual(self.row("x'ff01'", "x''", "'\U0001f600\u00e4'", "''"),
                         [[-1, 1], [], "\U0001f600\u00e4", ""])

    def test_Q9_times(self):
        self.assertEqual(self.row(
            "date'2019-07-24'", "date'0001-01-01'", "timestamp'2018-08-06 09:11:15.5 UTC'",
            "timestamp_ntz'2018-08-06 09:11:00'", "timestamp_ntz'2018-08-06 09:11:15.25'"),
            ["2019-07-24", "0001-01-01", "2018-08-06T09:11:15Z", "2018-08-06T09:11:00",
             "2018-08-06T09:11:15.25"])
        self.assertEqual(self.row("interval '26' hour", "interval '1-2' year to month",
                                  "make_interval(0, 1, 0, 2)"), ["PT26H", "P1Y2M", "1 months 2 days"])

    def test_Q10_nested(self):
        self.assertEqual(self.row(
            "array(1, null)", "array()", "map(1, 'a', 2, null)", "map(date'2020-01-02', 1.5)",
            "named_struct('x', 'a', 'y', null)", "array(named_struct('a', array(1, 2)), null)",
            "map(named_struct('a', 1), true)", "struct(1 as a, 2 as a)",
            "array(timestamp'2020-01-02 03:04:05.6 UTC')"),
            [[1, None], [], {"1": "a", "2": None}, {"2020-01-02": 1.5}, {"x": "a", "y": None},
             [{"a": [1, 2]}, None], {'{"a":1}': True}, [1, 2], ["2020-01-02T03:04:05Z"]])

    def test_Q11_equal_names_keep_their_order(self):
        result = self.result("select 2 as b, 1 as a, 3 as b")
        self.assertEqual([field["name"] for field in result["schema"]["fields"]], ["b", "a", "b"])
        self.assertEqual(result["data"], [[2, 1, 3]])

    def test_Q12_exact_values(self):
        columns = ["12345678901234567890.120BD", "1e-7BD", "cast(0.1 as float)", "double('NaN')",
                   "double('-Infinity')", "timestamp'2018-08-06 09:11:15.123456 UTC'",
                   "timestamp'2018-08-06 09:11:15 UTC'", "array(1.50BD)", "1L"]
        self.result("set spark.livy.driver.sqlValues=exact")
        self.assertEqual(self.row(*columns), [
            "12345678901234567890.120", "0.0000001", 0.1, "NaN", "-Infinity",
            "2018-08-06T09:11:15.123456Z", "2018-08-06T09:11:15Z", ["1.50"], 1])
        self.run_code("set spark.livy.driver.sqlValues=neither")
        self.assertIn("is neither livy nor exact: neither", self.error("select 1")["evalue"])
        self.run_code("reset spark.livy.driver.sqlValues", "sql")
        self.assertEqual(self.row("1.50BD"), [1.5])

    def cut_at(self, code, **more):
        output = self.driver.finished(self.driver.submit("sql", code, **more))["output"]
        data = output["data"]["application/json"]["data"]
        self.assertEqual("truncated" in output, list(output)[-1] == "truncated")
        return len(data), output.get("truncated")

    def test_Q13_rows_that_are_cut(self):
        self.assertEqual(self.cut_at("select id from range(7)"), (7, None))
        self.assertEqual(self.cut_at("select id from range(8)"), (7, True))
        self.assertEqual(self.cut_at("select id from range(100)", rowsMax=2), (2, True))
        self.assertEqual(self.cut_at("select id from range(100)", rowsMax=1000), (100, None))
        self.assertEqual(self.cut_at("select id from range(3)", rowsMax=0), (1, True))
        self.assertEqual(self.cut_at("select id from range(3)", rowsMax=10 ** 12), (3, None))

    def test_Q14_only_the_rows_shown_and_one_more_are_fetched(self):
        self.text("from pyspark.sql.functions import udf\nseen = sc.accumulator(0)\n"
                  "def see(i):\n    seen.add(1)\n    return i\n"
                  "none = spark.udf.register('see', see, 'long')", "pyspark")
        self.assertEqual(self.cut_at("select see(id) from range(0, 100000, 1, 1)"), (7, True))
        self.assertLessEqual(int(self.text("seen.value", "pyspark")), 200)

    def test_Q15_a_result_too_large_is_cut_too(self):
        count, cut = self.cut_at("select repeat('x', 3000000) from range(7)")
        self.assertEqual((count, cut), (5, True))

    def test_Q16_types_of_newer_sparks(self):
        if not self.error_or_none("select parse_json('1')"):
            self.assertEqual(self.row("parse_json('{\"a\":[1,2.5,\"x\",null]}')",
                                      "cast(null as variant)"), [{"a": [1, 2.5, "x", None]}, None])
        if not self.error_or_none("select time'01:02:00'"):
            self.assertEqual(self.row("time'01:02:00'"), ["01:02:00"])

    def error_or_none(self, code):
        return self.run_code(code).get("ename")


if __name__ == "__main__":
    unittest.main(verbosity=2)
