"""A spark-submit for tests: a driver without Spark, or a batch that waits, as a process of its own.

A session's statements are `tell TEXT`, whose output is TEXT, and `hold SECONDS TEXT`, whose output is what follows
`hold`. Each that it takes is a line of the file $STUB_JOURNAL/ID, before it runs. Other code is echoed.

A batch has the arguments KEY, STATUS and SECONDS, and says in $STUB_JOURNAL/batch-KEY when it begins and ends.

Its connections break by themselves now and then: within a request, before the answer, and between commands. It goes
to the host that $STUB_JOURNAL/host names, if there is one, as if the server's address had moved there; when it gets
SIGUSR1, its connections break all at once.
"""
import collections
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import ssl
import sys
import threading
import time
import uuid

PREFIX = "spark.livy.driver."
ESCAPE = re.compile(r"\\(.)")
RETRY_SECONDS = 0.02
CUTS = 0.03  # How often a connection breaks, at each moment where it may.


def settings_of(arguments):
    text = pathlib.Path(arguments[arguments.index("--properties-file") + 1]).read_text()
    settings = {}
    for line in text.splitlines():
        match = re.match(r"((?:\\.|[^\\=: ])+)[=: ]+(.*)", line)
        if match:
            key, value = (ESCAPE.sub(r"\1", part) for part in match.groups())
            settings[key] = value
    return settings


def cut_now_and_then():
    if random.random() < CUTS:
        raise ConnectionError("cut")


def in_two(text):
    """A body whose connection may break in its middle."""
    yield text[:len(text) // 2]
    cut_now_and_then()
    yield text[len(text) // 2:]


class Driver:
    """The driver's side of docs/design/004-driver-wire.md."""

    def __init__(self, settings):
        self.host, _, port = settings[PREFIX + "servers"].rpartition(":")
        self.port = int(port)
        self.path = f"/driver/v1/sessions/{settings[PREFIX + 'session']}/"
        self.query = f"?boot={uuid.uuid4().hex}&have="
        self.headers = {"Authorization": "Bearer " + settings[PREFIX + "secret"]}
        self.lost_seconds = int(settings[PREFIX + "serverLostMillis"]) / 1000
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.tls.check_hostname = False
        self.tls.verify_mode = ssl.CERT_NONE
        self.journal = pathlib.Path(os.environ["STUB_JOURNAL"]) / settings[PREFIX + "session"]
        self.changed = threading.Condition()
        self.queue = collections.deque()  # Statements to be run.
        self.taken = set()  # Ids of statements that were ever taken.
        self.cancelled = set()
        self.stopping = False
        self.have = 0  # The last command that was taken.
        self.unsent = collections.deque()  # Events that are not acknowledged.
        self.number = 0
        self.answered = time.monotonic()
        self.connections = {}  # By thread.
        signal.signal(signal.SIGUSR1, lambda *_: self.cut())

    def connect(self):
        moved = self.journal.parent / "host"
        host = moved.read_text() if moved.exists() else self.host
        connection = http.client.HTTPSConnection(host, self.port, timeout=60, context=self.tls)
        self.connections[threading.get_ident()] = connection
        return connection

    def cut(self):
        for connection in list(self.connections.values()):
            if connection.sock:
                try:
                    connection.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # It was closed already.

    def check(self, status):
        if status in (401, 404, 409):
            os._exit(0)  # Refused for good.
        if status == 200:
            self.answered = time.monotonic()
        elif time.monotonic() - self.answered > self.lost_seconds:
            os._exit(1)

    def read_commands(self):
        while True:
            connection = self.connect()
            try:
                connection.request("GET", f"{self.path}commands{self.query}{self.have}",
                                   headers=self.headers)
                answer = connection.getresponse()
                self.check(answer.status)
                if answer.status == 200:
                    for line in iter(answer.readline, b""):
                        self.take(json.loads(line))
                        cut_now_and_then()
            except (OSError, ValueError, http.client.HTTPException):
                self.check(0)
            finally:
                connection.close()
            time.sleep(RETRY_SECONDS)

    def take(self, command):
        number = command.get("seq", 0)
        if number and number <= self.have:
            return
        with self.changed:
            if command["op"] == "execute" and command["id"] not in self.taken:
                self.taken.add(command["id"])
                self.queue.append(command)
            elif command["op"] == "cancel":
                self.cancelled.add(command["id"])
            elif command["op"] == "stop":
                self.stopping = True
            self.have = max(self.have, number)
            self.changed.notify_all()

    def tell(self, *events):
        with self.changed:
            for event in events:
                self.number += 1
                self.unsent.append((self.number, json.dumps({"seq": self.number} | event)))
            self.changed.notify_all()

    def send_events(self):
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.unsent)
                lines = [line for _, line in self.unsent]
            connection = self.connect()
            try:
                while lines:
                    body = ("\n".join(lines) + "\n").encode()
                    connection.request("POST", f"{self.path}events{self.query}{self.have}",
                                       in_two(body),
                                       self.headers | {"Content-Length": str(len(body))})
                    cut_now_and_then()
                    answer = connection.getresponse()
                    body = answer.read()
                    self.check(answer.status)
                    if answer.status != 200:
                        break
                    with self.changed:
                        while self.unsent and self.unsent[0][0] <= json.loads(body)["ack"]:
                            self.unsent.popleft()
                        self.changed.notify_all()
                        self.changed.wait_for(lambda: self.unsent)
                        lines = [line for _, line in self.unsent]
            except (OSError, ValueError, http.client.HTTPException):
                self.check(0)
            finally:
                connection.close()
            time.sleep(RETRY_SECONDS)

    def run(self, statement):
        with self.journal.open("a") as journal:
            journal.write(f"{statement['id']}\n")
        finished = {"event": "finished", "id": statement["id"], "state": "cancelled", "micros": 0,
                    "output": None}
        word, _, rest = statement["code"].partition(" ")
        with self.changed:
            is_cancelled = lambda: statement["id"] in self.cancelled or self.stopping
            if not is_cancelled():
                self.tell({"event": "started", "id": statement["id"],
                           "at": int(time.time() * 1000)})
            if not self.changed.wait_for(is_cancelled, float(rest.split()[0]) if word == "hold" else 0):
                text = rest if word in ("tell", "hold") else statement["code"]
                finished |= {"state": "available", "output": {
                    "status": "ok", "execution_count": statement["id"],
                    "data": {"text/plain": text}}}
        self.tell(finished | {"at": int(time.time() * 1000)})

    def main(self):
        for loop in (self.read_commands, self.send_events):
            threading.Thread(target=loop, daemon=True).start()
        self.tell({"event": "state", "state": "starting"}, {"event": "state", "state": "idle"})
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.queue or self.stopping)
                if self.stopping:
                    break
                statement = self.queue.popleft()
            self.run(statement)
            with self.changed:
                if not self.queue:
                    self.tell({"event": "state", "state": "idle"})
        self.tell({"event": "state", "state": "dead"})
        with self.changed:
            self.changed.wait_for(lambda: not self.unsent, 1)


def run_batch(key, status, seconds):
    journal = pathlib.Path(os.environ["STUB_JOURNAL"]) / f"batch-{key}"

    def write(line):
        with journal.open("a") as file:
            file.write(line + "\n")

    write("began")
    time.sleep(float(seconds))
    write(f"ends {status} {time.time()}")
    os._exit(int(status))  # At once, so that this was the end.


def main():
    settings = settings_of(sys.argv)
    if PREFIX + "session" in settings:
        return Driver(settings).main()
    run_batch(*sys.argv[-3:])


if __name__ == "__main__":
    main()
