"""Recorded exchanges with Apache Livy, sent again, byte for byte as far as they were kept."""

import gzip
import http.client
import json
import re
import socket
import zlib

ANSWER_SECONDS_MAX = 120
# What a recording keeps of a request does not say how it was malformed.
VERSION = {
    "A155-raw-http10": " HTTP/1.0",
    "A158-raw-http09": "",
    "A160-raw-bad-version": " HTTP/7.3",
    "A161-raw-http2-preface": " HTTP/2.0",
}
WITHOUT_HOST = {"A157-raw-no-host", "A158-raw-http09", "A161-raw-http2-preface"}
EXTRA_LINES = {
    "A171-raw-header-no-colon": ["a line without a colon"],
    "A172-raw-header-fold": [" and on the next line"],
}
# Long on purpose, and kept in part only.
SHORTENED = {"A175-raw-uri-too-long", "A176-raw-headers-too-large"}
LONG = 140_000
NOT_READ_TO_THE_END = (BrokenPipeError, ConnectionResetError)


class Record:
    """One exchange: what was sent to Apache Livy and what it answered."""

    def __init__(self, line):
        record = json.loads(line)
        self.name = record["name"]
        request, response = record["request"], record["response"]
        self.method, self.target = request["method"], request["target"]
        self.headers, self.body = request["headers"], request["body"] or ""
        self.answer = Answer(response["status"], response["headers"], response["body"] or "")


class Answer:
    """A status, the headers by their names in small letters, and the decoded body."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers.items()}

    @classmethod
    def received(cls, response):
        body = response.read()
        coding = response.headers.get("Content-Encoding")
        if coding == "gzip":
            body = gzip.decompress(body)
        elif coding == "deflate":
            body = zlib.decompress(body)
        return cls(response.status, dict(response.headers.items()), body.decode("utf-8"))


def read_group(folder, group):
    with open(folder / f"{group}.jsonl", encoding="utf-8") as lines:
        return [Record(line) for line in lines]


def body_bytes(record):
    """Recordings have line ends as \\n; a body whose length says more had \\r\\n."""
    body = record.body
    length = record.headers.get("Content-Length")
    lines = body.replace("\n", "\r\n")
    if "Transfer-Encoding" in record.headers:
        return (lines + "\r\n").encode()
    if length is not None and len(body.encode()) != int(length):
        body = lines
    return body.encode()


def request_bytes(record, target, host):
    body = body_bytes(record)
    is_chunked = "Transfer-Encoding" in record.headers
    lines = [f"{record.method} {target}{VERSION.get(record.name, ' HTTP/1.1')}"]
    if record.name not in WITHOUT_HOST:
        lines.append(f"Host: {host}")
    for name, value in record.headers.items():
        # Placeholders have another length than what they stand for.
        if name == "Content-Length" and value.isdigit() and not is_chunked:
            value = len(body)
        lines.append(f"{name}: {value}")
    lines += EXTRA_LINES.get(record.name, [])
    head = "\r\n".join([*lines, "", ""])
    if record.name in SHORTENED:
        head = re.sub("a{1000,}", "a" * LONG, head)
    return head.encode() + body


def exchange(address, sent, method):
    """Sends bytes on a connection of their own and reads the one answer."""
    with socket.create_connection(address, timeout=ANSWER_SECONDS_MAX) as connection:
        try:
            connection.sendall(sent)
        except NOT_READ_TO_THE_END:
            pass  # Refused before it was read; the answer may be there all the same.
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        return Answer.received(response)


def get_json(address, target):
    sent = f"GET {target} HTTP/1.1\r\nHost: replay\r\n\r\n".encode()
    return json.loads(exchange(address, sent, "GET").body)


def with_ids(target, ids):
    """The target for our server: the session or batch that stands for the recorded one."""
    return re.sub(
        r"^/(sessions|batches)/(\d+)", lambda m: f"/{m[1]}/{ids.get(int(m[2]), m[2])}", target
    )
