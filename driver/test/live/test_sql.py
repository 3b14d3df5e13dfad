"""Statements of kind sql under a real Spark. See live_test.py."""
import unittest

import live_test


class SqlTest(live_test.LiveTest):
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
