"""The driver and its server: states, lost connections, refusals, both ends. See live_test.py."""
import os
import ssl
import tempfile
import unittest
import urllib.error
import urllib.request

import cutting_proxy
import driver_process
import live_test
import wire_server


class LinkTest(live_test.LiveTest):
    kind = "sql"

    def result(self, code):
        return self.data(code)["application/json"]

    def test_W1_states_are_in_order(self):
        self.server.event("state", state="idle")
        names = [(event["event"], event.get("state")) for event in self.server.events[:3]]
        self.assertEqual(names, [("state", "starting"), ("application", None), ("state", "idle")])
        first, second = [self.driver.submit("sql", "select 1 as a") for _ in range(2)]
        self.driver.finished(second)
        self.server.wait(lambda events: events[-1].get("state") == "idle", what="idle")
        begin = self.server.event("started", id=first)["seq"]
        # A machine with much to do may take long enough for progress to be told.
        own = [event for event in self.server.events
               if event["seq"] >= begin and event["event"] != "progress"]
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

    def test_X10_what_a_killed_driver_left_is_deleted_by_the_next(self):
        with tempfile.TemporaryDirectory() as folder:
            parent = folder + "/tmp"
            os.mkdir(parent)
            left = []
            for _ in range(3):
                driver = driver_process.DriverProcess(
                    folder, "sql", extra={"spark.repl.classdir": parent})
                try:
                    driver.await_idle()
                    left.append(set(os.listdir(parent)))
                    if len(left) == 2:
                        # One that still runs keeps its own.
                        second = driver_process.DriverProcess(
                            folder, "sql", extra={"spark.repl.classdir": parent})
                        second.await_idle()
                        self.assertLess(left[1], set(os.listdir(parent)))
                        self.assertEqual(second.stop(), 0)
                finally:
                    driver.close()
            self.assertEqual([len(names) for names in left], [1, 1, 1])
            self.assertEqual(len(set.union(*left)), 3)

    def test_X11_a_link_that_breaks_at_any_byte(self):
        with tempfile.TemporaryDirectory() as folder:
            server = wire_server.WireServer(wire_server.Certificate(folder))
            # More than a TLS handshake, so that something gets through.
            proxy = cutting_proxy.CuttingProxy(server.port, least=2500, most=6000, seed=1)
            driver = driver_process.DriverProcess(
                folder, "sql", server=server, servers="127.0.0.1:%d" % proxy.port)
            try:
                driver.await_idle()
                numbers = [driver.submit("sql", "select %d as a" % value) for value in range(60)]
                for value, number in enumerate(numbers):
                    output = driver.finished(number)["output"]
                    self.assertEqual(output["data"]["application/json"]["data"], [[value]])
                finished = [event["id"] for event in server.events if event["event"] == "finished"]
                self.assertEqual(finished, numbers)
                self.assertGreater(proxy.cuts, 10)
            finally:
                driver.close()
                proxy.close()

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
