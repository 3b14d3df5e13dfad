"""What Python statements write, caught for their outputs. See python_bootstrap.py."""
import codecs
import io
import os
import threading

OUTPUT_MAX = int(os.environ.get("LIVY_DRIVER_OUTPUT_MAX", "1048576"))


def head(text, room):
    """As much of the beginning of a text as takes up to `room` bytes of UTF-8, and its bytes."""
    part = text[:room]
    if part.isascii():
        return part, len(part)
    data = part.encode("utf-8", "surrogatepass")
    if len(data) > room:
        while room > 0 and data[room] & 0xC0 == 0x80:
            room -= 1
        data = data[:room]
        part = data.decode("utf-8", "surrogatepass")
    return part, len(data)


class Capture(object):
    """The running statement's output, up to a limit.

    A thread's output belongs to the statement that started the thread: what comes after that
    statement's end goes to the driver's log. Output of unknown origin belongs to what runs.
    """

    def __init__(self, log):
        self.log = log
        self.lock = threading.Lock()
        self.changed = threading.Event()
        self.main = threading.main_thread()
        self.late_interrupt = False
        self.followed = None
        self.forked = False
        self.reset(None)
        os.register_at_fork(after_in_child=self.after_fork)

    def reset(self, statement):
        self.statement = statement
        self.parts = {1: [], 2: []}
        self.untold = []
        self.size = 0
        self.cut = False
        self.late_interrupt = False

    def begin(self, statement):
        with self.lock:
            self.reset(statement)

    def after_fork(self):
        """A child has a copy of what was caught; what it writes must get to its parent."""
        self.lock = threading.Lock()
        self.forked = True

    def write(self, text, stream=1):
        if self.forked:
            os.write(stream, text.encode("utf-8", "backslashreplace"))
            return
        with self.lock:
            thread = threading.current_thread()
            owner = getattr(thread, "_livy_statement", self.statement)
            if owner is None or owner != self.statement:
                os.write(self.log, text.encode("utf-8", "backslashreplace"))
                return
            if text and not self.cut:
                self.append(text, stream)
        if self.late_interrupt and thread is self.main:
            self.late_interrupt = False
            raise KeyboardInterrupt()

    def append(self, text, stream):
        part, size = head(text, OUTPUT_MAX - self.size)
        self.cut = len(part) < len(text)
        if not part:
            return
        self.size += size
        self.parts[stream].append(part)
        if self.followed == self.statement:
            self.untold.append(part)
            if len(self.untold) == 1:
                self.changed.set()

    def defer_interrupt(self, frame):
        """Whether code in the given frame holds our lock, so that it must not be left just now."""
        for _ in range(3):
            if frame is not None and frame.f_code is Capture.write.__code__:
                self.late_interrupt = True
                return True
            frame = frame and frame.f_back
        return False

    def end(self):
        """The text, what went to the error stream last, as Livy shows it; and whether it is cut."""
        with self.lock:
            text, cut = "".join(self.parts[1] + self.parts[2]), self.cut
            if cut:
                text += "\n... output cut after %d bytes\n" % OUTPUT_MAX
            self.reset(None)
            return text, cut

    def follow(self, statement):
        """From now on changed is set when there is something for take()."""
        with self.lock:
            self.followed = statement
            if self.statement == statement:
                self.untold = self.parts[1] + self.parts[2]
                if self.untold:
                    self.changed.set()

    def take(self):
        """The statement that is followed, and what it has printed since the last time."""
        with self.lock:
            self.changed.clear()
            text, self.untold = "".join(self.untold), []
            return self.statement, text

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
        self.capture.write(text, self.descriptor)
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

    def __init__(self, capture, source, sink):
        super(Pump, self).__init__(daemon=True, name="livy-output")
        self.capture = capture
        self.source = source
        self.sink = sink  # Of our own, because user code may close or replace descriptor 1.
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
        """Returns when everything written to descriptors 1 and 2 so far has been captured."""
        self.reached.clear()
        os.write(self.sink, self.MARK + b"\0")
        self.reached.wait(1.0)


class Follower(threading.Thread):
    """Tells what a statement prints while it runs, in pieces some time apart."""

    PAUSE_SECONDS = 0.1

    def __init__(self, capture, tell):
        super(Follower, self).__init__(daemon=True, name="livy-follower")
        self.capture = capture
        self.tell = tell

    def run(self):
        pause = threading.Event()
        while True:
            self.capture.changed.wait()
            statement, text = self.capture.take()
            if text:
                self.tell({"id": statement, "output": text})
            pause.wait(self.PAUSE_SECONDS)
