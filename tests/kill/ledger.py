"""What clients have asked for and were told, and what is true of it from then on."""
import threading
import uuid

FINAL = ("available", "cancelled")
ENDED = ("dead", "killed", "success")
KEEPS_ALL = 10_000  # Statements kept by a session that never has as many.


class Lost(Exception):
    """No answer: whether it took effect is not known."""


class Object:
    """A session, a statement or a batch."""

    def __init__(self, body, collection):
        self.key, self.body, self.collection = uuid.uuid4().hex, body, collection
        self.id = None  # Once it is known.
        self.deletion = None  # "asked", then "done".
        self.end = None  # State, reason and exit status, once somebody was told.

    @property
    def path(self):
        return f"{self.collection}/{self.id}"

    def see_end(self, view):
        """What was told of an end stays so."""
        end = {part: view.get(part) for part in ("state", "endReason", "exitCode")}
        assert end["endReason"], (self.path, view)
        assert self.end in (None, end), (self.path, self.end, view)
        self.end = end


class Session(Object):
    def __init__(self, retained, server):
        self.server = server  # The number of the one that was asked first.
        conf = {"livy.rsc.retained-statements": str(retained)}
        super().__init__({"kind": "spark", "conf": conf}, "/sessions")
        self.retained = retained
        self.statements = []
        self.was_killed = False  # Its driver, by us.
        self.in_history = False  # And was read there.
        self.forgotten = set()

    def may_have_ended(self):
        return self.deletion or self.end or self.was_killed

    def find_unanswered(self, views, ledger):
        """Those among them whose requests were not answered, and cannot be made again."""
        known = {it.id for it in self.statements}
        unanswered = {it.body["code"]: it for it in self.statements if it.id is None}
        for view in views:
            if view["id"] not in known:
                assert view["code"] in unanswered, f"{self.path} has what nobody asked for: {view}"
                ledger.give(unanswered.pop(view["code"]), view["id"])

    def see_statements(self, views, ran):
        """The whole list of its statements, some of which were forgotten; `ran` are ids that its driver took."""
        told = {view["id"]: view for view in views}
        known = {it.id: it for it in self.statements if it.id is not None}
        assert len(told) == len(views), (self.path, views)
        assert told.keys() <= known.keys(), (self.path, told.keys() - known.keys())
        assert list(told) == sorted(told), (self.path, list(told))
        for number, view in told.items():
            known[number].see(view)
        forgotten = known.keys() - told.keys()
        self.forgotten |= forgotten
        if not forgotten:
            return
        # As long as some run, those that are listed may be forgotten before all are read.
        all_ended = all(view["state"] in FINAL for view in views)
        assert len(views) >= self.retained or not all_ended, (
            f"{self.path} keeps {len(views)} of {self.retained}, not {forgotten}")
        never_ended = {it for it in forgotten if it not in ran and not known[it].cancel_asked}
        assert not never_ended, f"{self.path} has forgotten {never_ended}, which never ended"
        # One that was cancelled may go before an older one that runs.
        if not any(it.cancel_asked for it in self.statements):
            assert max(forgotten) < min(told), (self.path, sorted(forgotten), sorted(told))


class Statement(Object):
    def __init__(self, code, session):
        super().__init__({"code": code}, session.path + "/statements")
        self.session = session
        self.cancel_asked = False
        self.cancelled = False  # The request was answered.
        self.final = None  # The final view, once somebody has seen it.

    def see(self, view, known=None):
        """`known` is what was known when it was asked for, if others may have asked since."""
        final, is_cancelled = known or (self.final, self.cancelled)
        assert view["code"] == self.body["code"], (self.path, self.body, view)
        if final:
            assert {part: view[part] for part in final} == final, (self.path, final, view)
        if is_cancelled:
            assert view["state"] in ("cancelling",) + FINAL, (self.path, view)
        if view["state"] not in FINAL:
            return
        # When one that was cancelled in the queue has ended, its driver tells later.
        parts = ("state", "output", "completed") if view["completed"] else ("state",)
        if not self.final or len(parts) > len(self.final):
            self.final = {part: view[part] for part in parts}
        if view["state"] == "available":
            told = view["output"]["data"]["text/plain"]
            assert told == self.body["code"].partition(" ")[2], (self.path, view)
        else:
            # The end of its session cancels it, too.
            assert self.cancel_asked or self.session.may_have_ended(), (self.path, view)


class Batch(Object):
    def __init__(self, status, seconds, server):
        self.status = status
        self.server = server  # The number of the one that was asked first.
        self.stop_asked = False
        self.was_killed = False  # By us.
        super().__init__(None, "/batches")
        self.body = {"file": "/stub.jar", "args": [self.key, str(status), str(seconds)]}

    def see_end_of(self, view, bed, server):
        """What `server` tells of its end is what happened, as far as it can know; whether it is news."""
        is_news = not self.end
        self.see_end(view)
        if not is_news:
            return False
        journal = bed.journal(f"batch-{self.key}")
        told = (self.path, view, journal)
        assert journal.count("began") <= 1, told
        ended = next((line.split()[1:] for line in journal if line.startswith("ends")), None)
        status = view.get("exitCode")
        # Who was to be killed may have been quicker.
        if status is not None:
            assert ended and ended[0] == str(status) == str(self.status), told
        if view["state"] == "killed":
            assert self.stop_asked or self.deletion, told
        elif view["state"] == "success" or status is not None:
            assert view["state"] == ("success" if status == 0 else "dead"), told
        elif not (self.stop_asked or self.deletion or self.was_killed):
            # It was never begun, or how it ended cannot be known: there was no server.
            is_launcher = server.number == self.server
            saw_end = ended and (is_launcher or bed.can_tell and float(ended[1]) > server.ready)
            assert not saw_end or bed.was_between(self), told
        return True


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.sessions, self.batches = [], []
        self.past = []  # Sessions that were deleted.
        self.given = {}  # By collection, all ids that were ever told.
        self.counts = dict.fromkeys((
            "created", "submitted", "cancelled", "deleted", "batch ends", "adopted batch ends",
            "unknown batch ends", "histories", "unanswered", "processes killed", "taken over"), 0)

    def count(self, what, number=1):
        with self.lock:
            self.counts[what] += number

    def totals(self):
        sessions = self.sessions + self.past
        statements = [it for session in sessions for it in session.statements]
        return self.counts | {"outputs": sum(it.final is not None for it in statements),
                              "forgotten": sum(len(it.forgotten) for it in sessions)}

    def alive(self, objects):
        with self.lock:
            return [it for it in objects if it.id is not None and it.deletion is None]

    def give(self, it, number):
        """The server says that it is this number."""
        with self.lock:
            assert it.id in (None, number), (it.path, number)
            if it.id is None:
                it.id = number
                given = self.given.setdefault(it.collection, set())
                assert it.id not in given, f"{it.path} was given twice"
                given.add(it.id)
