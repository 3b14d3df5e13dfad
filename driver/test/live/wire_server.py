"""The server's end of docs/design/004-driver-wire.md, as little of it as the tests need."""
import hashlib
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

PING_SECONDS = 5.0


class Certificate(object):
    """A self-signed certificate in the given folder, made by the openssl command."""

    def __init__(self, folder):
        self.file = os.path.join(folder, "certificate.pem")
        self.key = os.path.join(folder, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", self.key, "-out", self.file, "-days", "2",
             "-subj", "/CN=anything"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(self.file) as text:
            der = ssl.PEM_cert_to_DER_cert(text.read())
        self.fingerprint = hashlib.sha256(der).hexdigest()


class WireServer(object):
    """Serves one session. What it has stored survives stop_listening() and listen()."""

    def __init__(self, certificate, session="7", secret="a-secret"):
        self.certificate = certificate
        self.session = session
        self.secret = secret
        self.changed = threading.Condition()
        # Guarded by `changed`.
        self.boot = None
        self.commands = []
        self.events = []
        self.arrivals = []
        self.ack = 0
        self.files = {}
        self.answers_to_lose = 0
        self.repeats = 0
        self.streams = set()
        self.connections = set()
        self.posts = []
        self.listener = None
        self.port = 0
        self.listen()

    def listen(self):
        self.listener = Listener(self)
        self.port = self.listener.server_address[1]
        threading.Thread(target=self.listener.serve_forever, args=(0.05,), daemon=True).start()

    def stop_listening(self):
        """As if the server were killed: no connection is left."""
        listener, self.listener = self.listener, None
        listener.shutdown()
        listener.server_close()
        with self.changed:
            connections = list(self.connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def send(self, op, **members):
        with self.changed:
            number = len(self.commands) + 1
            self.commands.append(dict({"op": op, "seq": number}, **members))
            self.changed.notify_all()

    def wait(self, condition, seconds=120, what="the condition"):
        """Waits until condition(events) is true and returns that."""
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                found = condition(self.events)
                if found:
                    return found
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError("no %s within %d s" % (what, seconds))
                self.changed.wait(left)

    def event(self, name, seconds=120, **members):
        """Waits for an event with these members."""

        def find(events):
            for event in events:
                if event["event"] == name and all(event.get(k) == v for k, v in members.items()):
                    return event
            return None

        return self.wait(find, seconds, "event %s %s" % (name, members))

    # The rest is called by connections.

    def refusal(self, handler, session, boot):
        if handler.headers.get("Authorization") != "Bearer " + self.secret:
            return 401
        if session != self.session:
            return 404
        with self.changed:
            if self.boot is None:
                self.boot = boot
            return None if self.boot == boot else 409

    def store(self, lines):
        with self.changed:
            for line in lines:
                event = json.loads(line)
                if event["seq"] <= self.ack:
                    self.repeats += 1
                    continue
                self.ack = event["seq"]
                self.events.append(event)
                self.arrivals.append(time.monotonic())
            self.posts.append(len(lines))
            self.changed.notify_all()
            lose = self.answers_to_lose > 0
            self.answers_to_lose -= lose
            return None if lose else self.ack

    def next_command(self, have):
        with self.changed:
            if len(self.commands) <= have:
                self.changed.wait(PING_SECONDS)
            return self.commands[have] if len(self.commands) > have else {"op": "ping"}


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, wire):
        self.wire = wire
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(wire.certificate.file, wire.certificate.key)
        super(Listener, self).__init__(("127.0.0.1", wire.port), Handler)

    def finish_request(self, request, client_address):
        try:
            secured = self.tls.wrap_socket(request, server_side=True)
            with self.wire.changed:
                self.wire.connections.add(secured)
            super(Listener, self).finish_request(secured, client_address)
        except OSError:
            pass  # The driver or stop_listening() closed it.

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *arguments):
        pass

    def accepted(self, what):
        """Returns the query if the request is to be served; answers it if not."""
        url = urllib.parse.urlsplit(self.path)
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        parts = url.path.split("/")
        status = 404
        if parts[:4] == ["", "driver", "v1", "sessions"] and parts[5:6] == [what]:
            self.name = urllib.parse.unquote(parts[6]) if what == "files" else None
            status = self.server.wire.refusal(self, parts[4], query["boot"])
        if status is None:
            return query
        self.answer(status, b"refused")
        return None

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.accepted("events") is None:
            return
        ack = self.server.wire.store(body.decode("utf-8").split("\n")[:-1])
        if ack is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.answer(200, json.dumps({"ack": ack}).encode())

    def do_GET(self):
        if "/files/" in self.path:
            if self.accepted("files") is not None:
                content = self.server.wire.files.get(self.name)
                self.answer(404 if content is None else 200, content or b"no such file")
            return
        query = self.accepted("commands")
        if query is None:
            return
        wire = self.server.wire
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.chunk({"op": "hello", "ack": wire.ack})
        have = int(query["have"])
        while wire.listener is self.server:
            command = wire.next_command(have)
            have = max(have, command.get("seq", 0))
            self.chunk(command)

    def chunk(self, value):
        line = (json.dumps(value) + "\n").encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.flush()
