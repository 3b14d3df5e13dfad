"""Runs Python statements for the driver program: the child's side of PythonInterpreter.java.

The original standard input and output carry one JSON object a line. A thread reads, so that an
interrupt gets through while a statement runs; statements run in the main thread, the only one that
Python delivers signals to.
"""
import atexit
import faulthandler
import importlib
import io
import json
import os
import queue
import signal
import sys
import threading
import traceback
import types
import warnings

# The other files are beside this one, which goes as soon as the start is over.
FOLDER = os.path.dirname(os.path.abspath(__file__))
if FOLDER not in sys.path:  # Python can be told to leave it out.
    sys.path.insert(0, FOLDER)
wrote_none = sys.dont_write_bytecode
sys.dont_write_bytecode = True
import livy_completion
import livy_output
import livy_statements
sys.dont_write_bytecode = wrote_none

livy_statements.HIDDEN_FILES.update([__file__, livy_output.__file__])
EXIT_SECONDS = 4


def connect():
    """The names user code starts with, on the driver's own Spark context."""
    from py4j.clientserver import ClientServerConnection
    from py4j.java_gateway import GatewayConnection
    from pyspark import SparkConf, SparkContext, cloudpickle
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession, SQLContext
    from pyspark.streaming import StreamingContext
    close_when_interrupted(ClientServerConnection)
    close_when_interrupted(GatewayConnection)
    gateway = launch_gateway()  # Connects to PYSPARK_GATEWAY_PORT.
    access = gateway.jvm.org.livy.driver.SparkAccess
    java_context = access.javaContext()
    conf = SparkConf(_jvm=gateway.jvm, _jconf=java_context.getConf())
    context = SparkContext(jsc=java_context, gateway=gateway, conf=conf)
    # The context is the driver's; the end of Python must not stop it.
    atexit.unregister(context.stop)
    session = SparkSession(context, access.session())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sql_context = SQLContext(context, session)
    names = {"sc": context, "spark": session, "sqlContext": sql_context,
             "StreamingContext": StreamingContext, "cloudpickle": cloudpickle}
    try:
        from pyspark.sql import HiveContext
        names["HiveContext"] = HiveContext
    except ImportError:
        pass  # Spark 4 has none.
    return names


def close_when_interrupted(connection):
    """Has a connection of this class close itself when a statement is interrupted in its call.

    Newer versions of py4j, such as 0.10.9.9, look for it by its ports instead, on both sides. That
    takes all connections for this one, because they have one of them in common, and closes them as
    soon as the call has returned, in the middle of the next statement.
    """
    send = connection.send_command

    def send_command(self, command):
        try:
            return send(self, command)
        except KeyboardInterrupt:
            self.close()
            raise

    connection.send_command = send_command


def bound(answer):
    """Cuts what an exception says of itself, for which the bound of what is printed does not hold.
    """
    if "evalue" not in answer:
        return
    left = livy_output.OUTPUT_MAX
    lines = []
    for text in [answer["evalue"]] + answer["traceback"]:
        part, size = livy_output.head(text, left)
        left -= size
        lines.append(part)
        if len(part) < len(text):
            answer["truncated"] = True
            break
    answer["evalue"], answer["traceback"] = lines[0], lines[1:]


class Server(object):
    """Takes requests from the driver, one after the other, and interrupts the running one."""

    def __init__(self, source, sink, capture, pump):
        self.source = source
        self.sink = sink
        self.capture = capture
        self.pump = pump
        self.process = os.getpid()
        self.requests = queue.Queue()
        self.running = None  # The number of the statement that may be interrupted.
        self.interrupted = None
        self.writing = threading.Lock()
        self.follower = None
        self.context = None
        self.names = {}
        self.files = os.getcwd()  # The process starts in Spark's folder of files.

    def reply(self, message):
        data = (json.dumps(message) + "\n").encode("utf-8")
        with self.writing:
            while data:
                data = data[os.write(self.sink, data):]

    def read(self):
        for line in self.source:
            message = json.loads(line.decode("utf-8"))
            if message["op"] == "follow":
                self.follow(message["of"])
            elif message["op"] == "add":
                self.add_file(message["file"])
            elif message["op"] == "complete":
                self.complete(message)
            elif message["op"] != "interrupt":
                self.requests.put(message)
            elif message["of"] == self.running:
                # A real signal, because that wakes the main thread from a blocking call.
                self.interrupted = message["of"]
                os.kill(os.getpid(), signal.SIGINT)
        # The driver has gone or wants an end: exit handlers get some time, then force.
        self.requests.put(None)
        if self.running is not None:
            self.interrupted = self.running
            os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(EXIT_SECONDS)
        os._exit(0)

    def add_file(self, name):
        """A module or package that Spark has fetched: what addPyFile does after that."""
        path = os.path.join(self.files, name)
        if name.lower().endswith((".zip", ".egg", ".jar")):
            includes = self.context._python_includes
            if name not in includes:
                includes.append(name)
            sys.path.insert(1, path)
        importlib.invalidate_caches()

    def follow(self, statement):
        """A statement runs for longer: the driver wants to hear what it prints before its end."""
        if self.follower is None:
            self.follower = livy_output.Follower(self.capture, self.reply)
            self.follower.start()
        self.capture.follow(statement)

    def on_interrupt(self, number, frame):
        if self.running is not None and self.running == self.interrupted:
            self.interrupted = None
            if not self.capture.defer_interrupt(frame):
                raise KeyboardInterrupt()

    def serve(self, runner):
        self.context = runner.context
        self.names = runner.names
        signal.signal(signal.SIGINT, self.on_interrupt)
        threading.Thread(target=self.read, daemon=True, name="livy-requests").start()
        while True:
            request = self.requests.get()
            if request is None:
                return
            answer = self.execute(runner, request)
            answer["id"] = request["id"]
            try:
                self.reply(answer)
            except Exception as failure:
                text = "the result cannot be turned into JSON: %s" % failure
                failed = livy_statements.error("ValueError", text, [])
                self.reply(dict(failed, id=request["id"], stdout=""))

    def complete(self, request):
        """While a statement runs, too. An error here is no business of the user's."""
        try:
            found = livy_completion.complete(request["code"], self.names)
        except Exception:
            found = []
        self.reply({"id": request["id"], "candidates": found})

    def execute(self, runner, request):
        answer = None
        self.capture.begin(request["id"])
        try:
            group = request["group"]
            runner.context.setJobGroup(group, "Job group for statement " + group, True)
            self.running = request["id"]
            answer = runner.execute(request["code"], request["rows"])
            self.running = None
        except KeyboardInterrupt:
            self.running = None  # First, because another may be on its way.
            # It came in the moment after the statement.
            answer = answer or livy_statements.error(
                "KeyboardInterrupt", "", ["KeyboardInterrupt\n"])
        except Exception:
            # Spark is stopping; the code has not run.
            answer = livy_statements.current_error()
        self.running = None
        if os.getpid() != self.process:
            os._exit(0)  # User code forked and went on in both processes.
        bound(answer)
        self.pump.catch_up()
        text, cut = self.capture.end()
        if cut:
            answer["truncated"] = True
        if "data" not in answer:
            answer["stdout"] = text
        else:
            data = answer["data"]
            text = (data.pop("text/plain", "") + text).rstrip()
            if text or not data or "image/png" in data:
                data["text/plain"] = text
        return answer


def main():
    # User code must find neither the protocol's descriptors nor pass them to its children.
    source = os.fdopen(os.dup(0), "rb")
    sink = os.dup(1)
    capture = livy_output.Capture(os.dup(2))
    faulthandler.enable(capture.log)  # What a crash says must get past our own pipe.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    pipe_out, pipe_in = os.pipe()
    os.dup2(pipe_in, 1)
    os.dup2(pipe_in, 2)
    pump = livy_output.Pump(capture, pipe_out, pipe_in)
    pump.start()
    sys.stdout = livy_output.Writer(capture, 1)
    sys.stderr = livy_output.Writer(capture, 2)
    sys.stdin = io.StringIO()
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.path[sys.path.index(FOLDER)] = ""  # It is of no use to the user.
    sys.argv = [""]
    # A real module, so that pickling by reference to __main__ works as in a plain shell.
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    server = Server(source, sink, capture, pump)
    try:
        names = connect()
    except BaseException:
        server.reply({"error": traceback.format_exc()})
        os._exit(1)
    module.__dict__.update(names)
    runner = livy_statements.Runner(module.__dict__)
    runner.context = names["sc"]
    capture.mark_threads()
    server.reply({"ready": True})
    server.serve(runner)
    try:
        atexit._run_exitfuncs()
    finally:
        os._exit(0)  # Threads that user code started do not keep the process.


if __name__ == "__main__":
    main()
