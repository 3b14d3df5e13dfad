"""A state of many records, as a livy-server would have left it in SQLite."""

import json
import pathlib
import sqlite3
import time

STATEMENTS = 100  # Of each session.


def statement(number):
    text = f"{number} " + "as much as an output has, more or less " * 15
    return json.dumps({
        "id": number, "code": f"print({number})", "state": "available",
        "output": {"status": "ok", "execution_count": number, "data": {"text/plain": text}},
        "progress": 1.0, "started": 1, "completed": 2, "kind": "pyspark"})


def session(number, ours):
    return json.dumps({
        "id": number, "name": None, "appId": None, "appTag": f"livy-session-{number}-0",
        "kind": "pyspark", "heartbeatTimeoutS": 0, "owner": None, "ttl": None,
        "idleTimeout": None, "conf": {}, "version": 1,
        "liblivy": {"secret": "s", "boot": "b", "application": "2 1 none", "created": 1} | ours})


def fill(home, records, kind):
    """`kind`: `alive`, whose drivers have gone with their server; `ended`, still listed; or
    `history`. The database is one that a server has made. Returns the length of what is in it."""
    now = int(time.time() * 1000)
    end = {"state": "dead", "reason": "deleted by nobody", "exitCode": None, "ended": now}
    ours = {"alive": {}, "ended": end,
            "history": end | {"removed": now, "bytes": 80_000}}[kind]
    file = pathlib.Path(home) / "state/livy/state.db"
    sessions = records // (STATEMENTS + 1)
    with sqlite3.connect(file) as database:
        def put(key, value):
            database.execute("INSERT OR REPLACE INTO entry VALUES (?, ?)",
                             (key.encode(), value.encode()))

        put("v1/interactive/state", json.dumps({"nextSessionId": sessions}))
        for number in range(sessions):
            put(f"v1/interactive/{number}", session(number, ours))
            for other in range(STATEMENTS):
                put(f"v1/interactive/{number}/statements/{other}", statement(other))
    database.close()
    return file.stat().st_size
