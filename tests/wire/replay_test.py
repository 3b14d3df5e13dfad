"""Tests of the comparison itself: what replay.py must not overlook."""

import json
import sys
import unittest

sys.dont_write_bytecode = True
from exchange import Answer, Record
from normal import BUT_FOR, CUT, Normal, mapped, repaired
from replay import Deviations

JSON = {"Content-Type": "application/json;charset=utf-8", "Content-Length": "1"}
STATEMENT = {"id": 0, "code": "1", "state": "available", "output": None, "progress": 1.0,
             "started": 1795230903521, "completed": 1795230906558}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def record(body, target="/sessions/10", headers=None, status=200):
    response = {"status": status, "headers": JSON | (headers or {}), "body": body}
    request = {"method": "GET", "target": target, "headers": {}, "body": ""}
    return Record(json.dumps({"name": "A0", "request": request, "response": response}))


class Comparison(unittest.TestCase):
    def parts(self, recorded, body, **changes):
        answer = Answer(changes.get("status", 200), JSON | changes.get("headers", {}), body)
        return set(Normal({10: 0}).differences(recorded, answer))

    def test_equal_answers_do_not_differ(self):
        recorded = record('{"id":10,"state":"idle"}')
        self.assertEqual(self.parts(recorded, '{"id":0,"state":"idle"}'), set())

    def test_another_session_differs(self):
        recorded = record('{"id":10,"state":"idle"}')
        self.assertEqual(self.parts(recorded, '{"id":1,"state":"idle"}'), {"body"})

    def test_order_of_members_differs(self):
        self.assertEqual(self.parts(record('{"a":1,"b":2}'), '{"b":2,"a":1}'), {"body"})

    def test_form_of_numbers_differs(self):
        self.assertEqual(self.parts(record('{"progress":1.0}'), '{"progress":1}'), {"body"})

    def test_status_and_headers_differ(self):
        changed = self.parts(record("[]"), "[]", status=201, headers={"Allow": "GET"})
        self.assertEqual(changed, {"status", "allow"})

    def test_allow_is_a_set(self):
        recorded = record("", headers={"Allow": "POST, GET"})
        self.assertEqual(self.parts(recorded, "", headers={"Allow": "GET, POST"}), set())
        self.assertEqual(self.parts(recorded, "", headers={"Allow": "GET"}), {"allow"})

    def test_a_time_is_not_zero(self):
        other = STATEMENT | {"started": 1795999999999}
        self.assertEqual(self.parts(record(compact(STATEMENT)), compact(other)), set())
        never = STATEMENT | {"started": 0}
        self.assertEqual(self.parts(record(compact(STATEMENT)), compact(never)), {"body"})

    def test_a_page_of_the_log_has_the_lines_asked_for(self):
        recorded = record('{"id":10,"from":1,"total":3,"log":["b","c"]}', "/sessions/10/log?size=2")
        page = '{"id":0,"from":7,"total":9,"log":["x","y"]}'
        self.assertEqual(self.parts(recorded, page), set())
        self.assertEqual(self.parts(recorded, page.replace("7", "6")), {"body"})
        self.assertEqual(self.parts(recorded, page.replace(',"y"', "")), {"body"})

    def test_a_cut_body_is_compared_as_far_as_it_goes(self):
        recorded = record('{"a":[1,2],"b":["x","y z' + CUT)
        self.assertEqual(self.parts(recorded, '{"a":[1,2],"b":["x","yes","no"],"c":1}'), set())
        self.assertEqual(self.parts(recorded, '{"a":[1,3],"b":["x","yes"]}'), {"body"})

    def test_a_cut_body_is_closed(self):
        self.assertEqual(json.loads(repaired('{"a":"},[","b":[{"c":1},{"d' + CUT)),
                         {"a": "},[", "b": [{"c": 1}, {}]})


class Exceptions(unittest.TestCase):
    def problem(self, entry, differences):
        deviations = Deviations()
        deviations.records = {"A0": entry} if entry else {}
        return deviations.problem("A0", differences)

    def test_what_is_not_listed_fails(self):
        self.assertIsNone(self.problem(None, {}))
        self.assertIsNotNone(self.problem(None, {"status": (500, 400)}))

    def test_what_is_listed_must_differ_as_listed(self):
        entry = {"reasons": [], "here": {"status": 400}}
        self.assertIsNone(self.problem(entry, {"status": (500, 400)}))
        self.assertIsNotNone(self.problem(entry, {"status": (500, 401)}))
        self.assertIsNotNone(self.problem(entry, {"status": (500, 400), "body": ("a", "b")}))
        self.assertIsNotNone(self.problem(entry, {}))

    def test_what_is_excepted_is_all_that_is(self):
        entry = {"reasons": [], "but_for": "result numbers"}
        self.assertIsNone(self.problem(entry, {"body": ("res1: Int = 2", "res2: Int = 2")}))
        self.assertIsNotNone(self.problem(entry, {"body": ("res1: Int = 2", "res2: Int = 3")}))

    def test_stack_traces_are_equal_up_to_their_callers(self):
        there = ["a.B(B.java:1)", "org.apache.livy.X(X.scala:2)"]
        here = ["a.B(B.java:3)", "java.base/java.lang.reflect.Method.invoke(Method.java:9)", "z"]
        change = BUT_FOR["frames"]
        self.assertEqual(mapped(change, there), mapped(change, here))
        self.assertNotEqual(mapped(change, there), mapped(change, ["a.C(B.java:1)"]))


if __name__ == "__main__":
    unittest.main()
