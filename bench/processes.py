"""Servers as processes of their own: starting and ending them, and what the kernel says of them."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 20
TICKS = os.sysconf("SC_CLK_TCK")
LISTENING = re.compile(r"listening on (http://\S+)")

# Enough for a server to take it for an installation of Spark; its drivers never answer, and its
# batches do nothing.
STAND_IN_SUBMIT = """#!/bin/sh
case "$*" in *.py) echo nothing; exit 0 ;; esac
i=0
while [ $i -lt 10 ]; do
  echo "26/11/21 07:00:0$i INFO SparkContext: Running Spark version 3.5.7, and as much as usual" >&2
  i=$((i + 1))
done
exec sleep 3600
"""

NGINX_CONF = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes auto;
worker_rlimit_nofile 30000;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 10m;
  default_type application/json;
  open_file_cache max=10 inactive=1h;
  open_file_cache_valid 1h;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    root {folder}/www;
    location / {{ try_files /answer.json =404; }}
  }}
}}
"""


class Server:
    """A process that serves HTTP at `url`. A context manager: leaving it ends the process."""

    def __init__(self, name, command, log, url=None, path="/", environment=None):
        self.name = name
        self.path = path
        self.url = url
        self.started = time.monotonic()
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                [str(word) for word in command], env=os.environ | (environment or {}), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        if url is None:
            self.url = self._announced()
        self.port = urllib.parse.urlsplit(self.url).port

    def _announced(self):
        for line in iter(self.process.stdout.readline, ""):
            if match := LISTENING.search(line):
                return match[1]
        self.stop()
        raise RuntimeError(f"{self.name} did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        # Ends what waits for a line.
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{self.name}: {method} {path}: {answer.status} {text[:500]!r}")
        return text

    def json(self, method, path, body=None):
        return json.loads(self.request(method, path, body) or "null")

    def await_answer(self, path):
        """Seconds from its start to its first answer."""
        while True:
            try:
                self.request("GET", path)
                return time.monotonic() - self.started
            except (ConnectionError, http.client.HTTPException):
                if time.monotonic() - self.started > START_SECONDS_MAX:
                    raise
                time.sleep(0.001)

    def processes(self):
        """Its processes that serve: its own and, for nginx, the workers."""
        pid = self.process.pid
        if self.name != "nginx":
            return [pid]
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [pid, *map(int, children.split())]

    def cpu_seconds(self):
        return sum(map(cpu_seconds, self.processes()))

    def memory(self):
        """Its VmRSS and its PSS, in MiB."""
        rss = pss = 0
        for pid in self.processes():
            rss += field(f"/proc/{pid}/status", "VmRSS")
            pss += field(f"/proc/{pid}/smaps_rollup", "Pss")
        return rss / 1024, pss / 1024

    def threads(self):
        return sum(field(f"/proc/{pid}/status", "Threads") for pid in self.processes())


def cpu_seconds(pid):
    """Its processor time, of the user and of the system, without that of its children."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def tree_cpu_seconds(root):
    """The processor time of a process's descendants, that of the ended ones included."""
    children = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            times = sum(map(int, fields[11:15])) / TICKS
            children.setdefault(int(fields[1]), []).append((int(folder.name), times))
    total, left = 0.0, [root]
    while left:
        for pid, times in children.get(left.pop(), []):
            total += times
            left.append(pid)
    return total


def field(file, name):
    return int(re.search(rf"^{name}:\s+(\d+)", pathlib.Path(file).read_text(), re.MULTILINE)[1])


def stand_in_spark(folder):
    home = folder / "stand-in-spark"
    if not home.is_dir():
        (home / "bin").mkdir(parents=True)
        (home / "jars").mkdir()
        (home / "jars/spark-core_2.12-3.5.7.jar").touch()
        submit = home / "bin/spark-submit"
        submit.write_text(STAND_IN_SUBMIT)
        submit.chmod(0o755)
    return home


def livy_server(build, folder, spark_home=None, home=None):
    """livy-server as it is delivered, but for limits that a measurement would run into. Its state
    is that of `home`, or else none yet."""
    folder = pathlib.Path(home or tempfile.mkdtemp(prefix="livy-", dir=folder))
    conf = folder / "livy.conf"
    conf.write_text("livy.server.keep-alive.timeout = 10m\nlivy.rsc.server.connect.timeout = 1h\n"
                    "livy.server.session.max-creation = 100000\n")
    return Server(
        "livy-server", [build / "server/livy-server", "--port", "0", "--conf", conf],
        folder / "livy-server.log", path="/sessions/0",
        environment={"SPARK_HOME": str(spark_home or stand_in_spark(folder)),
                     "XDG_STATE_HOME": str(folder / "state"),
                     "XDG_CACHE_HOME": str(folder / "cache")})


def stub_server(build, folder, *arguments):
    return Server("stub_server", [build / "bench/stub_server", *arguments],
                  folder / "stub_server.log", path="/sessions/0")


def bare_handler(build, folder, mode, bytes_, threads):
    """None if there is none: that of cpp-httplib is built where the system has it."""
    program = build / "bench" / {"ours": "bare_handler", "httplib": "bare_httplib"}[mode]
    if not program.exists():
        return None
    return Server(f"bare {mode}", [program, 0, bytes_, threads], folder / f"{program.name}.log")


def nginx(folder, bytes_):
    """None if there is no nginx."""
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        return None
    home = folder / "nginx"
    (home / "www").mkdir(parents=True, exist_ok=True)
    # Its workers are another user.
    for directory in (folder, home, home / "www"):
        directory.chmod(0o755)
    (home / "www/answer.json").write_text('{"pad":"' + "x" * (bytes_ - 10) + '"}')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    conf = home / "nginx.conf"
    conf.write_text(NGINX_CONF.format(folder=home, port=port))
    return Server("nginx", [program, "-e", home / "error.log", "-c", conf],
                  folder / "nginx.log", url=f"http://127.0.0.1:{port}")


def first_line(command, wanted, environment=None, folder=None, text=None):
    """Seconds until a program prints a line that holds `wanted`, and of processor time that it and
    its children took until then. Ends them."""
    start = time.monotonic()
    process = subprocess.Popen(
        [str(word) for word in command], env=os.environ | (environment or {}), text=True,
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True)
    try:
        if text:
            process.stdin.write(text)
            process.stdin.flush()
        for line in iter(process.stdout.readline, ""):
            if wanted in line:
                return (time.monotonic() - start,
                        cpu_seconds(process.pid) + tree_cpu_seconds(process.pid))
        raise RuntimeError(f"{command[0]} ended without a line that holds {wanted!r}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()
