"""Runs Python statements for the driver program: the child's side of PythonInterpreter.java.

The original standard input and output carry one JSON object a line. A thread reads, so that an
interrupt gets through while a statement runs; statements run in the main thread, the only one that
Python delivers signals to.
"""
import ast
import atexit
import base64
import codecs
import datetime
import decimal
import io
import json
import math
import os
import queue
import signal
import sys
import threading
import traceback
import types
import warnings

SOURCE = "<stdin>"
OUTPUT_MAX = int(os.environ.get("LIVY_DRIVER_OUTPUT_MAX", "1048576"))
COMPLETIONS_MAX = 500
EXIT_SECONDS = 4


class Capture(object):
    """The running statement's output, up to a limit.

    A thread's output belongs to the statement that started the thread: what comes after that
    statement's end goes to the driver's log. Output of unknown origin belongs to what runs.
    """

    def __init__(self, log):
        self.log = log
        self.lock = threading.Lock()
        self.parts = []
        self.size = 0
        self.cut = False
        self.statement = None

    def begin(self, statement):
        with self.lock:
            self.parts, self.size, self.cut, self.statement = [], 0, False, statement

    def write(self, text):
        with self.lock:
            thread = threading.current_thread()
            owner = getattr(thread, "_livy_statement", self.statement)
            if owner is None or owner != self.statement:
                os.write(self.log, text.encode("utf-8", "backslashreplace"))
                return
            room = OUTPUT_MAX - self.size
            if len(text) > room:
                text, self.cut = text[:room], True
            self.parts.append(text)
            self.size += len(text)

    def end(self):
        with self.lock:
            text = "".join(self.parts)
            if self.cut:
                text += "\n... output cut after %d characters\n" % OUTPUT_MAX
            self.parts, self.statement = [], None
            return text

    def mark_threads(self):
        """From now on threads know which statement started them."""
        start = threading.Thread.start

        def marked_start(thread):
            owner = getattr(threading.current_thread(), "_livy_statement", self.statement)
            if owner is not None:
                thread._livy_statement = owner
            start(thread)

        threading.Thread.start = marked_start


class Writer(io.TextIOBase):
    """What user code sees as sys.stdout and sys.stderr."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, capture, descriptor):
        self.capture = capture
        self.descriptor = descriptor
        self.buffer = BinaryWriter(self)

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not " + type(text).__name__)
        self.capture.write(text)
        return len(text)

    def fileno(self):
        return self.descriptor


class BinaryWriter(io.RawIOBase):
    def __init__(self, text):
        self.text = text

    def writable(self):
        return True

    def write(self, data):
        data = bytes(data)
        self.text.write(data.decode("utf-8", "replace"))
        return len(data)


class Pump(threading.Thread):
    """Moves what C code and subprocesses write to descriptors 1 and 2 into the capture."""

    MARK = b"\0livy-mark-"

    def __init__(self, capture, source):
        super(Pump, self).__init__(daemon=True, name="livy-output")
        self.capture = capture
        self.source = source
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.reached = threading.Event()

    def run(self):
        pending = b""
        while True:
            try:
                chunk = os.read(self.source, 65536)
            except OSError:
                return
            if not chunk:
                return
            pending = self.consume(pending + chunk)

    def consume(self, data):
        """Passes text on and returns what may be the beginning of a mark."""
        while True:
            at = data.find(self.MARK)
            end = data.find(b"\0", at + 1)
            if at < 0 or end < 0:
                break
            self.pass_on(data[:at])
            data = data[end + 1:]
            self.reached.set()
        keep = data.rfind(b"\0")
        if keep < 0 or len(data) - keep > 40:
            keep = len(data)
        self.pass_on(data[:keep])
        return data[keep:]

    def pass_on(self, data):
        text = self.decode(data)
        if text:
            self.capture.write(text)

    def catch_up(self):
        """Returns when everything written to descriptor 1 so far has been captured."""
        self.reached.clear()
        try:
            os.write(1, self.MARK + b"\0")
        except OSError:
            return  # User code closed the descriptor.
        self.reached.wait(1.0)


class StatementError(Exception):
    """An error of the statement that is none of Python's own."""

    def __init__(self, ename, evalue):
        super(StatementError, self).__init__(evalue)
        self.reply = error(ename, evalue, ["%s: %s\n" % (ename, evalue)])


def error(ename, evalue, lines):
    return {"ename": ename, "evalue": evalue, "traceback": lines}


def current_error(hide_top_level):
    """The exception being handled, without the frames of this file and the user's outermost."""
    kind, value, trace = sys.exc_info()
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    if hide_top_level and trace is not None:
        trace = trace.tb_next
    lines = traceback.format_exception(kind, value, trace, chain=False)
    if trace is None and not lines[0].startswith("Traceback") and hide_top_level:
        lines.insert(0, "Traceback (most recent call last):\n")
    return error(kind.__name__, str(value), lines)


# Values of magics.


def json_value(value):
    """The value as JSON can hold it: NaN and infinity are null; no value of any other type."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(name): json_value(item) for name, item in value.items()}
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


CELL_TYPES = (
    (bool, "BOOLEAN_TYPE"),
    (int, "INT_TYPE"),
    (float, "DOUBLE_TYPE"),
    (str, "STRING_TYPE"),
    (datetime.datetime, "TIMESTAMP_TYPE"),
    (datetime.date, "DATE_TYPE"),
    (decimal.Decimal, "DECIMAL_TYPE"),
    ((list, tuple), "ARRAY_TYPE"),
    (dict, "MAP_TYPE"),
)


def typed_cell(value):
    """A table cell's Livy type and JSON value."""
    if value is None:
        return "NULL_TYPE", None
    for kind, name in CELL_TYPES:
        if isinstance(value, kind):
            break
    else:
        return "STRING_TYPE", str(value)
    if name == "ARRAY_TYPE":
        cells = [typed_cell(item) for item in value]
        same_type(cell[0] for cell in cells)
        return name, [cell[1] for cell in cells]
    if name == "MAP_TYPE":
        cells = {str(key): typed_cell(item) for key, item in value.items()}
        same_type(cell[0] for cell in cells.values())
        return name, {key: cell[1] for key, cell in cells.items()}
    if name in ("TIMESTAMP_TYPE", "DATE_TYPE", "DECIMAL_TYPE"):
        return name, str(value)
    return name, json_value(value)


def same_type(names):
    if len(set(names) - {"NULL_TYPE"}) > 1:
        raise StatementError("TypeError", "table rows have different types")


def row_items(row):
    if hasattr(row, "asDict"):
        row = row.asDict()
    if isinstance(row, dict):
        return sorted(row.items(), key=lambda item: str(item[0]))
    if isinstance(row, (list, tuple)):
        return list(enumerate(row))
    return [(0, row)]


class Magics(object):
    def __init__(self, names):
        self.names = names

    def run(self, line):
        name, _, rest = line[1:].strip().partition(" ")
        if not name:
            raise StatementError("UnknownMagic", "magic command not specified")
        command = getattr(self, "magic_" + name, None)
        if command is None:
            raise StatementError("UnknownMagic", "unknown magic command '%s'" % name)
        rest = rest.strip()
        if rest not in self.names:
            raise StatementError("KeyError", repr(rest))
        return command(self.names[rest])

    def magic_json(self, value):
        return {"application/json": json_value(value)}

    def magic_table(self, value):
        rows = value if isinstance(value, (list, tuple)) else [value]
        types, data = {}, []
        for row in rows:
            cells = []
            for name, value in row_items(row):
                kind, cell = typed_cell(value)
                known = types.setdefault(name, kind)
                if known == "NULL_TYPE":
                    types[name] = kind
                else:
                    same_type((known, kind))
                cells.append(cell)
            data.append(cells)
        names = sorted(types, key=lambda name: name if isinstance(name, int) else str(name))
        headers = [{"name": str(name), "type": types[name]} for name in names]
        return {"application/vnd.livy.table.v1+json": {"headers": headers, "data": data}}

    def magic_matplot(self, value):
        picture = io.BytesIO()
        value.gcf().savefig(picture, format="png")
        return {"image/png": base64.b64encode(picture.getvalue()).decode(), "text/plain": ""}


class Runner(object):
    """Runs code in the module that user code sees as __main__."""

    def __init__(self, names):
        self.names = names
        self.magics = Magics(names)

    def split(self, code):
        """Trees, and magic lines. Magics matter only if the code is not Python as a whole."""
        try:
            return [ast.parse(code, SOURCE)]
        except SyntaxError:
            if not any(line.startswith("%") for line in code.split("\n")):
                raise
        nodes, plain = [], []
        for line in code.split("\n") + ["%"]:
            if not line.startswith("%"):
                plain.append(line)
                continue
            if any(text.strip() for text in plain):
                nodes.append(ast.parse("\n".join(plain), SOURCE))
            plain = []
            nodes.append(line)
        return nodes[:-1]

    def run_tree(self, tree):
        """Only the last statement runs as if typed, which shows the value of an expression."""
        body = tree.body
        if len(body) > 1:
            before = ast.Module(body=body[:-1], type_ignores=[])
            exec(compile(before, SOURCE, "exec"), self.names)
        if body:
            exec(compile(ast.Interactive(body=body[-1:]), SOURCE, "single"), self.names)

    def execute(self, code):
        try:
            nodes = self.split(code)
        except Exception:
            # ValueError: a null byte; RecursionError, MemoryError: too deeply nested.
            kind, value, _ = sys.exc_info()
            lines = traceback.format_exception_only(kind, value)
            return error(kind.__name__, str(value), lines)
        data = {}
        try:
            for node in nodes:
                if isinstance(node, str):
                    data = self.magics.run(node)
                else:
                    data = {}
                    self.run_tree(node)
        except StatementError as failure:
            return failure.reply
        except BaseException:
            return current_error(hide_top_level=True)
        return {"data": data}

    def complete(self, code, cursor):
        import rlcompleter
        begin = cursor
        while begin > 0 and (code[begin - 1].isalnum() or code[begin - 1] in "._"):
            begin -= 1
        completer, found = rlcompleter.Completer(self.names), []
        while len(found) < COMPLETIONS_MAX:
            name = completer.complete(code[begin:cursor], len(found))
            if name is None:
                break
            found.append(name)
        return {"candidates": found}


def connect():
    """The names user code starts with, on the driver's own Spark context."""
    from pyspark import SparkConf, SparkContext, cloudpickle
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession, SQLContext
    from pyspark.streaming import StreamingContext
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


class Server(object):
    """Takes requests from the driver, one after the other, and interrupts the running one."""

    def __init__(self, source, sink, capture, pump):
        self.source = source
        self.sink = sink
        self.capture = capture
        self.pump = pump
        self.requests = queue.Queue()
        self.running = None  # The number of the statement that may be interrupted.
        self.interrupted = None

    def reply(self, message):
        data = (json.dumps(message) + "\n").encode("utf-8")
        while data:
            data = data[os.write(self.sink, data):]

    def read(self):
        for line in self.source:
            message = json.loads(line.decode("utf-8"))
            if message["op"] != "interrupt":
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

    def on_interrupt(self, number, frame):
        if self.running is not None and self.running == self.interrupted:
            self.interrupted = None
            raise KeyboardInterrupt()

    def serve(self, runner):
        signal.signal(signal.SIGINT, self.on_interrupt)
        threading.Thread(target=self.read, daemon=True, name="livy-requests").start()
        while True:
            request = self.requests.get()
            if request is None:
                return
            if request["op"] == "complete":
                answer = self.quietly(runner, request)
            else:
                answer = self.execute(runner, request)
            answer["id"] = request["id"]
            try:
                self.reply(answer)
            except (TypeError, ValueError) as failure:
                text = "the result cannot be turned into JSON: %s" % failure
                self.reply(dict(error("ValueError", text, []), id=request["id"]))

    def quietly(self, runner, request):
        try:
            return runner.complete(request["code"], request["cursor"])
        except Exception:
            return {"candidates": []}

    def execute(self, runner, request):
        answer = None
        self.capture.begin(request["id"])
        try:
            group = request["group"]
            runner.context.setJobGroup(group, "Job group for statement " + group, True)
            self.running = request["id"]
            answer = runner.execute(request["code"])
            self.running = None
        except KeyboardInterrupt:
            # It came in the moment after the statement.
            answer = answer or error("KeyboardInterrupt", "", ["KeyboardInterrupt\n"])
        except Exception:
            # Spark is stopping; the code has not run.
            answer = current_error(hide_top_level=False)
        self.running = None
        self.pump.catch_up()
        text = self.capture.end()
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
    capture = Capture(os.dup(2))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    pipe_out, pipe_in = os.pipe()
    os.dup2(pipe_in, 1)
    os.dup2(pipe_in, 2)
    os.close(pipe_in)
    pump = Pump(capture, pipe_out)
    pump.start()
    sys.stdout, sys.stderr, sys.stdin = Writer(capture, 1), Writer(capture, 2), io.StringIO()
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.path[0] = ""  # The folder of this script is of no use to the user.
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
    runner = Runner(module.__dict__)
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
