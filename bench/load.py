"""What is put on a server: requests by wrk, idle connections, clients that wait."""

import contextlib
import dataclasses
import re
import resource
import select
import shutil
import socket
import subprocess
import time

# As many as anything here opens at once, and some.
DESCRIPTORS = 30000
ANSWER_SECONDS_MAX = 60
MILLIS = {"us": 1e-3, "ms": 1, "s": 1000, "m": 60000}


@dataclasses.dataclass
class Load:
    """What wrk and the kernel say of one run."""

    requests: int
    seconds: float
    cpu_micros: float  # Of the server, for one request.
    p50: float  # In milliseconds, as p99.
    p99: float
    errors: str


def raise_limits():
    """Lets this process and its children have many files open, and returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, max(hard, DESCRIPTORS)))
        return DESCRIPTORS
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def has_wrk():
    return shutil.which("wrk") is not None


def wrk(server, connections, seconds, path=None):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s",
               server.url + (path or server.path)]
    before = server.cpu_seconds()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    cpu = server.cpu_seconds() - before

    def millis(share):
        found = re.search(rf"^\s+{share}%\s+([\d.]+)(us|ms|s|m)$", output, re.MULTILINE)
        return float(found[1]) * MILLIS[found[2]]

    requests, unit_seconds, unit = re.search(
        r"(\d+) requests in ([\d.]+)(s|m)", output).groups()
    trouble = re.findall(r"^\s+(Socket errors: .*|Non-2xx.*)$", output, re.MULTILINE)
    return Load(int(requests), float(unit_seconds) * MILLIS[unit] / 1000,
                1e6 * cpu / max(1, int(requests)), millis(50), millis(99), "; ".join(trouble))


class Connections:
    """Connections to a server that have each had an answer and stay open."""

    def __init__(self, server, path, count):
        self.sockets = []
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", server.port), ANSWER_SECONDS_MAX)
            self.sockets.append(connection)
            connection.sendall(request)
            if not connection.recv(65536).startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{server.name} refused connection {len(self.sockets)}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self.sockets:
            connection.close()

    def alive(self):
        """How many the server has not closed."""
        return sum(not self._is_closed(connection) for connection in self.sockets)

    @staticmethod
    def _is_closed(connection):
        connection.setblocking(False)
        try:
            return not connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def send(self, request):
        for connection in self.sockets:
            connection.setblocking(True)
            connection.sendall(request)

    def await_answers(self, mark):
        """The monotonic times, in seconds, of the first and the last answer, which hold `mark`."""
        waiting = select.epoll()
        left = {}
        for connection in self.sockets:
            connection.setblocking(False)
            left[connection.fileno()] = connection, b""
            waiting.register(connection.fileno(), select.EPOLLIN)
        first = None
        end = time.monotonic() + ANSWER_SECONDS_MAX
        with contextlib.closing(waiting):
            while left:
                ready = waiting.poll(max(0.0, end - time.monotonic()), maxevents=len(left))
                if not ready:
                    raise RuntimeError(f"{len(left)} clients had no answer")
                for descriptor, _ in ready:
                    connection, text = left[descriptor]
                    text += connection.recv(65536)
                    if mark not in text:
                        left[descriptor] = connection, text
                        continue
                    first = first or time.monotonic()
                    waiting.unregister(descriptor)
                    del left[descriptor]
        return first, time.monotonic()
