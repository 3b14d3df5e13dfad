"""livy-server with real Spark drivers: what works, and what is left when a side dies.

server_test.py BUILD_ROOT, with a Spark in $SPARK_HOME.
"""

import http.client
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import unittest

from live_server import LiveServer, drivers_of, run_tests

BUILD_ROOT = pathlib.Path(sys.argv[1]).absolute()
END_SECONDS_MAX = 60
HAS_R = shutil.which("Rscript") is not None


def has_ended(pid):
    """Waits for a process that need not be a child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], END_SECONDS_MAX)[0])
    finally:
        os.close(descriptor)


class WithServer(unittest.TestCase):
    """A server of its own for each test class."""

    settings = "livy.spark.master = local[2]\nlivy.cache-log.size = 1000\n"

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.server = LiveServer(BUILD_ROOT, folder.name, cls.settings)
        cls.addClassCleanup(cls.server.stop)


class Kinds(WithServer):
    """One shared session runs all kinds; what one defines the others see."""

    def test_T5_kinds_share_a_session(self):
        server = self.server
        session = server.start_session("shared")
        scala = server.run(session, "1 + 1", kind="spark")
        self.assertIn("Int = 2", scala["data"]["text/plain"])
        python = server.run(session, "1 + 1", kind="pyspark")
        self.assertEqual(python["data"], {"text/plain": "2"})
        # One queue, one count.
        self.assertEqual((scala["execution_count"], python["execution_count"]), (0, 1))
        server.run(session, 'spark.range(3).createOrReplaceTempView("t")', kind="spark")
        rows = server.run(session, "select count(*) from t", kind="sql")
        self.assertEqual(rows["data"]["application/json"]["data"], [[3]])
        some = server.run(session, "select * from range(10)", kind="sql", rowsMax=2)
        self.assertEqual(some["data"]["application/json"]["data"], [[0], [1]])
        self.assertEqual(server.run(session, "spark.table('t').count()", kind="pyspark")["data"],
                         {"text/plain": "3"})
        if HAS_R:
            self.assertEqual(server.run(session, "1 + 2", kind="sparkr")["data"],
                             {"text/plain": "[1] 3"})
        failed = server.run(session, "1 / 0", kind="pyspark")
        self.assertEqual((failed["status"], failed["ename"]), ("error", "ZeroDivisionError"))
        self.assertEqual(server.request("DELETE", f"/sessions/{session}")[1], {"msg": "deleted"})
        self.assertEqual(drivers_of(server.process), [])


class Statements(WithServer):
    """What happens to the statements of one pyspark session."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.session = cls.server.start_session("pyspark")

    def test_T6_statements_of_all_kinds_are_counted_together(self):
        kinds = ["pyspark", "spark", "sql"] + ["sparkr"] * HAS_R
        outputs = [self.server.run(self.session, "select 1" if kind == "sql" else "1 + 2",
                                   kind=kind) for kind in kinds]
        first = outputs[0]["execution_count"]
        self.assertEqual([output["execution_count"] - first for output in outputs],
                         list(range(len(kinds))))

    def test_twenty_statements_of_five_clients_run_once_in_order(self):
        self.server.run(self.session, "ran = []")
        results = {}

        def client(number):
            for i in range(4):
                statement = self.server.submit(self.session, f"ran.append(({number}, {i}))")
                results[statement] = (number, i)
                self.server.result(self.session, statement)

        threads = [threading.Thread(target=client, args=(n,)) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ran = self.server.run(self.session, "ran")["data"]["text/plain"]
        self.assertEqual(eval(ran), [results[statement] for statement in sorted(results)])

    def test_a_sleeping_statement_is_cancelled_and_the_session_goes_on(self):
        statement = self.server.submit(self.session, "import time; time.sleep(600)")
        while self.server.request(
                "GET", f"/sessions/{self.session}/statements/{statement}?wait=100ms"
        )[1]["state"] == "waiting":
            pass
        self.server.request("POST", f"/sessions/{self.session}/statements/{statement}/cancel")
        self.server.result(self.session, statement)
        self.assertEqual(self.server.run(self.session, "1 + 1")["data"], {"text/plain": "2"})

    def test_the_driver_shows_no_secret(self):
        (driver,) = drivers_of(self.server.process)
        command = pathlib.Path(f"/proc/{driver}/cmdline").read_bytes().split(b"\0")
        self.assertNotIn(b"secret", b" ".join(command))
        settings = command[command.index(b"--properties-file") + 1]
        self.assertFalse(os.path.exists(settings))
        found = self.server.run(
            self.session, "[v for k, v in sc.getConf().getAll() if 'livy' in k and 'secret' in k]")
        self.assertEqual(found["data"], {"text/plain": "[]"})

    def test_a_client_that_leaves_while_it_waits_costs_nothing(self):
        statement = self.server.submit(self.session, "import time; time.sleep(1)")
        path = f"/sessions/{self.session}/statements/{statement}?wait=30s"
        connection = http.client.HTTPConnection(self.server.url.removeprefix("http://"))
        connection.request("GET", path)
        connection.close()
        self.assertEqual(self.server.result(self.session, statement)["status"], "ok")


class Following(WithServer):
    """What is seen of a session while its statements run."""

    CODE = """
import time
for i in range(8):
    print(i, flush=True)
    time.sleep(0.2)
sc.parallelize(range(8), 8).map(lambda x: time.sleep(0.5) or x).sum()
"""

    def follow(self, session):
        """The events up to the end, as (name, data)."""
        connection = http.client.HTTPConnection(self.server.url.removeprefix("http://"))
        self.addCleanup(connection.close)
        connection.request("GET", f"/sessions/{session}/events")
        lines = iter(connection.getresponse().readline, b"")
        for line in lines:
            if line.startswith(b"event: "):
                yield line[7:].decode().strip(), json.loads(next(lines)[6:])

    def test_a_stream_tells_all_and_a_view_what_was_printed_so_far(self):
        session = self.server.start_session("pyspark")
        events = self.follow(session)
        self.assertEqual(next(events), (
            "snapshot", {"id": session, "state": "idle", "statements": []}))
        statement = self.server.submit(session, self.CODE)
        told = []
        while not told or told[-1] != ("session", {"state": "idle"}):
            told.append(next(events))
            if told[-1][0] == "output" and sum(name == "output" for name, _ in told) == 1:
                _, view = self.server.request("GET", f"/sessions/{session}/statements/{statement}")
                self.assertEqual((view["state"], view["output"]), ("running", None))
                self.assertTrue(view["stdout"].startswith(told[-1][1]["text"]))

        self.assertEqual([data["state"] for name, data in told if name == "statement"],
                         ["waiting", "running", "available"])
        printed = "".join(data["text"] for name, data in told if name == "output")
        self.assertEqual(printed, "".join(f"{i}\n" for i in range(8)))
        progress = [data["progress"] for name, data in told if name == "progress"]
        self.assertEqual(progress, sorted(set(progress)))
        self.assertTrue(progress and progress[-1] < 1, progress)
        _, view = self.server.request("GET", f"/sessions/{session}/statements/{statement}")
        self.assertNotIn("stdout", view)
        self.assertEqual(view["output"]["data"]["text/plain"], printed + "28")

        self.server.request("DELETE", f"/sessions/{session}")
        last = list(events)[-1]
        self.assertEqual((last[0], last[1]["state"]), ("end", "dead"))
        self.assertIn("deleted", last[1]["reason"])


class Deaths(WithServer):
    """One side ends without warning."""

    def test_a_driver_that_is_killed_ends_its_session_with_the_reason(self):
        session = self.server.start_session("sql")
        (driver,) = drivers_of(self.server.process)
        os.kill(driver, signal.SIGKILL)
        _, view = self.server.request("GET", f"/sessions/{session}?wait=30s")
        while view["state"] == "idle":
            _, view = self.server.request("GET", f"/sessions/{session}")
        self.assertEqual(view["state"], "dead")
        self.assertIn("signal 9", view["log"][-1])
        self.server.request("DELETE", f"/sessions/{session}")

    def test_code_that_ends_the_driver_ends_the_session(self):
        session = self.server.start_session("spark")
        self.server.submit(session, "System.exit(3)")
        view = {"state": "busy"}
        while view["state"] != "dead":
            _, view = self.server.request("GET", f"/sessions/{session}?wait=30s")
        self.assertIn("status 3", view["log"][-1])

    def test_a_driver_outlives_a_killed_server_no_longer_than_its_limit(self):
        folder = self.folder / "killed"
        folder.mkdir()
        # Long enough for a driver to come up in on a busy machine.
        settings = self.settings + "livy.rsc.server.idle-timeout = 10s\n"
        server = LiveServer(BUILD_ROOT, folder, settings)
        server.start_session("sql")
        (driver,) = drivers_of(server.process)
        server.kill()
        self.assertTrue(has_ended(driver))

    def test_a_server_that_is_told_to_stop_leaves_no_driver(self):
        folder = self.folder / "second"
        folder.mkdir()
        server = LiveServer(BUILD_ROOT, folder, self.settings)
        server.start_session("pyspark")
        (driver,) = drivers_of(server.process)
        self.assertEqual(server.stop(), 0)
        self.assertTrue(has_ended(driver))


class WithRestarts(unittest.TestCase):
    """A server that is started again, with its drivers still there."""

    settings = WithServer.settings

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.server = LiveServer(BUILD_ROOT, self.folder, self.settings)
        self.addCleanup(lambda: self.server.stop())

    def restart(self):
        self.server = LiveServer(BUILD_ROOT, self.folder, self.settings)


class Recovery(WithRestarts):
    """After a crash."""

    def test_T7_a_session_goes_on_after_a_crash_and_its_result_arrives_once(self):
        session = self.server.start_session("pyspark", name="kept")
        self.server.run(session, "x = 40")
        (driver,) = drivers_of(self.server.process)
        running = self.server.submit(
            session, "import pathlib, time\n"
            f"while not pathlib.Path('{self.folder}/go').exists(): time.sleep(0.01)\n"
            "x += 1; x")
        waiting = self.server.submit(session, "x += 1; x")
        self.server.kill()
        (self.folder / "go").touch()
        self.restart()
        self.assertEqual(self.server.result("kept", running)["data"], {"text/plain": "41"})
        self.assertEqual(self.server.result("kept", waiting)["data"], {"text/plain": "42"})
        later = self.server.submit("kept", "x")
        self.assertGreater(later, waiting)
        self.assertEqual(self.server.result("kept", later)["data"], {"text/plain": "42"})
        self.assertEqual(self.server.request("DELETE", "/sessions/kept")[0], 200)
        self.assertTrue(has_ended(driver))

    def test_a_driver_that_ended_meanwhile_is_told(self):
        session = self.server.start_session("sql")
        (driver,) = drivers_of(self.server.process)
        self.server.kill()
        os.kill(driver, signal.SIGKILL)
        self.assertTrue(has_ended(driver))
        self.restart()
        _, view = self.server.request("GET", f"/sessions/{session}")
        self.assertEqual(view["state"], "dead")
        self.assertIn("the driver is gone", view["endReason"])


class RecoveryMode(WithRestarts):
    """After a stop that was to leave the sessions."""

    settings = WithServer.settings + "livy.server.recovery.mode = recovery\n"

    def setUp(self):
        super().setUp()
        self.addCleanup(self.end_sessions)

    def end_sessions(self):
        for view in self.server.request("GET", "/sessions")[1]["sessions"]:
            self.server.request("DELETE", f"/sessions/{view['id']}")

    def test_a_stop_leaves_the_session_to_the_next_start(self):
        session = self.server.start_session("sql")
        self.server.run(session, "create temporary view v as select 7 as a")
        self.assertEqual(self.server.stop(), 0)
        self.restart()
        self.assertEqual(
            self.server.run(session, "select * from v")["data"]["application/json"]["data"], [[7]])


class Expiry(WithServer):
    """Sessions whose time is over, and those whose statements came first."""

    settings = WithServer.settings + "livy.server.session.timeout = 2s\n"

    def ended(self, session):
        view = {"state": "idle"}
        while view["state"] != "dead":
            _, view = self.server.request("GET", f"/sessions/{session}")
        return view["endReason"], view["log"][-1]

    def test_an_idle_session_ends_and_one_that_works_does_not(self):
        _, created = self.server.request("POST", "/sessions", {"kind": "pyspark"})
        session = created["id"]
        # Submitted while it starts, and longer than the limit.
        slow = "import time; time.sleep(4); print('slept')"
        self.assertEqual(self.server.run(session, slow)["data"], {"text/plain": "slept"})
        self.assertEqual(self.ended(session), ("idle for 2s", "idle for 2s"))
        self.assertEqual(drivers_of(self.server.process), [])

    def test_a_session_ends_without_a_heartbeat(self):
        _, created = self.server.request(
            "POST", "/sessions", {"heartbeatTimeoutInSecond": 1, "idleTimeout": "1h"})
        view = created
        while view["state"] != "dead":  # The list is no heartbeat.
            _, page = self.server.request("GET", "/sessions")
            (view,) = [one for one in page["sessions"] if one["id"] == created["id"]]
        self.assertEqual(view["endReason"], "no heartbeat for 1s")


class Signals(unittest.TestCase):
    """Which signals end a server."""

    def test_a_hangup_ends_a_server(self):
        with tempfile.TemporaryDirectory() as folder:
            # The tests themselves may run under nohup.
            server = LiveServer(BUILD_ROOT, folder, program=("env", "--default-signal=HUP"))
            server.process.send_signal(signal.SIGHUP)
            self.assertEqual(server.process.wait(END_SECONDS_MAX), 0)
            server.kill()

    def test_under_nohup_a_hangup_is_ignored(self):
        with tempfile.TemporaryDirectory() as folder:
            server = LiveServer(BUILD_ROOT, folder, program=("nohup",))
            server.process.send_signal(signal.SIGHUP)
            self.assertEqual(server.request("GET", "/version")[0], 200)
            self.assertEqual(server.stop(), 0)


class BadStarts(unittest.TestCase):
    """A server that cannot work says why in one line and ends."""

    def refused(self, settings="", port=("--port", "0"), **environment):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaises(AssertionError) as failure:
                LiveServer(BUILD_ROOT, folder, settings, port, **environment)
        return str(failure.exception)

    def test_a_missing_spark(self):
        self.assertIn("/nowhere", self.refused(SPARK_HOME="/nowhere"))

    def test_a_taken_port(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.assertIn(f"port {port}: address already in use", self.refused(f"livy.server.port = {port}", port=()))

    def test_a_state_that_another_server_holds(self):
        with tempfile.TemporaryDirectory() as folder:
            first = LiveServer(BUILD_ROOT, folder)
            try:
                with self.assertRaises(AssertionError) as failure:
                    LiveServer(BUILD_ROOT, folder)
            finally:
                first.stop()
        self.assertIn("state.db", str(failure.exception))

    def test_a_wrong_setting(self):
        self.assertIn("livy.server.port = x: it must be a number from 0 to 65535.",
                      self.refused("livy.server.port = x"))


if __name__ == "__main__":
    run_tests("Kinds")
