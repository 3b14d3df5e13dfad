"""What of two answers must be equal, with times, ids and lines of logs taken out of it."""

import json
import re
from urllib.parse import parse_qs, urlsplit

HEADERS = [
    "content-type", "location", "allow", "content-encoding", "server", "cache-control",
    "retry-after", "x-frame-options", "x-xss-protection", "content-security-policy",
    "x-content-type-options", "strict-transport-security",
]
CUT = "<cut>"
GZIP_NOTE = re.compile(r"^\[gzip, \d+ bytes; decoded:\]\n")
REFUSED_ID = re.compile(r"for session \d+$")
HTML_COUNT = re.compile(r"^<html page of (\d+) characters>$")
MESSAGE_ID = re.compile(r"^Session '(\d+)' not found\.$")
# Where a stack trace goes from Spark and Scala over to what called them.
CALLER = re.compile(
    r"org\.(apache\.)?livy\.|java\.base/(jdk\.internal\.reflect|java\.lang\.reflect)\."
)
FRAME_LINE = re.compile(r"\((\w+\.(?:scala|java)):\d+\)")
RESULT_NUMBER = re.compile(r"\bres\d+\b")
OWN_NAMES_COMPARED = 150


def answered_json(answer):
    return answer.headers.get("content-type", "").startswith("application/json")


def repaired(text):
    """The JSON text that stands before a cut, with what is open closed."""
    text = text.removesuffix(CUT)
    closers, end, in_string, escaped = [], 0, False, False
    ends = []  # After each complete value: its end and what was open there.
    for at, c in enumerate(text):
        if in_string:
            in_string = escaped or c != '"'
            escaped = c == "\\" and not escaped
        elif c == '"':
            in_string = True
        elif c in "[{":
            closers.append("]" if c == "[" else "}")
            ends.append((at + 1, "".join(reversed(closers))))
        elif c in "]}":
            closers.pop()
        elif c == ",":
            ends.append((at, "".join(reversed(closers))))
    end, open_closers = ends[-1]
    return text[:end] + open_closers


def trimmed(ours, recorded):
    """Ours as far as the recording goes: after a cut, only beginnings can be compared."""
    if isinstance(ours, list) and isinstance(recorded, list):
        head = ours[: len(recorded)]
        if head and len(head) == len(recorded):
            head[-1] = trimmed(head[-1], recorded[-1])
        return head
    if isinstance(ours, dict) and isinstance(recorded, dict) and recorded:
        head = dict(list(ours.items())[: len(recorded)])
        last = list(recorded)[-1]
        if last in head:
            head[last] = trimmed(head[last], recorded[last])
        return head
    return ours


class Normal:
    """Makes answers of one group comparable; `ids` is from recorded session ids to ours."""

    def __init__(self, ids):
        self.ids = ids

    def recorded_id(self, ours):
        return next((there for there, here in self.ids.items() if here == ours), ours)

    def log_page(self, page, query, is_cut):
        """Which lines a page has follows from the query and the number of lines there are."""
        size = int(query.get("size", ["100"])[0])
        asked = int(query.get("from", ["-1"])[0])
        count = page["total"] if size < 0 else size
        start = asked if asked >= 0 else max(0, page["total"] - count)
        lines = max(0, min(count, page["total"] - start))
        if page["from"] != start or (len(page["log"]) != lines and not is_cut):
            return page
        return page | {"from": "as asked", "total": "lines", "log": "as asked"}

    def value(self, value, query, ours, is_cut):
        if isinstance(value, list):
            return [self.value(item, query, ours, is_cut) for item in value]
        if not isinstance(value, dict):
            return value
        value = {key: self.value(item, query, ours, is_cut) for key, item in value.items()}
        if list(value) == ["id", "from", "total", "log"]:
            value = self.log_page(value, query, is_cut)
        elif len(value.get("log") or []) > 2:
            value["log"] = "at most 10 lines" if len(value["log"]) <= 10 else value["log"]
        for time in {"started", "completed"} & set(value):
            value[time] = "a time" if value[time] > 1_500_000_000_000 else value[time]
        is_session = "id" in value and "code" not in value and "dataType" not in value
        if ours and is_session and isinstance(value["id"], int):
            value["id"] = self.recorded_id(value["id"])
        if ours and (found := MESSAGE_ID.match(str(value.get("msg")))):
            value["msg"] = f"Session '{self.recorded_id(int(found[1]))}' not found."
        if "msg" in value:
            value["msg"] = REFUSED_ID.sub("for session N", str(value["msg"]))
        return value

    def body(self, answer, target, ours):
        text = GZIP_NOTE.sub("", answer.body)
        if text.startswith("base16:"):
            return "deflated"
        if text and answered_json(answer):
            is_cut = text.endswith(CUT)
            value = json.loads(repaired(text) if is_cut else text)
            return self.value(value, parse_qs(urlsplit(target).query), ours, is_cut)
        if ours and answer.headers.get("content-type", "").startswith("text/html") and text:
            return f"<html page of {len(text)} characters>"
        return text

    def parts(self, record, answer, ours):
        """What clients can see of an answer, by the names that deviations.json uses."""
        parts = {"status": answer.status, "body": self.body(answer, record.target, ours)}
        for name in HEADERS:
            parts[name] = answer.headers.get(name)
        parts["connection"] = answer.headers.get("connection") == "close"
        parts["length"] = bool({"content-length", "transfer-encoding"} & set(answer.headers))
        if record.method == "HEAD" and not record.target.endswith("/10"):
            parts["length"] = answer.headers.get("content-length")
        if parts["allow"]:
            parts["allow"] = sorted(parts["allow"].split(", "))
        location = re.fullmatch(r"(/sessions/|/batches/)(\d+)(.*)", parts["location"] or "")
        if ours and location:
            there = self.recorded_id(int(location[2]))
            parts["location"] = location[1] + str(there) + location[3]
        return parts

    def differences(self, record, answer):
        """Part by part, what is recorded and what was answered."""
        recorded = self.parts(record, record.answer, ours=False)
        parts = self.parts(record, answer, ours=True)
        if parts["body"] != "" and recorded["body"] == "deflated":
            recorded["body"] = parts["body"]  # Kept in hexadecimal; the coding is what counts.
        if record.answer.body.endswith(CUT):
            parts["body"] = trimmed(parts["body"], recorded["body"])
        return {
            part: (recorded[part], parts[part])
            for part in recorded
            if as_text(recorded[part]) != as_text(parts[part])
        }


def as_text(value):
    """JSON text, in which the order of members and the form of numbers count."""
    return json.dumps(value, ensure_ascii=False)


def mapped(change, value):
    """The value with `change` made to each part of it, from the inside out."""
    if isinstance(value, dict):
        value = {key: mapped(change, item) for key, item in value.items()}
    elif isinstance(value, list):
        value = [mapped(change, item) for item in value]
    return change(value)


def without_frames(value):
    """Leaves out of stack traces what called Spark, and numbers of lines."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        called = [at for at, item in enumerate(value) if CALLER.search(item)]
        value = value[: called[0]] if called else value
    return FRAME_LINE.sub(r"(\1)", value) if isinstance(value, str) else value


def without_result_numbers(value):
    return RESULT_NUMBER.sub("res", value) if isinstance(value, str) else value


def without_outputs(value):
    has_output = isinstance(value, dict) and "output" in value
    return value | {"output": "an output"} if has_output else value


def without_end(value):
    """Leaves out what only this server tells of a session's end."""
    if isinstance(value, dict):
        value = {key: item for key, item in value.items() if key not in {"endReason", "exitCode"}}
    return value


def without_entries(value):
    """Leaves out of a page of the list what depends on how many others there are."""
    if isinstance(value, dict) and "sessions" in value:
        value = value | {"total": "a number", "sessions": len(value["sessions"])}
    return value


def without_ghosts(value):
    """Leaves out of a list what Livy has kept of refused batches."""
    if isinstance(value, dict) and "sessions" in value:
        listed = [entry for entry in value["sessions"] if entry["log"]]
        value = value | {"total": len(listed), "sessions": listed}
    return without_end(value)


def without_own_names(value):
    """Leaves out of completions what Livy itself has defined, and the end, which was cut."""
    if isinstance(value, dict) and "candidates" in value:
        names = [name for name in value["candidates"] if not name.startswith("_livyJobGroup")]
        value = value | {"candidates": names[:OWN_NAMES_COMPARED]}
    return value


# What an entry of deviations.json may say that its record is equal but for.
BUT_FOR = {
    "frames": without_frames,
    "result numbers": without_result_numbers,
    "outputs": without_outputs,
    "own names": without_own_names,
    "its end": without_end,
    "entries": without_entries,
    "refused batches": without_ghosts,
}
