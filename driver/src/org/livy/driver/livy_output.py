"""What Python statements write, caught for their outputs. See python_bootstrap.py."""
import codecs
import io
import os
import threading

OUTPUT_MAX = int(os.environ.get("LIVY_DRIVER_OUTPUT_MAX", "1048576"))


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
