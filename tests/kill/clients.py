"""Clients of one run of a livy-server, which ask at random until it is killed, and compare what they are told."""
import http.client
import json
import re
import time

from ledger import ENDED, FINAL, KEEPS_ALL, Batch, Lost, Session, Statement

SESSIONS_MAX = 6
BATCHES_MAX = 6
GONE = re.compile(r"number (\d+) of")


class Client:
    """Of a server that `bed` has started."""

    def __init__(self, server, bed, ledger, random):
        self.address = server.url.removeprefix("http://")
        self.server, self.bed, self.ledger, self.random = server, bed, ledger, random

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.address, timeout=90)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               headers or {})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as failure:
            raise Lost from failure
        finally:
            connection.close()
        if answer.status == 503 and self.server.is_followed:
            raise Lost  # It was refused, which is for the next one to show.
        return answer.status, json.loads(text) if text else None

    def wait_for(self, path, is_final, seconds):
        """An answer that comes before its time is one of the end."""
        began = time.monotonic()
        status, view = self.request("GET", f"{path}?wait={int(seconds * 1000)}ms")
        took = time.monotonic() - began
        assert status != 200 or is_final(view) or took > 0.99 * seconds, (
            path, view, f"after {took:.2f} s of {seconds}", self.request("GET", path))
        return status, view

    def create(self, it):
        """Asks for it, maybe once more; what is answered is what counts."""
        status, view = self.request("POST", it.collection, it.body, {"Idempotency-Key": it.key})
        if isinstance(it, Statement):
            if status == 404 or status == 500 and "Session is in state" in view:
                return False  # Its session's end or deletion came first.
            if status == 410:  # It was created, has run, and was forgotten.
                assert it.session.retained < KEEPS_ALL, (it.path, view)
                view = {"id": int(GONE.search(view["msg"])[1])}
                status = 201
        assert status == 201, (it.collection, it.body, status, view)
        self.ledger.give(it, view["id"])
        return True

    def delete(self, it):
        with self.ledger.lock:
            it.deletion = it.deletion or "asked"
        status, view = self.request("DELETE", it.path)
        assert status in (200, 404), (it.path, status, view)
        it.deletion = "done"
        self.ledger.count("deleted")

    def work(self):
        try:
            while True:
                self.step()
        except Lost:
            self.ledger.count("unanswered")

    def step(self):
        ledger, dice = self.ledger, self.random.random()
        sessions = ledger.alive(ledger.sessions)
        if dice < 0.08 and len(sessions) < SESSIONS_MAX or not sessions:
            retained = self.random.choice([1, 3, 20, KEEPS_ALL])
            self.add(ledger.sessions, Session(retained, self.server.number), "created")
        elif dice < 0.15:
            self.work_on_batches()
        elif dice < 0.17:
            self.delete(self.random.choice(sessions))
        elif dice < 0.19:
            self.look_back()
        elif dice < 0.65:
            session = self.random.choice(sessions)
            code = self.random.choice(["tell {}", "tell {}", "hold 0.05 {}"])
            text = f"{self.random.getrandbits(64):x}"
            self.add(session.statements, Statement(code.format(text), session), "submitted")
        else:
            statements = ledger.alive(self.random.choice(sessions).statements)
            if statements:
                self.look(self.random.choice(statements), cancels=dice > 0.95)

    def add(self, objects, it, what):
        with self.ledger.lock:
            objects.append(it)
        if self.create(it):
            self.ledger.count(what)
        else:
            with self.ledger.lock:
                objects.remove(it)

    def work_on_batches(self):
        ledger, dice = self.ledger, self.random.random()
        batches = ledger.alive(ledger.batches)
        if len(batches) < BATCHES_MAX and dice < 0.5:
            status, seconds = self.random.choice([0, 0, 3]), self.random.choice([0, 0.3, 1, 2])
            self.add(ledger.batches, Batch(status, seconds, self.server.number), "created")
        elif batches:
            it = self.random.choice(batches)
            if dice < 0.6:
                self.delete(it)
            elif dice < 0.7:
                it.stop_asked = True
                status, view = self.request("POST", it.path + "/stop")
                assert status in (204, 404), (it.path, status, view)
            else:
                self.look_at_batch(it)

    def look_at_batch(self, it, seconds=0.05):
        known = it.end
        status, view = self.wait_for(it.path, lambda view: view["state"] in ENDED, seconds)
        if status == 404:
            assert it.deletion, (it.path, view)
            return
        assert status == 200, (it.path, status, view)
        assert view["state"] in ENDED or not known, (it.path, it.end, view)
        if self.server.is_followed:
            return  # Another one may tell of the end, and knows better.
        if view["state"] in ENDED and it.see_end_of(view, self.bed, self.server):
            is_known = view["state"] != "dead" or "exitCode" in view
            is_adopted = self.server.number != it.server
            self.ledger.count("unknown batch ends" if not is_known else
                              "adopted batch ends" if is_adopted else "batch ends")

    def look_back(self):
        with self.ledger.lock:
            past = [it for it in self.ledger.past if it.in_history]
        if past:
            self.read_history(self.random.choice(past))

    def read_history(self, session):
        """Its statements are as they were told, or were ended with it."""
        path = f"/history{session.path}"
        status, view = self.request("GET", path)
        assert status == 200, (path, status, view)
        session.see_end(view)
        status, page = self.request("GET", path + "/statements")
        assert status == 200 and page["total_statements"] == len(page["statements"]), (path, page)
        session.find_unanswered(page["statements"], self.ledger)
        session.see_statements(page["statements"], self.bed.ran(session))
        for view in page["statements"]:
            output = view["output"] or {}
            assert view["state"] in FINAL, (path, view)
            # Else it was cancelled before, or has ended.
            if output.get("ename") == "SessionEnded":
                why = session.end["endReason"].partition("\n")[0]
                assert view["state"] == "cancelled" and output["evalue"] == why, (path, view, why)
        session.in_history = True
        self.ledger.count("histories")

    def look(self, it, cancels=False):
        if cancels:
            it.cancel_asked = True
            status, view = self.request("POST", it.path + "/cancel")
            if status == 200:
                it.cancelled = True
                self.ledger.count("cancelled")
        # What others see meanwhile may be newer than the answer.
        known = it.final, it.cancelled
        if self.random.random() < 0.1:
            status, view = self.wait_for(it.path, lambda view: view["state"] in FINAL, 2)
        else:
            status, view = self.request("GET", it.path)
        if status == 404 and view == "Statement not found":
            assert it.session.retained < KEEPS_ALL, f"{it.path} is forgotten"
        elif status not in (400, 404):  # Else its session has ended, or was deleted.
            assert status == 200, (it.path, status, view)
            it.see(view, known)


class Check(Client):
    """After a restart, with nobody else there but the drivers."""

    def run(self, is_thorough):
        ledger = self.ledger
        self.settle(ledger.sessions, "/sessions")
        self.settle(ledger.batches, "/batches")
        for session in ledger.alive(ledger.sessions):
            self.check_session(session)
        for batch in ledger.alive(ledger.batches):
            self.look_at_batch(batch, seconds=60 if is_thorough else 0)
        self.check_history(is_thorough)
        if is_thorough:
            for session in ledger.alive(ledger.sessions):
                self.await_all(session)

    def settle(self, objects, collection):
        for it in [it for it in objects if it.id is None]:
            self.create(it)
        for it in objects:
            if it.deletion == "asked":
                self.delete(it)
        for it in [it for it in objects if it.deletion]:
            status, _ = self.request("GET", it.path)
            assert status == 404, f"{it.path} was deleted and is there"
            objects.remove(it)
            if objects is self.ledger.sessions:
                self.ledger.past.append(it)
        _, page = self.request("GET", collection + "?size=10000")
        listed = [entry["id"] for entry in page["sessions"]]
        known = sorted(it.id for it in objects)
        assert listed == known, f"{collection}: listed {listed}, known {known}"

    def check_session(self, session):
        _, view = self.request("GET", session.path)
        if view["state"] in ENDED:
            return self.check_ended(session, view)
        assert not session.end, (session.path, session.end, view)
        for it in [it for it in session.statements if it.id is None]:
            self.create(it)
        answered = [it for it in session.statements if it.id is not None]
        if answered:
            self.create(self.random.choice(answered))  # Once more: it is the same.
        self.check_list(session)

    def check_ended(self, session, view):
        session.see_end(view)
        # One whose server died while it launched has no driver.
        assert (session.was_killed or not self.bed.ran(session)
                or self.bed.was_between(session)), (session.path, view)
        if self.random.random() < 0.5:
            self.delete(session)

    def check_list(self, session):
        """The page of its statements; None if it has ended meanwhile."""
        status, page = self.request("GET", session.path + "/statements")
        if status == 400:
            assert session.was_killed, (session.path, page)
            return None
        session.see_statements(page["statements"], self.bed.ran(session))
        return page["statements"]

    def check_history(self, is_thorough):
        _, page = self.request("GET", "/history/sessions?size=1000000")
        told = {view["id"]: view for view in page["sessions"]}
        known = {it.id: it for it in self.ledger.sessions + self.ledger.past}
        ended = {number for number, it in known.items() if it.deletion or it.end}
        # Others may have ended since we looked.
        assert ended <= told.keys() <= known.keys(), (ended - told.keys(), told.keys() - known.keys())
        for number, view in told.items():
            known[number].see_end(view)
            if is_thorough or not known[number].in_history:
                self.read_history(known[number])

    def await_ends(self):
        """All sessions have ended, of which the history has every one."""
        for session in self.ledger.alive(self.ledger.sessions):
            status, view = self.wait_for(session.path, lambda view: view["state"] in ENDED, 60)
            assert status == 404 or view["state"] in ENDED, (session.path, view)
        _, page = self.request("GET", "/history/sessions?size=1000000")
        told = {view["id"] for view in page["sessions"]}
        known = {it.id for it in self.ledger.sessions + self.ledger.past}
        assert told == known, told ^ known

    def await_all(self, session):
        """Every statement comes to its end, and only as many are kept as shall be."""
        for it in session.statements:
            if it.id is None:
                continue
            status, view = self.wait_for(it.path, lambda view: view["state"] in FINAL, 60)
            if status == 200:
                assert view["state"] in FINAL, (it.path, view, self.request("GET", session.path))
                it.see(view)
        last = Statement(f"tell the last {len(session.statements)}", session)
        self.add(session.statements, last, "submitted")
        if last.id is None:
            assert session.may_have_ended(), session.path
            return
        self.wait_for(last.path, lambda view: view["state"] in FINAL, 60)
        views = self.check_list(session)
        assert views is None or len(views) <= session.retained, (session.path, len(views))
