"""two_servers.py BUILD [--store sqlite|filesystem|redis|zookeeper]: of two servers with one state, one goes on.

Where the store is locked, the second does not start, and says why. Else the second takes over: the first refuses each
change with the reason, and harms nothing that has become the other's, not when it ends either. Each acknowledged
object is there once, and no id is given twice.
"""
import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading

import stores
from bed import Bed

REASONS = {
    "sqlite": "is held by another server",
    "filesystem": "is held by another server",
    "redis": "another server has taken this store over",
    "zookeeper": "Another server has taken over the store",
}
LATE = "hold 1 late"


class Pair:
    """Two servers of one machine, with addresses of their own."""

    def __init__(self, build, folder, store):
        self.name, self.reason = store, REASONS[store]
        self.store = stores.Store(store, folder)
        self.beds, self.servers = [], []
        for number, host in enumerate(("127.0.0.1", "127.0.0.2")):
            place = folder / host
            place.mkdir()
            settings = f"{self.store.settings}livy.server.host = {host}\n"
            if self.store.is_locked:
                settings += f"livy.server.state-dir = {folder / 'state'}\n"
            # What becomes of applications when it ends is asked of the worse of both ways.
            mode = "off" if number == 0 else "recovery"
            settings += f"livy.server.recovery.mode = {mode}\n"
            self.beds.append(Bed(build, place, settings))

    def start(self, number):
        server = self.beds[number].start()
        self.servers.append(server)
        return server

    def move_drivers(self):
        """To the second server's address."""
        self.beds[0].move_drivers("127.0.0.2")
        for process, kind, _ in self.beds[0].processes():
            if kind == "session":
                os.kill(process, signal.SIGUSR1)

    def close(self):
        for server in self.servers:
            server.process.send_signal(signal.SIGCONT)
            server.kill()
        for bed in self.beds:
            bed.kill_processes()
        self.store.close()


def expect(answer, status, *words):
    text = str(answer[1])
    assert answer[0] == status and all(word in text for word in words), (answer, status, words)
    return answer[1]


def fill(server):
    """Sessions, one that was deleted among them, with a statement that runs, and a batch: what was told of them."""
    gone = server.start_session("spark")
    told = {}
    for _ in range(2):
        session = server.start_session("spark")
        text = f"of {session}"
        server.run(session, "tell " + text)
        told[session] = {server.submit(session, f"tell {text}"): text,
                         server.submit(session, LATE): "1 late"}
    expect(server.request("DELETE", f"/sessions/{gone}"), 200)
    batch = expect(server.request(
        "POST", "/batches", {"file": "/stub.jar", "args": ["of-both", "3", "2"]}), 201)
    return told, gone, batch["id"]


def check(server, told, gone):
    """Everything that was told is there, and nothing else."""
    page = expect(server.request("GET", "/sessions"), 200)
    assert [view["id"] for view in page["sessions"]] == sorted(told), page
    for session, statements in told.items():
        for statement, text in statements.items():
            output = server.result(session, statement)
            assert output["data"]["text/plain"] == text, (session, statement, output)
    page = expect(server.request("GET", "/history/sessions"), 200)
    assert [view["id"] for view in page["sessions"]] == [gone], page


def check_new(server, told, gone):
    """What is created next has an id that was not given before."""
    for session, statements in told.items():
        text = f"more of {session}"
        new = server.submit(session, "tell " + text)
        assert new > max(statements, default=-1), (session, new, statements)
        statements[new] = text
    session = server.start_session("spark")
    assert session > max(gone, *told), (session, told)
    told[session] = {}


def refuse(pair, first, told, batch):
    """Changes are refused with the reason, wherever they are asked for; looks are not."""
    session, statements = next(iter(told.items()))
    refused = [
        ("POST", "/sessions", {"kind": "spark"}),
        ("POST", "/batches", {"file": "/stub.jar", "args": ["x", "0", "0"]}),
        ("POST", f"/sessions/{session}/statements", {"code": "tell nobody"}),
        ("POST", f"/sessions/{session}/statements/{max(statements)}/cancel", None),
        ("DELETE", f"/sessions/{session}", None),
        ("POST", f"/sessions/{session}/stop", None),
        ("POST", f"/sessions/{session}/interrupt", None),
        ("DELETE", f"/batches/{batch}", None),
        ("POST", f"/batches/{batch}/stop", None),
    ]
    for request in refused:
        expect(first.request(*request), 503, pair.reason)
    expect(first.request("GET", f"/sessions/{session}"), 200)
    expect(first.request("GET", "/batches"), 200)


def try_locked(pair):
    first = pair.start(0)
    told, gone, _ = fill(first)
    try:
        pair.start(1)
    except AssertionError as refused:
        assert pair.reason in str(refused), refused
    else:
        raise AssertionError("the second has started")
    check(first, told, gone)
    check_new(first, told, gone)
    first.kill()
    pair.move_drivers()
    second = pair.start(1)
    check(second, told, gone)
    check_new(second, told, gone)
    check(second, told, gone)


def try_fenced(pair):
    first = pair.start(0)
    told, gone, batch = fill(first)
    # One whose request is under way while the other takes over.
    first.process.send_signal(signal.SIGSTOP)
    answers = []
    caught = threading.Thread(target=lambda: answers.append(
        first.request("POST", "/sessions", {"kind": "spark", "name": "caught"})))
    caught.start()
    second = pair.start(1)
    first.process.send_signal(signal.SIGCONT)
    caught.join()
    expect(answers[0], 503, pair.reason)

    refuse(pair, first, told, batch)
    pair.move_drivers()
    check(second, told, gone)
    check_new(second, told, gone)
    end = expect(second.request("GET", f"/batches/{batch}?wait=60s"), 200)
    assert end["state"] == "dead" and end["exitCode"] == 3, end

    expect(first.request("POST", "/sessions", {"kind": "spark"}), 503, pair.reason)
    first.stop()
    check_new(second, told, gone)
    check(second, told, gone)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--store", choices=stores.NAMES, default="sqlite")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="livy-two-"))
    try:
        pair = Pair(arguments.build, folder, arguments.store)
    except stores.Missing as missing:
        print(f"SKIP: {missing}")
        sys.exit(77)
    try:
        try_locked(pair) if pair.store.is_locked else try_fenced(pair)
    except BaseException:
        print(f"the state is kept in {folder}")
        raise
    finally:
        pair.close()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
