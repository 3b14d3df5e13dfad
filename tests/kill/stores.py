"""The stores that a livy-server can have its state in, with real servers behind them where they need one."""
import glob
import os
import pathlib
import shutil
import subprocess

# Of ZooKeeper's own jars and what they need.
JARS = ("zookeeper", "slf4j-api", "slf4j-nop", "netty-", "snappy-java", "metrics-core", "log4j-",
        "commons-", "audience-")
NAMES = ("sqlite", "filesystem", "redis", "zookeeper")


class Missing(Exception):
    """What a store needs is not there."""


class Store:
    """`settings` of a livy-server for it. What it needs runs until close(), with its files in `folder`."""

    def __init__(self, name, folder):
        self.process = None
        self.is_locked = name in ("sqlite", "filesystem")  # Else another server may take it over.
        self.settings = f"livy.server.state-store = {name}\n"
        if name == "redis":
            self.start_redis(folder)
        elif name == "zookeeper":
            self.start_zookeeper(folder)

    def start_redis(self, folder):
        program = shutil.which("redis-server", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/bin")
        if not program:
            raise Missing("there is no redis-server")
        socket = folder / "redis.socket"
        self.start(folder, "ready to accept connections at", program, "--dir", folder, "--port", "0",
                   "--unixsocket", socket, "--appendonly", "yes", "--appendfsync", "always",
                   "--save", "", "--daemonize", "no")
        self.settings += f"livy.server.redis.url = unix:{socket}\n"

    def start_zookeeper(self, folder):
        java = shutil.which("java", path=f"{os.environ.get('JAVA_HOME', '')}/bin:{os.environ['PATH']}")
        jars = next(filter(None, map(jars_in, (
            "/usr/share/java", os.environ.get("SPARK_HOME", "/nowhere") + "/jars"))), None)
        if not java or not jars:
            raise Missing("there is no Java" if not java else "there are no jars of ZooKeeper")
        host = pathlib.Path(__file__).resolve().parent.parent / "store" / "ZooKeeperHost.java"
        data = folder / "zookeeper"
        data.mkdir()
        # Nothing is killed here but livy-servers, so that nothing needs to be on the disk.
        port = self.start(folder, "listening ", java, "-Xmx128m", "-XX:TieredStopAtLevel=1",
                          "-XX:+UseSerialGC", "-Dzookeeper.forceSync=no", "-cp", ":".join(jars),
                          host, data, "0")
        self.settings += f"livy.server.zookeeper.url = 127.0.0.1:{port}\n"

    def start(self, folder, words, *command):
        """What follows `words` in its output."""
        with (folder / "store.log").open("w") as errors:
            self.process = subprocess.Popen(command, text=True, cwd=folder, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=errors)
        for line in self.process.stdout:
            if words in line:
                return line.rpartition(words)[2].strip()
        raise AssertionError(f"{command[0]} has ended: {(folder / 'store.log').read_text()}")

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()


def jars_in(folder):
    jars = [jar for start in JARS for jar in glob.glob(f"{folder}/{start}*.jar")]
    return jars if glob.glob(f"{folder}/zookeeper-jute*.jar") else []
