"""Many batches whose program does nothing: what launching and forgetting them costs."""

import concurrent.futures
import http.client
import json
import pathlib
import statistics
import threading
import time

ENDED = {"success", "dead", "killed"}
ANSWER_SECONDS_MAX = 120
SETTLE_SECONDS_MAX = 10


class Client:
    """One that submits batches one after another, on one connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, ANSWER_SECONDS_MAX)
        self.submits = []  # Seconds that each took.
        self.states = []

    def ask(self, method, path, body=None):
        self.connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    def submit(self, count, started):
        started.wait()
        ids = []
        for _ in range(count):
            start = time.monotonic()
            ids.append(self.ask("POST", "/batches", '{"file":"hdfs:/jobs/nothing.py"}')["id"])
            self.submits.append(time.monotonic() - start)
        return ids, time.monotonic()

    def await_ends(self, ids):
        for batch in ids:
            state = "starting"
            while state not in ENDED:
                state = self.ask("GET", f"/batches/{batch}/state?wait=60s")["state"]
            self.states.append(state)
        return time.monotonic()


def run(server, clients, batches):
    """The batches, shared out to the clients: what was taken, as a dictionary."""
    clients = [Client(server.port) for _ in range(clients)]
    started = threading.Barrier(len(clients) + 1)
    cpu = server.cpu_seconds()
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        share = batches // len(clients)
        submitting = [pool.submit(client.submit, share, started) for client in clients]
        started.wait()
        start = time.monotonic()
        submitted = [done.result() for done in submitting]
        ends = list(pool.map(Client.await_ends, clients, [ids for ids, _ in submitted]))
    for client in clients:
        client.connection.close()
    submits = sorted(seconds for client in clients for seconds in client.submits)
    return {
        "batches": len(submits),
        "accepted": len(submits) / (max(end for _, end in submitted) - start),
        "ended": len(submits) / (max(ends) - start),
        "median": 1000 * statistics.median(submits),
        "p99": 1000 * submits[int(0.99 * len(submits))],
        "cpu": 1000 * (server.cpu_seconds() - cpu) / len(submits),
        "failed": sum(state != "success" for client in clients for state in client.states),
    }


def descriptors(server):
    return len(list(pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir()))


def descriptors_above(server, before):
    """How many more there are, once the server has noticed that its clients have gone."""
    end = time.monotonic() + SETTLE_SECONDS_MAX
    while descriptors(server) > before and time.monotonic() < end:
        time.sleep(0.01)
    return descriptors(server) - before


def zombies(server):
    """Children that have ended and were not waited for."""
    count = 0
    for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            try:
                stat = pathlib.Path(f"/proc/{child}/stat").read_text()
            except OSError:
                continue
            count += stat.rpartition(")")[2].split()[0] == "Z"
    return count
