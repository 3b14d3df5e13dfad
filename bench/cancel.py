"""How long cancelling takes: bench/run's part `cancel`."""
import statistics
import time

from report import note, say, table

# What a statement refuses to hear is stopped by force after this time; the default is 30 s.
TIMEOUT = "2s"
CASES = {
    "spark": {
        "sleeps": "Thread.sleep(1000000)",
        "computes in Spark": 'spark.range(1L << 50).selectExpr("sum(id % 7)").collect()',
        "sleeps in Spark": "sc.parallelize(1 to 2, 2).foreach(_ => Thread.sleep(1000000))",
        "loops and listens": "while (!Thread.currentThread.isInterrupted) {}",
        "loops": "var n = 0L; while (n >= 0) { n = (n + 1) % 1000 }",
    },
    "pyspark": {
        "sleeps": "import time; time.sleep(1000)",
        "loops": "while True: pass",
        "waits for a process": "import subprocess; subprocess.run(['sleep', '1000'])",
        "computes in Spark": "spark.range(1 << 50).selectExpr('sum(id % 7)').collect()",
        "sleeps in Spark": "import time; sc.parallelize([1, 2], 2).map(lambda _: time.sleep(1000)).count()",
        "refuses": "import time\nwhile True:\n    try: time.sleep(1000)\n    except BaseException: pass",
    },
    "sql": {
        "computes in Spark": "select sum(id % 7) from range(1125899906842624)",
        "sleeps": "select java_method('java.lang.Thread', 'sleep', 1000000L)",
    },
    "sparkr": {
        "sleeps": "Sys.sleep(1000)",
        "loops": "while (TRUE) {}",
        "refuses": "repeat tryCatch(Sys.sleep(1000), interrupt = function(i) NULL)",
    },
}
MARKS = {"spark": ("val kept = 7", "kept + 1"), "pyspark": ("kept = 7", "kept + 1"),
         "sql": ("set kept=7", "select 8"), "sparkr": ("kept <- 7", "kept + 1")}


class Session:
    """A session of one kind, and its statements."""

    def __init__(self, server, kind):
        self.server = server
        session = server.json("POST", "/sessions",
                              {"kind": kind, "conf": {"livy.rsc.job-cancel.timeout": TIMEOUT}})
        self.path = f"/sessions/{session['id']}"
        while session["state"] == "starting":
            session = server.json("GET", self.path + "?wait=60s")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.request("DELETE", self.path)

    def submit(self, code):
        statement = self.server.json("POST", self.path + "/statements", {"code": code})
        return f"{self.path}/statements/{statement['id']}"

    def await_start(self, statement):
        while self.server.json("GET", statement)["state"] == "waiting":
            pass

    def await_end(self, statement):
        while True:
            found = self.server.json("GET", statement + "?wait=60s")
            if found["state"] in ("available", "cancelled"):
                return found

    def run(self, code):
        return self.await_end(self.submit(code))["output"]

    def cancel(self, code):
        """Seconds from the request to `cancelled`."""
        statement = self.submit(code)
        self.await_start(statement)
        # It is to be in the middle of what it does: the state tells only that it has begun.
        time.sleep(1)
        begin = time.monotonic()
        self.server.request("POST", statement + "/cancel")
        state = self.await_end(statement)["state"]
        cancelled = time.monotonic() - begin
        if state != "cancelled":
            raise RuntimeError(f"{code} is {state}")
        return cancelled


def measure(session, kind, code, rounds):
    keep, ask = MARKS[kind]
    note(f"{kind}: {code}")
    times, nexts, kept = [], [], True
    for _ in range(rounds):
        session.run(keep)
        times.append(session.cancel(code))
        begin = time.monotonic()
        answer = session.run(ask)
        nexts.append(time.monotonic() - begin)
        text = answer.get("data", {}).get("text/plain", "")
        kept = kept and (kind == "sql" or "8" in text)
    return [statistics.median(times), max(times), statistics.median(nexts),
            "yes" if kept else "no"]


def cancel(bench):
    if not bench.spark_home:
        say("Skipped: SPARK_HOME is not set.")
        return
    rows = []
    with bench.livy_server(bench.spark_home) as server:
        for kind, cases in CASES.items():
            with Session(server, kind) as session:
                if session.run(MARKS[kind][0])["status"] != "ok":
                    say(f"Left out: {kind}, which does not run here.\n")
                    continue
                rows += [[kind, name, *measure(session, kind, code, bench.rounds)]
                         for name, code in cases.items()]
    say(f"With `livy.rsc.job-cancel.timeout` = {TIMEOUT}.\n")
    table(["kind", "code", "cancelled after, median s", "most s", "next result after, median s",
           "names are kept"], rows)
