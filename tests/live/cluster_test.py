"""Sessions and batches of livy-server on real clusters.

cluster_test.py BUILD_ROOT, with a Spark in $SPARK_HOME. A standalone master is started here; of
other clusters the environment says where they are: LIVY_TEST_YARN (the folder of yarn-site.xml),
LIVY_TEST_K8S (a master such as k8s://https://host:6443) with LIVY_TEST_K8S_CA and
LIVY_TEST_K8S_TOKEN (files) and LIVY_TEST_K8S_DEFAULTS (a file of Spark settings for it, with a
namespace and an image). LIVY_TEST_YARN_RESTART is a command that kills the ResourceManager and
starts it again. With LIVY_TEST_TABLE set, each test prints what it saw as a row of a table, and the
same is done with master local[2].
"""

import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
import urllib.request

from live_server import LiveServer, run_tests
from standalone import Standalone

BUILD_ROOT = pathlib.Path(sys.argv[1]).absolute()
YARN = os.environ.get("LIVY_TEST_YARN", "")
YARN_RESTART = os.environ.get("LIVY_TEST_YARN_RESTART", "")
TABLE = os.environ.get("LIVY_TEST_TABLE", "")
K8S = os.environ.get("LIVY_TEST_K8S", "")
K8S_CA = os.environ.get("LIVY_TEST_K8S_CA", "")
K8S_TOKEN = os.environ.get("LIVY_TEST_K8S_TOKEN", "")
K8S_DEFAULTS = os.environ.get("LIVY_TEST_K8S_DEFAULTS", "")
ENDED = {"success", "dead", "killed"}
PROGRAMS = {
    "sum.py": """
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        print("the sum is", spark.range(101).groupBy().sum().first()[0])
        spark.stop()
        """,
    "fail.py": """
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        raise ValueError("no such thing")
        """,
    "endless.py": """
        import threading
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        threading.Event().wait()
        """,
    "Jobs.java": """
        import java.util.ArrayList;
        import java.util.List;
        import org.apache.spark.sql.SparkSession;
        public final class Jobs {
          public static void main(String[] args) throws InterruptedException {
            SparkSession spark = SparkSession.builder().getOrCreate();
            System.out.println("the count is " + spark.range(11).count());
            if (args[0].equals("fail")) throw new IllegalStateException("no such thing");
            List<long[]> all = new ArrayList<>();
            while (args[0].equals("hog")) all.add(new long[1 << 22]);
            if (args[0].equals("endless")) Thread.currentThread().join();
            spark.stop();
          }
        }
        """,
}
# As little as a cluster of one small machine has.
SMALL = """
spark.driver.memory 512m
spark.driver.memoryOverhead 256m
spark.executor.memory 512m
spark.executor.memoryOverhead 256m
spark.executor.instances 1
spark.executor.cores 1
spark.cores.max 1
spark.ui.enabled false
spark.yarn.am.memory 384m
spark.yarn.am.memoryOverhead 256m
"""


class OnCluster(unittest.TestCase):
    """One server, whose sessions and batches are on one cluster in one mode."""

    master = mode = ""
    more = ""
    environment = {}
    defaults = ""
    takes_python_batches = True
    has_ids = True

    @classmethod
    def setUpClass(cls):
        if not cls.master:
            raise unittest.SkipTest("no cluster is named: see the head of cluster_test.py")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        for name, text in PROGRAMS.items():
            (cls.folder / name).write_text(textwrap.dedent(text))
        home = os.environ["SPARK_HOME"]
        conf = cls.folder / "conf"
        conf.mkdir()
        python = os.environ.get("PYSPARK_PYTHON", "python3")
        (conf / "spark-defaults.conf").write_text(
            SMALL + cls.defaults + f"spark.kubernetes.file.upload.path file://{cls.folder}\n"
            f"spark.yarn.jars local:{home}/jars/*\nspark.pyspark.python {python}\n")
        classes = cls.folder / "classes"
        subprocess.run(["javac", "-nowarn", "-cp", f"{home}/jars/*", "-d", classes,
                        cls.folder / "Jobs.java"], check=True)
        subprocess.run(["jar", "cf", cls.folder / "jobs.jar", "-C", classes, "."], check=True)
        cls.settings = (
            f"livy.spark.master = {cls.master}\nlivy.spark.deploy-mode = {cls.mode}\n"
            f"livy.file.local-dir-whitelist = {cls.folder}\nlivy.server.yarn.poll-interval = 1s\n"
            f"livy.rsc.server.connect.timeout = 10m\n{cls.more}")
        cls.environment = cls.environment | {"SPARK_CONF_DIR": str(conf)}
        cls.server = LiveServer(BUILD_ROOT, cls.folder, cls.settings, **cls.environment)
        cls.addClassCleanup(lambda: cls.server.stop())

    def setUp(self):
        self.begun = time.monotonic()
        self.states = []

    def note(self, state):
        if not self.states or not self.states[-1].startswith(f"{state} "):
            self.states.append(f"{state} {time.monotonic() - self.begun:.1f}")

    def tell(self, what, view):
        """A row of the table: what it was, and all that is to be seen of it."""
        if not TABLE:
            return
        reason = (view.get("endReason") or "").splitlines()
        log = [line for line in view["log"] if line.strip() not in {"", "stdout:", "stderr:"}]
        row = [type(self).__name__, what, view["appId"], ", ".join(self.states), view.get("exitCode"),
               reason[0] if reason else "", reason[-1] if reason[1:] else "", log[-1] if log else ""]
        print("|", " | ".join(str(part).replace("|", "/")[:160] for part in row), "|", flush=True)

    def start_batch(self, how):
        body = {"file": f"file://{self.folder}/jobs.jar", "className": "Jobs", "args": [how]}
        if self.takes_python_batches and how != "hog":
            name = {"": "sum.py", "fail": "fail.py", "endless": "endless.py"}[how]
            body = {"file": f"file://{self.folder}/{name}"}
        status, batch = self.server.request("POST", "/batches", body)
        self.assertEqual(status, 201, batch)
        return batch["id"]

    def wait_for(self, batch, states):
        while True:
            status, view = self.server.request("GET", f"/batches/{batch}?wait=2s")
            self.assertEqual(status, 200, view)
            self.note(view["state"])
            if view["state"] in states:
                return view
            self.assertNotIn(view["state"], ENDED, view)

    def check_id(self, view):
        if self.has_ids:
            self.assertRegex(
                view["appId"], r"^((application|driver)[-_][0-9]+[-_][0-9]+|spark-[0-9a-f]+)$")

    def test_session(self):
        server = self.server
        session = server.start_session("spark")
        self.note("idle")
        scala = server.run(session, "sc.parallelize(1 to 100, 2).sum.toInt")
        self.assertIn("5050", scala["data"]["text/plain"])
        self.note("Scala's result")
        python = server.run(
            session, "sc.parallelize(range(101), 2).map(lambda x: x).sum()", kind="pyspark")
        self.assertEqual(python["data"], {"text/plain": "5050"})
        self.note("Python's result")
        status, view = server.request("GET", f"/sessions/{session}")
        self.assertEqual(status, 200)
        self.check_id(view)
        server.request("DELETE", f"/sessions/{session}")
        self.note("deleted")
        self.tell("session", view)

    def test_success(self):
        view = self.wait_for(self.start_batch(""), ENDED)
        self.assertEqual(view["state"], "success", view)
        self.check_id(view)
        self.tell("batch that succeeds", view)

    def test_failure(self):
        view = self.wait_for(self.start_batch("fail"), ENDED)
        self.assertEqual(view["state"], "dead", view)
        self.assertTrue(view["endReason"])
        self.check_id(view)
        self.tell("batch that fails", view)

    def test_kill(self):
        batch = self.start_batch("endless")
        self.wait_for(batch, {"running"})
        status, _ = self.server.request("POST", f"/batches/{batch}/stop")
        self.assertEqual(status, 204)
        view = self.wait_for(batch, ENDED)
        self.assertEqual((view["state"], view["endReason"]), ("killed", "stopped"), view)
        self.tell("batch that is stopped", view)
        status, _ = self.server.request("DELETE", f"/batches/{batch}")
        self.assertEqual(status, 200)

    def between_servers(self):
        """What happens while there is none."""

    def test_another_server(self):
        """What runs survives its server, and the next one has all of it."""
        session = self.server.start_session("spark")
        batch = self.start_batch("endless")
        before = self.wait_for(batch, {"running"})
        statement = self.server.submit(session, 'Thread.sleep(5000); println("slept"); 6 * 7')
        _, session_before = self.server.request("GET", f"/sessions/{session}")
        self.server.kill()
        self.between_servers()
        type(self).server = LiveServer(BUILD_ROOT, self.folder, self.settings, **self.environment)
        after = self.wait_for(batch, {"running"})
        self.assertEqual(after["appId"], before["appId"])
        output = self.server.result(session, statement)["data"]["text/plain"]
        self.assertRegex(output, "(?s)slept.*42")
        self.assertIn("43", self.server.run(session, "6 * 7 + 1")["data"]["text/plain"])
        _, session_after = self.server.request("GET", f"/sessions/{session}")
        self.assertEqual(session_after["appId"], session_before["appId"])
        self.server.request("DELETE", f"/sessions/{session}")
        status, _ = self.server.request("POST", f"/batches/{batch}/stop")
        self.assertEqual(status, 204)
        view = self.wait_for(batch, ENDED)
        self.assertEqual(view["state"], "killed", view)
        self.tell("batch and session whose server is another", view)


class YarnCluster(OnCluster):
    master = "yarn" if YARN else ""
    mode = "cluster"
    environment = {"HADOOP_CONF_DIR": YARN}

    def between_servers(self):
        if YARN_RESTART:
            subprocess.run(YARN_RESTART, shell=True, check=True, stdout=subprocess.DEVNULL)

    def test_a_batch_that_livy_has_launched(self):
        """It has a tag, as Apache Livy stores it, and no more."""
        state = self.folder / "livy-state"
        settings = (f"{self.settings}livy.server.recovery.state-store = filesystem\n"
                    f"livy.server.recovery.state-store.url = file://{state}\n")
        type(self).server.stop()
        type(self).server = LiveServer(BUILD_ROOT, self.folder, settings, **self.environment)
        batch = self.start_batch("endless")
        before = self.wait_for(batch, {"running"})
        self.server.kill()
        path = state / f"v1/batch/{batch}"
        record = json.loads(path.read_text())
        members = ["id", "name", "appId", "appTag", "owner", "proxyUser", "version"]
        record["appTag"] = record["appTag"].upper()  # Livy's have letters of both kinds.
        path.write_text(json.dumps({name: record.get(name) for name in members}))
        type(self).server = LiveServer(BUILD_ROOT, self.folder, settings, **self.environment)
        after = self.wait_for(batch, {"running"})
        self.assertEqual(after["appId"], before["appId"])
        status, _ = self.server.request("POST", f"/batches/{batch}/stop")
        self.assertEqual(status, 204)
        self.assertEqual(self.wait_for(batch, ENDED)["state"], "killed")

    def test_an_unknown_queue(self):
        status, batch = self.server.request(
            "POST", "/batches", {"file": f"file://{self.folder}/sum.py", "queue": "nosuch"})
        self.assertEqual(status, 201, batch)
        view = self.wait_for(batch["id"], ENDED)
        self.assertEqual(view["state"], "dead", view)
        _, page = self.server.request("GET", f"/batches/{batch['id']}/log?from=0&size=1000")
        self.assertIn("nosuch", "\n".join(page["log"]))


class YarnClient(OnCluster):
    master = "yarn" if YARN else ""
    mode = "client"
    environment = {"HADOOP_CONF_DIR": YARN}


class KubernetesCluster(OnCluster):
    master = K8S
    mode = "cluster"
    more = (f"livy.server.kubernetes.caCertFile = {K8S_CA}\n"
            f"livy.server.kubernetes.oauthTokenFile = {K8S_TOKEN}\n"
            "livy.server.kubernetes.poll-interval = 1s\n")
    defaults = pathlib.Path(K8S_DEFAULTS).read_text() if K8S_DEFAULTS else ""

    def call(self, method, path):
        """What the API server itself answers."""
        request = urllib.request.Request(
            K8S.removeprefix("k8s://") + path, method=method,
            headers={"Authorization": "Bearer " + pathlib.Path(K8S_TOKEN).read_text().strip()})
        context = ssl.create_default_context(cafile=K8S_CA)
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            return json.load(answer)

    def pods_of(self, view):
        """The driver pods of an application."""
        found = re.search(r"(?m)^spark\.kubernetes\.namespace[ =]+(\S+)", self.defaults)
        path = f"/api/v1/namespaces/{found[1] if found else 'default'}/pods"
        labels = f"spark-role%3Ddriver,spark-app-selector%3D{view['appId']}"
        pods = self.call("GET", f"{path}?labelSelector={labels}")["items"]
        return [f"{path}/{pod['metadata']['name']}" for pod in pods]

    def log_of(self, batch):
        _, page = self.server.request("GET", f"/batches/{batch}/log?from=0&size=2000")
        return page["log"]

    def test_success_leaves_a_pod_and_its_log(self):
        batch = self.start_batch("")
        view = self.wait_for(batch, ENDED)
        self.assertEqual((view["state"], view["exitCode"]), ("success", 0), view)
        log = self.log_of(batch)
        self.assertIn("the sum is 5050", log[:log.index("\nstderr: ")])
        self.assertIn("\tphase: Succeeded", log[log.index("\nKubernetes Diagnostics: "):])
        self.assertEqual(len(self.pods_of(view)), 1)

    def test_failure_has_the_reason_of_the_container(self):
        view = self.wait_for(self.start_batch("fail"), ENDED)
        self.assertEqual((view["state"], view["exitCode"]), ("dead", 1), view)
        self.assertIn("ended on Kubernetes as Failed: container ", view["endReason"])
        self.assertIn("ValueError: no such thing", view["endReason"])

    def test_a_stop_deletes_the_pod(self):
        batch = self.start_batch("endless")
        running = self.wait_for(batch, {"running"})
        status, _ = self.server.request("POST", f"/batches/{batch}/stop")
        self.assertEqual(status, 204)
        view = self.wait_for(batch, ENDED)
        self.assertEqual(view["state"], "killed", view)
        self.assertEqual(self.pods_of(running), [])

    def test_a_pod_that_others_delete(self):
        batch = self.start_batch("endless")
        for pod in self.pods_of(self.wait_for(batch, {"running"})):
            self.call("DELETE", pod)
        view = self.wait_for(batch, ENDED)
        # A node may be so quick that nobody sees the deletion but only that the pod has gone.
        self.assertIn(view["state"], {"killed", "dead"}, view)
        seen = "was deleted" if view["state"] == "killed" else "was removed"
        self.assertIn(seen, view["endReason"])

    def test_an_image_that_is_not_there(self):
        status, batch = self.server.request(
            "POST", "/batches", {"file": f"file://{self.folder}/sum.py",
                                 "conf": {"spark.kubernetes.container.image": "missing/spark"}})
        self.assertEqual(status, 201, batch)
        while "ImagePull" not in "\n".join(self.log_of(batch["id"])):
            status, view = self.server.request("GET", f"/batches/{batch['id']}?wait=1s")
            self.assertEqual(view["state"], "starting", view)
        status, _ = self.server.request("DELETE", f"/batches/{batch['id']}")
        self.assertEqual(status, 200)


class Local(OnCluster):
    """For the table; batch_test.py and server_test.py have its tests."""

    master = "local[2]" if TABLE else ""
    mode = "client"
    has_ids = False


class OnStandalone(OnCluster):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Standalone()
        cls.addClassCleanup(cls.cluster.stop)
        cls.master = cls.cluster.url
        cls.more = f"livy.server.standalone.masters = {cls.cluster.ui}\n"
        super().setUpClass()

    def test_a_driver_without_memory(self):
        view = self.wait_for(self.start_batch("hog"), ENDED)
        self.assertEqual(view["state"], "dead", view)
        self.assertIn("java.lang.OutOfMemoryError", view["endReason"])
        self.tell("batch without memory", view)

    def test_another_master(self):
        """What runs is not ended by the master's death, and obeys when there is one again."""
        session = self.server.start_session("spark")
        batch = self.start_batch("endless")
        before = self.wait_for(batch, {"running"})
        self.cluster.restart_master()
        after = self.wait_for(batch, {"running"})
        self.assertEqual(after["appId"], before["appId"])
        self.assertIn("5050", self.server.run(
            session, "sc.parallelize(1 to 100, 2).sum.toInt")["data"]["text/plain"])
        self.server.request("DELETE", f"/sessions/{session}")
        status, _ = self.server.request("POST", f"/batches/{batch}/stop")
        self.assertEqual(status, 204)
        view = self.wait_for(batch, ENDED)
        self.assertEqual(view["state"], "killed", view)
        self.tell("batch whose master is another", view)


class StandaloneCluster(OnStandalone):
    mode = "cluster"
    takes_python_batches = False  # Spark does not, in this mode.

    def test_the_log_has_what_the_driver_has_written(self):
        batch = self.start_batch("")
        self.wait_for(batch, ENDED)
        _, page = self.server.request("GET", f"/batches/{batch}/log?from=0&size=2000")
        self.assertIn("the count is 11", page["log"][page["log"].index("\nstderr: "):])


class StandaloneClient(OnStandalone):
    mode = "client"
    has_ids = False


del OnCluster, OnStandalone  # They are no tests of their own.

if __name__ == "__main__":
    run_tests("StandaloneCluster.test_session")
